package appliance

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/maphash"
	"slices"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// causeKey is what changes of one cause have in common.
type causeKey struct{ target, effect, reason, attribute, old, new string }

func (k causeKey) id() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", []string{k.target, k.effect, k.reason, k.attribute, k.old, k.new}))
	return hex.EncodeToString(sum[:4])
}

// causes groups changes by what caused them, so that a department that was renamed
// is one line however many people are in it. A change of the account itself has one
// cause: the effect and why. An update has one per attribute: the very same step from
// one value to another when several people take it, else only the attribute. All
// changes are counted first, and then named.
type causes struct {
	seed   maphash.Seed
	shared map[uint64]int // how many updates take a step, by its digest
	found  map[causeKey]*admin.Cause
}

func newCauses() causes {
	return causes{seed: maphash.MakeSeed(), shared: map[uint64]int{}, found: map[causeKey]*admin.Cause{}}
}

func step(c *admin.PlanChange, at admin.AttributeChange) causeKey {
	return causeKey{target: c.Target, effect: c.Effect, attribute: at.Attribute, old: at.Old, new: at.New}
}

func (s *causes) digest(k causeKey) uint64 { return maphash.Comparable(s.seed, k) }

// count looks at a change before any is named.
func (s *causes) count(c *admin.PlanChange) {
	if c.Effect != string(model.EffectUpdate) {
		return
	}
	for _, at := range c.Attributes {
		s.shared[s.digest(step(c, at))]++
	}
}

// name names in a change the causes it belongs to.
func (s *causes) name(c *admin.PlanChange) {
	c.Causes = nil
	if c.Effect != string(model.EffectUpdate) {
		s.add(c, causeKey{target: c.Target, effect: c.Effect, reason: c.Cause})
		return
	}
	for _, at := range c.Attributes {
		k := step(c, at)
		if s.shared[s.digest(k)] < 2 {
			k.old, k.new = "", ""
		}
		s.add(c, k)
	}
}

func (s *causes) add(c *admin.PlanChange, k causeKey) {
	cause := s.found[k]
	if cause == nil {
		cause = &admin.Cause{ID: k.id(), Target: k.target, Effect: k.effect, Attribute: k.attribute, Old: k.old, New: k.new, Reason: k.reason}
		s.found[k] = cause
	}
	cause.People++
	c.Causes = append(c.Causes, cause.ID)
}

// list lists the causes of those that were named, most urgent first.
func (s *causes) list() []admin.Cause {
	out := make([]admin.Cause, 0, len(s.found))
	for k, cause := range s.found {
		cause.Text = causeText(k)
		out = append(out, *cause)
	}
	slices.SortFunc(out, func(x, y admin.Cause) int {
		return cmp.Or(cmp.Compare(x.Target, y.Target), cmp.Compare(effectOrder(x.Effect), effectOrder(y.Effect)),
			cmp.Compare(y.People, x.People), cmp.Compare(x.Text, y.Text), cmp.Compare(x.ID, y.ID))
	})
	return out
}

func causeText(k causeKey) string {
	said := func(s string) string { return cmp.Or(s, "—") }
	switch {
	case k.attribute == "":
		return k.reason
	case k.old == "" && k.new == "":
		return k.attribute
	}
	return k.attribute + ": " + said(k.old) + " → " + said(k.new)
}

// basis says what a plan rests on: the last whole read of each source, the rules
// in force, and when each target was last listed.
func basis(tx *store.Tx, p *admin.Plan) error {
	for s, err := range store.Sources.Each(tx, nil) {
		if err != nil {
			return err
		}
		p.Basis.Reads = append(p.Basis.Reads, admin.BasisRead{Source: s.Name, Read: s.ReadNo, Run: s.LastRun, At: s.LastGood})
	}
	if _, err := tx.Setting("policy", &p.Basis.Rules); err != nil {
		return err
	}
	for l, err := range store.Lanes.Each(tx, nil) {
		if err != nil {
			return err
		}
		p.Basis.Targets = append(p.Basis.Targets, admin.BasisTarget{Target: l.Target, Listed: l.Listed})
	}
	return nil
}
