package cli

import (
	"strings"
	"testing"

	"rollcall/appliance/admin"
	"rollcall/appliance/admin/admintest"
)

func TestStatusSaysWhatIsBeingCarriedOut(t *testing.T) {
	fake := admintest.Acme()
	fake.State.UnderWay = []admin.UnderWay{{Run: 12, What: "approved by ops", Done: 31000, Of: 400000}, {Run: 14, What: "its end"}}
	r := ends{}.call(t, "--socket", admintest.Serve(t, fake).Admin, "status")
	for _, want := range []string{"nothing is sent until it is done", "run 12: approved by ops, 31,000 of 400,000 deliveries so far\n", "run 14: its end\n"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("status lacks %q:\n%s", want, r.out)
		}
	}
}
