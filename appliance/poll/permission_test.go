package poll_test

import (
	"context"
	"testing"

	"rollcall/appliance/model"
	"rollcall/connectors"
)

// checkedSource is a source whose permissions can be asked for.
type checkedSource struct {
	*source
	checks int
}

func (s *checkedSource) Check(context.Context) (connectors.Report, error) {
	s.checks++
	return connectors.Report{Missing: []connectors.MissingPermission{
		{Permission: "Work: Site", Field: "work.site", Attribute: model.Site},
		{Permission: "Personal: First name", Field: "root.firstName", Attribute: model.GivenName},
	}}, nil
}

func TestPermissionBehindALostColumnIsNamed(t *testing.T) {
	inBubble(t, 6, func(t *testing.T, w *world) {
		src := &checkedSource{source: w.source}
		w.connector = src
		w.start()
		if src.checks != 0 {
			t.Errorf("%d checks without a reason", src.checks)
		}
		w.source.mu.Lock()
		for i := range w.source.pages {
			for k := range w.source.pages[i].People {
				delete(w.source.pages[i].People[k].Attributes, model.GivenName)
			}
		}
		w.source.mu.Unlock()
		w.pass(3 * interval)
		named := 0
		for _, run := range w.runs() {
			for _, h := range run.Holds {
				named++
				if h.Attribute != model.GivenName || h.Permission != "Personal: First name" {
					t.Errorf("held %+v", h)
				}
			}
		}
		if named != 1 || src.checks != 1 {
			t.Errorf("%d holds and %d checks, want one of each however long it lasts", named, src.checks)
		}
	})
}
