package ingest

import (
	"maps"
	"math"
	"slices"

	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// A value that goes back and forth, because two clerks disagree, a label changes
// its language with every read or somebody's export alternates, would cost a write
// to every target each time. From the third time within a week on, accounts keep
// the value they have until a day has passed without a change.
const (
	flapDays  = 7
	flapTimes = 3
	// flapLook bounds how many earlier changes of a person are looked at.
	flapLook = 40
)

// freezeFlapping freezes the attributes of a person that have gone back and forth
// too often, counting the change that is about to be written.
func (c *change) freezeFlapping(old model.Person, p *model.Person) error {
	var earlier []store.Change // newest first, read when first needed
	looked := false
	for _, n := range changedNames(old, *p) {
		if !looked {
			looked = true
			since := c.at.AddDate(0, 0, -flapDays)
			last := append(store.Prefix(string(p.ID)), store.Seq(math.MaxUint64)...)
			for h, err := range store.History.Backward(c.tx, last) {
				if err != nil {
					return err
				}
				if h.Person != p.ID || h.At.Before(since) || len(earlier) == flapLook {
					break
				}
				earlier = append(earlier, h)
			}
		}
		if returns(n, p.Attributes[n], old.Attributes[n], earlier) < flapTimes {
			continue
		}
		if p.Frozen = maps.Clone(p.Frozen); p.Frozen == nil {
			p.Frozen = map[model.Name]model.Date{}
		}
		until := reconcile.AddDays(c.today, 1)
		if p.Frozen[n] == until {
			continue
		}
		if p.Frozen[n] == "" {
			if _, err := c.event("flapping", "person:"+string(p.ID), "the value goes back and forth: accounts keep the one they have until a day passes without a change", string(n)); err != nil {
				return err
			}
			c.flapping[n]++
		}
		p.Frozen[n] = until
		if p.Review == "" || until < p.Review {
			p.Review = until
		}
	}
	return nil
}

// changedNames lists the attributes in which two versions of a person differ.
func changedNames(a, b model.Person) []model.Name {
	var out []model.Name
	for n, v := range b.Attributes {
		if w, ok := a.Attributes[n]; ok && !v.Equal(w) {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}

// returns counts how often an attribute came back to the value before the one it
// had, the present change from before to now included.
func returns(n model.Name, now, before model.Value, earlier []store.Change) int {
	values := []model.Value{now, before} // newest first
	for _, h := range earlier {
		if v, ok := h.Before[n]; ok {
			values = append(values, v)
		}
	}
	count := 0
	for i := 0; i+2 < len(values); i++ {
		if values[i].Equal(values[i+2]) && !values[i].Equal(values[i+1]) {
			count++
		}
	}
	return count
}
