package connectortest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/appliance/model"
	"rollcall/connectors/cast"
)

// whole reads the whole company and fails when that is not possible at all.
func whole(t testing.TB, s SourceSuite) (*stage, reading, error) {
	st := open(t, s, s.company())
	r := read(t.Context(), st.source(t), "")
	if r.err != nil {
		return st, r, violation("a read of a healthy service ends in: %v", r.err)
	}
	if !r.complete() {
		return st, r, violation("a read of a healthy service ends after %d pages, none of which is the last", len(r.pages))
	}
	return st, r, nil
}

func everyPersonOnce(t testing.TB, s SourceSuite) error {
	st, r, err := whole(t, s)
	if err != nil {
		return err
	}
	want := map[string]int{}
	for _, p := range st.people {
		if s.Visible == nil || s.Visible(p) {
			want[strings.ToLower(p.Email)]++
		}
	}
	got, natives := map[string]int{}, map[string]int{}
	for _, o := range r.people() {
		got[strings.ToLower(o.Attributes.Text(model.Email))]++
		natives[o.Native]++
	}
	for native, n := range natives {
		if n > 1 {
			return violation("native id %q is yielded %d times", native, n)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		return violation("people by email (-in the service +yielded):\n%s", d)
	}
	return nil
}

func lastPageEnds(t testing.TB, s SourceSuite) error {
	_, r, err := whole(t, s)
	if err != nil {
		return err
	}
	if r.more {
		return violation("something is yielded after the page with Last set")
	}
	for i, p := range r.pages {
		if p.Total != 0 && p.Total < len(p.People) {
			return violation("page %d says that there are %d people and holds %d", i+1, p.Total, len(p.People))
		}
	}
	return nil
}

// totalIsOfAll: a total that is too large makes every read one that is not whole,
// one that is too small lets a short read pass.
func totalIsOfAll(t testing.TB, s SourceSuite) error {
	_, r, err := whole(t, s)
	if err != nil {
		return err
	}
	told := 0
	for _, p := range r.pages {
		if p.Total != 0 {
			told = p.Total
		}
	}
	if n := len(r.people()); told != 0 && told != n {
		return violation("the last total told is %d, and %d people were yielded", told, n)
	}
	return nil
}

var dates = []model.Name{model.BirthDate, model.FirstHiredOn, model.StartDate, model.EndDate}

var statuses = []model.Status{model.Pending, model.Active, model.Leave, model.Inactive, model.Unknown, model.Dated}

func observationsAreWellFormed(t testing.TB, s SourceSuite) error {
	_, r, err := whole(t, s)
	if err != nil {
		return err
	}
	for _, o := range r.people() {
		if err := wellFormed(o); err != nil {
			return violation("record %q: %v", o.Native, err)
		}
	}
	return nil
}

// wellFormed says what is wrong with an observation.
func wellFormed(o model.Observation) error {
	if o.Native == "" {
		return violation("the native id is empty")
	}
	var doc map[string]any
	if err := json.Unmarshal(o.Document, &doc); err != nil {
		return violation("the document is not a JSON object: %v", err)
	}
	if !slices.Contains(statuses, o.Status) {
		return violation("status %q is none of %q", o.Status, statuses)
	}
	for n, v := range o.Attributes {
		switch {
		case !n.Valid():
			return violation("%q is not the name of an attribute", n)
		case v.Null && (v.Text != "" || len(v.Refs) > 0):
			return violation("%s is null and has a value", n)
		case !v.Null && v.Text == "" && len(v.Refs) == 0:
			return violation("%s is neither a value nor null; absent attributes are left out of the map", n)
		case n != model.Manager && len(v.Refs) > 0:
			return violation("%s has references; only the manager has", n)
		case n == model.Manager && !v.Null && len(v.Refs) == 0:
			return violation("the manager has no reference to be found by")
		case o.Fields[n] == "":
			return violation("Fields does not tell which field %s came from", n)
		}
		for _, ref := range v.Refs {
			if ref.Value == "" || ref.By == "" {
				return violation("a reference to the manager is empty: %q %q", ref.By, ref.Value)
			}
		}
		if slices.Contains(dates, n) && !v.Null {
			if _, err := time.Parse(time.DateOnly, v.Text); err != nil {
				return violation("%s is not a date in the form YYYY-MM-DD", n)
			}
		}
	}
	for n := range o.Fields {
		if !o.Attributes.Has(n) {
			return violation("Fields tells where %s came from, and there is no such attribute", n)
		}
	}
	return nil
}

func equalReadsAreEqual(t testing.TB, s SourceSuite) error {
	st, r, err := whole(t, s)
	if err != nil {
		return err
	}
	again := read(t.Context(), st.source(t), "")
	if again.err != nil {
		return violation("the second read ends in: %v", again.err)
	}
	first := byNative(r)
	for _, o := range again.people() {
		was, ok := first[o.Native]
		if !ok {
			return violation("record %q is in the second read only", o.Native)
		}
		if !bytes.Equal(was.Document, o.Document) {
			return violation("record %q: the documents differ although nothing changed:\n%s\n%s", o.Native, was.Document, o.Document)
		}
		if !reflect.DeepEqual(was, o) {
			return violation("record %q differs although nothing changed (-first +second):\n%s", o.Native, cmp.Diff(was, o))
		}
	}
	return nil
}

func byNative(r reading) map[string]model.Observation {
	m := map[string]model.Observation{}
	for _, o := range r.people() {
		m[o.Native] = o
	}
	return m
}

func natives(r reading) []string { return slices.Sorted(maps.Keys(byNative(r))) }

func resumeGivesTheRest(t testing.TB, s SourceSuite) error {
	st, r, err := whole(t, s)
	if err != nil {
		return err
	}
	all := natives(r)
	rest := byNative(r)
	for i, p := range r.pages {
		for _, o := range p.People {
			delete(rest, o.Native)
		}
		if p.Last {
			break
		}
		want := slices.Sorted(maps.Keys(rest))
		how := fmt.Sprintf("after page %d of %d, from cursor %q", i+1, len(r.pages), p.Next)
		if p.Next == "" {
			want, how = all, how+" (a restart)"
		}
		resumed := read(t.Context(), st.source(t), p.Next)
		if resumed.err != nil {
			return violation("%s: %v", how, resumed.err)
		}
		if !resumed.complete() {
			return violation("%s: the resumed read has no last page", how)
		}
		if d := cmp.Diff(want, natives(resumed)); d != "" {
			return violation("%s: native ids (-expected +yielded):\n%s", how, d)
		}
		if n := len(resumed.people()); n != len(want) {
			return violation("%s: %d observations of %d people", how, n, len(want))
		}
		if p.Next == "" {
			break // one restart is like another
		}
	}
	return nil
}

func emptyServiceIsAnAnswer(t testing.TB, s SourceSuite) error {
	st := open(t, s, []cast.Person{})
	r := read(t.Context(), st.source(t), "")
	switch {
	case r.err != nil:
		return violation("a company without people is an error: %v", r.err)
	case !r.complete():
		return violation("a company without people yields %d pages, none of which is the last", len(r.pages))
	case len(r.people()) > 0:
		return violation("%d people are yielded although the company has none", len(r.people()))
	}
	return nil
}

func consumerMayStop(t testing.TB, s SourceSuite) error {
	st := open(t, s, s.company())
	src := st.source(t)
	for _, err := range src.Read(t.Context(), "") {
		if err != nil {
			return violation("a read of a healthy service begins with: %v", err)
		}
		break
	}
	r := read(t.Context(), src, "")
	if r.err != nil || !r.complete() {
		return violation("after a read that was left early, the next one is not complete: %v", r.err)
	}
	return nil
}
