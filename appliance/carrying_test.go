package appliance_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/admin"
	"rollcall/appliance/ingest"
	"rollcall/appliance/store"
)

// TestWhatIsCarriedOutIsToldAndGoesOnByItself leaves an answer as a full disk would that
// struck behind its first step. It fails when status is silent about why nothing is
// sent, or when only a restart goes on with it.
func TestWhatIsCarriedOutIsToldAndGoesOnByItself(t *testing.T) {
	w := newWorld(t, 2, "")
	app, err := w.open() // which reads nothing: a read would go on with it
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	err = app.Store().Update(func(tx *store.Tx) error {
		return tx.SetSetting("closing:7", map[string]any{"actor": "ops", "run": map[string]any{"seq": 7}, "answer": map[string]any{"state": "approved"}, "of": 3000, "done": 1000})
	})
	if err != nil {
		t.Fatal(err)
	}
	st, err := app.Status(w.ctx())
	if diff := cmp.Diff([]admin.UnderWay{{Run: 7, What: "approved by ops", Done: 1000, Of: 3000}}, st.UnderWay); diff != "" || err != nil {
		t.Errorf("status: %s, %v", diff, err)
	}
	app.Housekeep()
	if st, err = app.Status(w.ctx()); err != nil || len(st.UnderWay) > 0 {
		t.Errorf("a minute later %+v, %v", st.UnderWay, err)
	}
	if err := app.Store().View(func(tx *store.Tx) error {
		if ingest.CarryingOut(tx) {
			t.Error("nothing will ever be sent again")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
