package reconcile

import (
	"slices"

	"rollcall/appliance/model"
)

// An address or a number that once was another person's is never inherited: it is
// a question. That covers two cases: the one who left still carries it (inherits),
// and the one whose it was does not carry it any more (formerOwners).

// inherits says why an identifier of somebody who left does not make a component
// one human, empty when it does. Every two records that are tied (see tied) are one
// human's; all of them must hang together, or else the identifier passed from one
// human to another, whichever of the two was seen first.
func (w *work) inherits(c component) (model.ConflictKind, string) {
	var members []int
	living, ended := false, false
	for _, i := range c.members {
		switch {
		case w.records[i].Scope.State == model.OutOfScope:
			continue
		case w.current(i):
			living = true
		default:
			ended = true
		}
		members = append(members, i)
	}
	if !living || !ended {
		return "", ""
	}
	hang, askedFor := newForest(len(members)), false
	for x, a := range members {
		for y := x + 1; y < len(members); y++ {
			tied, rehire := w.tied(a, members[y])
			if tied {
				hang.join(x, y)
			}
			askedFor = askedFor || rehire
		}
	}
	for x := range members {
		switch {
		case hang.root(x) == 0:
		case askedFor:
			return model.EmailRecycled, "someone who left may be back, and [policy.lifecycle] rehire asks"
		default:
			return model.EmailRecycled, "an identifier of someone who left is carried by someone with another name"
		}
	}
	return "", ""
}

// tied reports whether two records of one component are one human's by themselves:
// settled before, decided, both current with an identifier in common, or alike.
// rehire says that they would be, and policy wants it asked.
func (w *work) tied(a, b int) (tied, rehire bool) {
	ra, rb := w.records[a], w.records[b]
	la, lb := w.current(a), w.current(b)
	switch {
	case ra.Person != "" && ra.Person == rb.Person, w.settled.same(a, b):
		return true, false
	case la && lb:
		return w.shareIdentifier(a, b), false
	case (w.settled.allow[ra.ID][model.EmailRecycled] || w.settled.allow[rb.ID][model.EmailRecycled]) && w.carriesOf(a, b):
		return true, false
	case !alike(ra, rb):
		return false, false
	case la != lb && w.in.Policy.AskRehires:
		return false, true
	}
	return true, false
}

// carriesOf reports whether one of two records carries what the other carries or
// carried.
func (w *work) carriesOf(a, b int) bool {
	for _, id := range w.records[a].Identifiers {
		if !w.in.Hot[id] && (slices.Contains(w.records[b].Identifiers, id) || slices.Contains(w.records[b].Former, id)) {
			return true
		}
	}
	return slices.ContainsFunc(w.records[b].Identifiers, func(id model.Identifier) bool {
		return !w.in.Hot[id] && slices.Contains(w.records[a].Former, id)
	})
}

// formerOwners returns the records of other people who once carried an identifier
// that these newcomers carry now.
func (w *work) formerOwners(c component) (out []int) {
	for _, i := range c.members {
		if !w.lives(i) || w.records[i].Scope.State == model.OutOfScope {
			continue
		}
		for _, id := range w.records[i].Identifiers {
			if w.in.Hot[id] {
				continue
			}
			for _, j := range w.formerCarriers(id) {
				if !w.settled.putApart(i, j) && !slices.Contains(c.members, j) && !slices.Contains(out, j) {
					out = append(out, j)
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

// formerCarriers returns who carried an identifier before and does not now.
func (w *work) formerCarriers(id model.Identifier) []int {
	if w.former == nil {
		w.former = map[model.Identifier][]int{}
		for i, r := range w.records {
			if r.Scope.State == model.OutOfScope {
				continue
			}
			for _, f := range r.Former {
				if !slices.Contains(r.Identifiers, f) {
					w.former[f] = append(w.former[f], i)
				}
			}
		}
	}
	return w.former[id]
}

// askFormer parks newcomers and asks. The one whose identifier it was is named,
// and goes on as before: nothing about them depends on the answer.
func (w *work) askFormer(c component, former []int) {
	q := model.Conflict{Kind: model.EmailRecycled, Rule: "a newcomer carries an identifier that was another person's before"}
	for _, i := range c.members {
		q.Records = append(q.Records, w.records[i].ID)
		for _, id := range w.records[i].Identifiers {
			if slices.ContainsFunc(former, func(j int) bool { return slices.Contains(w.records[j].Former, id) }) && !slices.Contains(q.Identifiers, id) {
				q.Identifiers = append(q.Identifiers, id)
			}
		}
	}
	for _, j := range former {
		q.Records = append(q.Records, w.records[j].ID)
	}
	w.open(q)
}

// Former returns the identifiers that a record carried before and does not carry
// now: those that old carried, undisputed, as some person's. The newest are kept.
func Former(old model.Record, held bool, now []model.Identifier) []model.Identifier {
	former := old.Former
	if old.Person != "" && !held {
		former = slices.Concat(old.Former, old.Identifiers)
	}
	var out []model.Identifier
	for _, id := range former {
		if !slices.Contains(now, id) && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out[max(0, len(out)-formerKept):]
}

// formerKept is how many former identifiers a record remembers.
const formerKept = 8

func (w *work) shareIdentifier(a, b int) bool {
	for _, id := range w.records[a].Identifiers {
		if !w.in.Hot[id] && slices.Contains(w.records[b].Identifiers, id) {
			return true
		}
	}
	return false
}
