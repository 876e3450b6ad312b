package ingest

import (
	"slices"

	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// Foresee returns what delivering a person would send as things stand in tx, and
// whether it would send anything. It records no attempt. A manager who is to get an
// account before is named by the email it will have; BlockedBy says so.
func Foresee(tx *store.Tx, t *TargetSettings, person model.PersonID) (Attempt, bool, error) {
	a := Attempt{Target: t.Name, Person: person}
	o, ok, err := Look(tx, t, person)
	if err != nil || !ok || o.Projection.Effect == model.EffectNone {
		return a, false, err
	}
	link := o.Projection.Want.Manager
	if err := a.fill(tx, o, nil); err != nil {
		return a, false, err
	}
	if a.BlockedBy == "" {
		return a, true, nil
	}
	boss, ok, err := Look(tx, t, a.BlockedBy)
	if err != nil || !ok || !boss.Projection.Want.Active || boss.Projection.Want.Email == "" {
		return a, a.Step != StepWait, err
	}
	job, pending, err := store.Outbox.Get(tx, store.TargetPerson{Target: t.Name, Person: a.BlockedBy})
	if err != nil || !pending || job.State != model.JobReady && job.State != model.JobOpen {
		return a, a.Step != StepWait, err
	}
	a.Want.Manager = &model.ManagerLink{Person: link.Person, Email: boss.Projection.Want.Email}
	if boss.Listed != nil {
		a.Want.Manager.RemoteID = boss.Listed.RemoteID
	}
	a.LinkLeft = false
	if a.Step == StepWait {
		a.Step = StepUpdate
	}
	return a, true, nil
}

// ForeseeFile returns everybody as the file of a target has them, and as it would have
// them once what differs of these people was delivered. It records nothing.
func ForeseeFile(tx *store.Tx, t *TargetSettings, people []model.PersonID) (before, after []model.Desired, err error) {
	var delivered []model.Delivered
	for d, err := range store.Deliveries.Each(tx, store.Prefix(t.Name)) {
		if err != nil {
			return nil, nil, err
		}
		delivered = append(delivered, d)
		before = append(before, d.Sent)
	}
	var attempts []Attempt
	for _, id := range people {
		o, ok, err := Look(tx, t, id)
		if err != nil {
			return nil, nil, err
		}
		if ok && o.Projection.Effect != model.EffectNone {
			attempts = append(attempts, Attempt{Target: t.Name, Person: id, Want: o.Projection.Want})
		}
	}
	c, _ := overlay(slices.Clone(attempts), delivered)
	return before, c.Want, nil
}
