package appliance

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
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

// causesOf groups changes by what caused them, so that a department that was
// renamed is one line however many people are in it, and names in each change the
// causes it belongs to. A change of the account itself has one cause: the effect
// and why. An update has one per attribute: the very same step from one value to
// another when several people take it, else only the attribute.
func causesOf(changes []admin.PlanChange) []admin.Cause {
	shared := map[causeKey]int{}
	step := func(c admin.PlanChange, at admin.AttributeChange) causeKey {
		return causeKey{target: c.Target, effect: c.Effect, attribute: at.Attribute, old: at.Old, new: at.New}
	}
	for _, c := range changes {
		if c.Effect == string(model.EffectUpdate) {
			for _, at := range c.Attributes {
				shared[step(c, at)]++
			}
		}
	}
	found := map[causeKey]*admin.Cause{}
	for i := range changes {
		c := &changes[i]
		c.Causes = nil
		add := func(k causeKey) {
			cause := found[k]
			if cause == nil {
				cause = &admin.Cause{ID: k.id(), Target: k.target, Effect: k.effect, Attribute: k.attribute, Old: k.old, New: k.new, Reason: k.reason}
				found[k] = cause
			}
			cause.People++
			c.Causes = append(c.Causes, cause.ID)
		}
		if c.Effect != string(model.EffectUpdate) {
			add(causeKey{target: c.Target, effect: c.Effect, reason: c.Cause})
			continue
		}
		for _, at := range c.Attributes {
			k := step(*c, at)
			if shared[k] < 2 {
				k.old, k.new = "", ""
			}
			add(k)
		}
	}
	out := make([]admin.Cause, 0, len(found))
	for k, cause := range found {
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
