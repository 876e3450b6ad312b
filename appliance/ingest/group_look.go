package ingest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
	"rollcall/scimsrv"
	"rollcall/scimsrv/attr"
)

// GroupState is how a group of a source stands in a target.
type GroupState string

const (
	// GroupDiffers has something to send.
	GroupDiffers GroupState = "differs"
	// GroupSame is there as it should be.
	GroupSame GroupState = "same"
	// GroupEmpty is made of an attribute, has nobody with an account there, and is not
	// there: the departments of those who left long ago are not made anew.
	GroupEmpty GroupState = "empty"
	// GroupGone was deleted by its sender, or the target takes no groups any more.
	GroupGone GroupState = "gone"
	// GroupLeftOut and GroupMerged are not relayed by themselves: a human said so.
	GroupLeftOut GroupState = "left_out"
	GroupMerged  GroupState = "merged"
	// GroupHeld would lose more members than may go without a human.
	GroupHeld GroupState = "held"
	// GroupDisputed asks for the name of another one.
	GroupDisputed GroupState = "disputed"
	// GroupWaits asks for a name that another one is about to give up.
	GroupWaits GroupState = "waits"
	// GroupNameless cannot be relayed without a name.
	GroupNameless GroupState = "nameless"
)

// GroupOutlook is how a group of a source stands in a target, and what sending it
// would write.
type GroupOutlook struct {
	GroupAttempt
	State  GroupState
	Reason string // why nothing is sent, in words
	// Holder is the group that has the name, of a disputed or waiting one.
	Holder model.GroupRef

	linked    bool
	delivered model.DeliveredGroup
	removals  string // digest of those removed, when held
}

// LookGroup compares a group as its source states it, under what humans decided,
// with what was delivered. It changes nothing.
func (e *Engine) LookGroup(tx *store.Tx, target string, ref model.GroupRef) (GroupOutlook, error) {
	return e.lookGroup(tx, e.Settings(), store.TargetGroup{Target: target, GroupRef: ref})
}

func (e *Engine) lookGroup(tx *store.Tx, settings *Settings, key store.TargetGroup) (GroupOutlook, error) {
	o := GroupOutlook{GroupAttempt: GroupAttempt{Target: key.Target, GroupRef: key.GroupRef}, State: GroupGone, Reason: "its sender deleted it"}
	var err error
	if o.delivered, o.linked, err = store.GroupDeliveries.Get(tx, key); err != nil {
		return o, err
	}
	o.RemoteID = o.delivered.RemoteID
	made := settings.Sources[key.Source].MapResource == nil
	if made {
		o.Reason = "its source makes no such group any more"
	}
	body, there, err := groupBody(tx, key.GroupRef)
	if err != nil || !there || !slices.ContainsFunc(settings.Targets, func(t TargetSettings) bool { return t.Name == key.Target && t.Groups }) {
		return o, err
	}
	ruling, err := ruleGroup(tx, key)
	if err != nil {
		return o, err
	}
	switch {
	case ruling.Out:
		o.State, o.Reason = GroupLeftOut, "a decision leaves it out"
		return o, nil
	case ruling.Into != model.GroupRef{}:
		o.State, o.Reason = GroupMerged, "its members are relayed with the group "+ruling.Into.String()
		return o, nil
	}
	o.Name = strings.TrimSpace(body.String("displayName"))
	if ruling.Name != "" {
		o.Name = ruling.Name
	}
	o.Rename = o.linked && o.delivered.Name != o.Name
	if err := o.compare(tx); err != nil {
		return o, err
	}
	if o.linked && !o.Rename && len(o.Add)+len(o.Remove) == 0 {
		o.State, o.Reason = GroupSame, ""
		return o, nil
	}
	if made && !o.linked && len(o.Members) == 0 {
		o.State, o.Reason = GroupEmpty, "nobody in it has an account there"
		return o, nil
	}
	return o, o.judge(tx, e, settings, key)
}

// judge says whether what differs may be sent: not what would empty a group, or take
// over another's.
func (o *GroupOutlook) judge(tx *store.Tx, e *Engine, settings *Settings, key store.TargetGroup) error {
	o.State, o.Reason = GroupDiffers, ""
	if o.Name == "" {
		o.State, o.Reason = GroupNameless, "the group has no name"
		return nil
	}
	if limit := settings.Limits.Attributes.Allows(len(o.delivered.Members)); len(o.Remove) > limit {
		job, _, err := store.GroupJobs.Get(tx, key)
		if err != nil {
			return err
		}
		if o.removals = e.digest(o.Remove); job.Allowed != o.removals {
			o.State, o.Reason = GroupHeld, fmt.Sprintf("%d of %d members would be removed and %d are allowed", len(o.Remove), len(o.delivered.Members), limit)
			return nil
		}
	}
	if o.linked && !o.Rename {
		return nil
	}
	holder, held, err := holderOf(tx, key, func(d model.DeliveredGroup) bool { return strings.EqualFold(d.Name, o.Name) })
	if err != nil || !held {
		return err
	}
	o.Holder = holder.GroupRef
	leaving, err := givesUp(tx, key.Target, holder)
	if err != nil {
		return err
	}
	if leaving {
		o.State, o.Reason = GroupWaits, "it waits until the group "+holder.GroupRef.String()+" gave the name up"
		return nil
	}
	o.State, o.Reason = GroupDisputed, ruleDispute(key.Target)
	return nil
}

// compare finds who is to be added and removed. Members whose accounts are not there
// yet follow once they are. Only who is not in the source's group any more is removed:
// a member whose account is off stays one.
func (o *GroupOutlook) compare(tx *store.Tx) error {
	d := o.delivered
	o.Members = map[model.PersonID]string{}
	stated := map[model.PersonID]bool{}
	if err := relayedMembers(tx, store.TargetGroup{Target: o.Target, GroupRef: o.GroupRef}, map[model.GroupRef]bool{}, stated); err != nil {
		return err
	}
	for person := range stated {
		account, had, err := store.Deliveries.Get(tx, store.TargetPerson{Target: o.Target, Person: person})
		if err != nil {
			return err
		}
		switch {
		case had && account.Sent.Active:
			o.Members[person] = account.RemoteID
		case d.Members[person] != "":
			o.Members[person] = d.Members[person]
		}
	}
	for person, account := range o.Members {
		if d.Members[person] != account {
			o.Add = append(o.Add, account)
		}
	}
	had := maps.Clone(d.Maybe)
	if had == nil {
		had = map[model.PersonID]string{}
	}
	maps.Copy(had, d.Members)
	for person, account := range had {
		if !stated[person] {
			o.Remove = append(o.Remove, account)
		}
	}
	slices.Sort(o.Add)
	slices.Sort(o.Remove)
	return nil
}

// relayedMembers collects the people of a group, and of those that humans merged
// into it for the target.
func relayedMembers(tx *store.Tx, key store.TargetGroup, seen map[model.GroupRef]bool, into map[model.PersonID]bool) error {
	if seen[key.GroupRef] {
		return nil
	}
	seen[key.GroupRef] = true
	if err := statedMembers(tx, key.GroupRef, map[string]bool{}, into); err != nil {
		return err
	}
	others, err := decidedWith(tx, key)
	if err != nil {
		return err
	}
	for _, other := range others {
		theirs := store.TargetGroup{Target: key.Target, GroupRef: other}
		ruling, err := ruleGroup(tx, theirs)
		if err != nil {
			return err
		}
		if ruling.Into == key.GroupRef {
			if err := relayedMembers(tx, theirs, seen, into); err != nil {
				return err
			}
		}
	}
	return nil
}

// statedMembers collects the people of a group and of the groups in it.
func statedMembers(tx *store.Tx, ref model.GroupRef, seen map[string]bool, into map[model.PersonID]bool) error {
	if seen[ref.Group] {
		return nil
	}
	seen[ref.Group] = true
	for m, err := range store.Members.Each(tx, store.Prefix(ref.Source, ref.Group)) {
		if err != nil {
			return err
		}
		if m.Type == string(scimsrv.Group) {
			if err := statedMembers(tx, model.GroupRef{Source: ref.Source, Group: m.Value}, seen, into); err != nil {
				return err
			}
			continue
		}
		r, ok, err := store.RecordByNative.One(tx, store.Key(ref.Source, m.Value))
		if err != nil {
			return err
		}
		if ok && r.Person != "" {
			into[r.Person] = true
		}
	}
	return nil
}

// MemberState is how somebody stands in a group of a target.
type MemberState string

const (
	IsMember  MemberState = "member"
	ToAdd     MemberState = "add"    // by the next write
	ToRemove  MemberState = "remove" // by the next write
	NoAccount MemberState = "waits"  // until there is an active account
)

// GroupMember is one member of a group, now or soon.
type GroupMember struct {
	Person model.PersonID
	State  MemberState
}

// GroupMembers returns who is in a group of a target by our hand or will be, in no
// order. Others whom the target has in it are not ours, and not among them.
func (e *Engine) GroupMembers(tx *store.Tx, target string, ref model.GroupRef) ([]GroupMember, error) {
	o, err := e.LookGroup(tx, target, ref)
	if err != nil {
		return nil, err
	}
	stated := map[model.PersonID]bool{}
	if o.State != GroupGone && o.State != GroupLeftOut && o.State != GroupMerged {
		if err := relayedMembers(tx, store.TargetGroup{Target: target, GroupRef: ref}, map[model.GroupRef]bool{}, stated); err != nil {
			return nil, err
		}
	}
	var out []GroupMember
	for person := range stated {
		switch account := o.Members[person]; {
		case account == "":
			p, _, err := store.Persons.Get(tx, person)
			if err != nil {
				return nil, err
			}
			if p.Access != model.AccessOff { // who left and never had one waits for nothing
				out = append(out, GroupMember{person, NoAccount})
			}
		case o.delivered.Members[person] == account:
			out = append(out, GroupMember{person, IsMember})
		default:
			out = append(out, GroupMember{person, ToAdd})
		}
	}
	had := maps.Clone(o.delivered.Maybe)
	if had == nil {
		had = map[model.PersonID]string{}
	}
	maps.Copy(had, o.delivered.Members)
	for person := range had {
		if !stated[person] {
			out = append(out, GroupMember{person, ToRemove})
		}
	}
	return out, nil
}

// groupBody returns a group as its sender stated it.
func groupBody(tx *store.Tx, ref model.GroupRef) (*attr.Object, bool, error) {
	row, there, err := store.Resources.Get(tx, store.ResourceKey{Source: ref.Source, Type: string(scimsrv.Group), ID: ref.Group})
	if err != nil || !there {
		return nil, false, err
	}
	body, err := attr.Decode(row.Body, attr.Stored())
	if err != nil {
		return nil, false, fmt.Errorf("group %s cannot be read: %w; run verify", row.ID, err)
	}
	return body, true, nil
}

// GroupName returns the name that its sender gave a group, empty when it is gone.
func GroupName(tx *store.Tx, ref model.GroupRef) (string, error) {
	body, there, err := groupBody(tx, ref)
	if err != nil || !there {
		return "", err
	}
	return body.String("displayName"), nil
}

// holderOf returns another group of the target that was delivered and is wanted.
func holderOf(tx *store.Tx, key store.TargetGroup, wanted func(model.DeliveredGroup) bool) (model.DeliveredGroup, bool, error) {
	for d, err := range store.GroupDeliveries.Each(tx, store.Prefix(key.Target)) {
		if err != nil {
			return d, false, err
		}
		if d.GroupRef != key.GroupRef && wanted(d) {
			return d, true, nil
		}
	}
	return model.DeliveredGroup{}, false, nil
}

// givesUp reports whether a group that has a name in the target is to have another,
// which nobody else has there.
func givesUp(tx *store.Tx, target string, d model.DeliveredGroup) (bool, error) {
	key := store.TargetGroup{Target: target, GroupRef: d.GroupRef}
	name, err := GroupName(tx, d.GroupRef)
	if err != nil {
		return false, err
	}
	ruling, err := ruleGroup(tx, key)
	if err != nil {
		return false, err
	}
	if ruling.Name != "" {
		name = ruling.Name
	}
	if name = strings.TrimSpace(name); name == "" || ruling.Out || ruling.Into != (model.GroupRef{}) || strings.EqualFold(name, d.Name) {
		return false, nil
	}
	_, taken, err := holderOf(tx, key, func(other model.DeliveredGroup) bool { return strings.EqualFold(other.Name, name) })
	return !taken, err
}

// ruleGroup reads what humans decided of a group in a target.
func ruleGroup(tx *store.Tx, key store.TargetGroup) (reconcile.GroupRuling, error) {
	var decisions []model.Decision
	for d, err := range store.DecisionByGroup.Find(tx, store.Key(key.Target, key.Source, key.Group)) {
		if err != nil {
			return reconcile.GroupRuling{}, err
		}
		decisions = append(decisions, d)
	}
	return reconcile.RuleGroup(key.GroupRef, decisions, func(ref model.GroupRef) bool {
		return store.Resources.Has(tx, store.ResourceKey{Source: ref.Source, Type: string(scimsrv.Group), ID: ref.Group})
	}), nil
}

// decidedWith lists the other groups of decisions about a group in a target.
func decidedWith(tx *store.Tx, key store.TargetGroup) (out []model.GroupRef, err error) {
	for d, err := range store.DecisionByGroup.Find(tx, store.Key(key.Target, key.Source, key.Group)) {
		if err != nil {
			return nil, err
		}
		for _, ref := range d.Groups {
			if ref != key.GroupRef && !slices.Contains(out, ref) {
				out = append(out, ref)
			}
		}
	}
	return out, nil
}
