package ingest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"rollcall/appliance/identity"
	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// Answer is what a human says to a conflict.
type Answer struct {
	Verb      model.Verb
	Record    model.RecordID   // prefer, exclude and set: the record meant, or the text of a [model.GroupRef]
	Apart     []model.RecordID // separate: those put apart from the rest; none: everybody from everybody
	Attribute model.Name       // set
	Value     string           // set; empty means known to be empty
	Reason    string
	Rev       uint64 // of the conflict that the human saw, for [Engine.Resolve]; 0 takes any
}

// Asked names a conflict as a human saw it.
type Asked struct {
	ID  model.ConflictID
	Rev uint64 // 0 takes any
}

// InvalidError says what is wrong with an answer.
type InvalidError struct{ What string }

func (e *InvalidError) Error() string { return e.What }

func invalidAnswer(format string, args ...any) error {
	return &InvalidError{What: fmt.Sprintf(format, args...)}
}

// Resolve stores a human's answer to a conflict and plans the people concerned, in
// one transaction. What it changes in accounts is judged by the guards. A conflict
// that changed since it was seen, or was settled by somebody else, is a StaleError.
func (e *Engine) Resolve(actor string, id model.ConflictID, a Answer) (model.Decision, error) {
	out, err := e.ResolveAll(actor, []Asked{{ID: id, Rev: a.Rev}}, a)
	if err != nil {
		return model.Decision{}, err
	}
	return out[0], nil
}

// ResolveAll gives one answer to several conflicts of one shape: to all of them or
// none, judged by the guards together. Records that the answer names are those of
// the first.
func (e *Engine) ResolveAll(actor string, asked []Asked, a Answer) ([]model.Decision, error) {
	var out []model.Decision
	err := e.update(actor, 0, model.JobOpen, func(c *change) (err error) {
		out, _, err = c.resolve(asked, a)
		return err
	})
	return out, err
}

// TryResolve applies an answer in a rehearsal, of which nothing stays, and hands
// the transaction to look before it is: what the answer would do, by the code
// that would do it.
func (e *Engine) TryResolve(actor string, asked []Asked, a Answer, look func(tx *store.Tx, run model.Run) error) error {
	return e.store.Rehearse(func(tx *store.Tx) error {
		c := e.begin(tx, actor, 0, model.JobOpen)
		c.dry = true
		_, run, err := c.resolve(asked, a)
		if err != nil {
			return err
		}
		return look(tx, run)
	})
}

func (c *change) resolve(asked []Asked, a Answer) ([]model.Decision, model.Run, error) {
	if len(asked) == 0 {
		return nil, model.Run{}, invalidAnswer("no conflict is named")
	}
	var cases []reconcile.Case
	for _, ask := range asked {
		k, err := c.asked(ask)
		if err != nil {
			return nil, model.Run{}, err
		}
		cases = append(cases, k)
	}
	shape := cases[0].Shape()
	batch := ""
	if len(cases) > 1 {
		batch = store.NewID("b")
	}
	var decisions []model.Decision
	for i := range cases {
		k := &cases[i]
		if k.Shape() != shape {
			return nil, model.Run{}, invalidAnswer("conflict %s is not like %s: only conflicts of one shape can be answered together", k.Conflict.ID, cases[0].Conflict.ID)
		}
		own, err := translate(&cases[0], k, a)
		if err != nil {
			return nil, model.Run{}, err
		}
		value, err := c.checkAnswer(k, &own)
		if err != nil {
			return nil, model.Run{}, err
		}
		if batch != "" && own.Verb == model.Set && own.Attribute != model.Manager {
			return nil, model.Run{}, invalidAnswer("set %s answers one conflict at a time: the value is one person's", own.Attribute)
		}
		decisions = append(decisions, model.Decision{ID: store.NewID("d"), Verb: own.Verb, Conflict: k.Conflict.ID, Kind: k.Conflict.Kind, Batch: batch, Shape: shape,
			Records: k.Conflict.Records, Record: own.Record, Apart: own.Apart, Attribute: own.Attribute, Value: value, At: c.at, Actor: c.actor, Reason: own.Reason})
		if last := &decisions[i]; k.Conflict.Kind == model.DuplicateGroup {
			last.Target, last.Groups = k.Conflict.Target, k.Conflict.Groups
		}
	}
	run, err := c.decide(decisions, false, func(d model.Decision) string { return strings.TrimSuffix(string(d.Verb)+": "+d.Reason, ": ") },
		func(d model.Decision) error { return store.Decisions.Put(c.tx, d.ID, d) })
	return decisions, run, err
}

// asked returns an open conflict with its records, as it was seen.
func (c *change) asked(ask Asked) (reconcile.Case, error) {
	q, ok, err := store.Conflicts.Get(c.tx, ask.ID)
	switch {
	case err != nil:
		return reconcile.Case{}, err
	case !ok:
		return reconcile.Case{}, &StaleError{What: "conflict " + string(ask.ID) + " is not open any more: it was settled, or its cause went away"}
	case ask.Rev != 0 && ask.Rev != q.Rev:
		return reconcile.Case{}, &StaleError{What: "conflict " + string(ask.ID) + " has changed since it was shown; look at it again"}
	}
	return CaseOf(c.tx, q, c.today, &c.settings.Policy)
}

// CaseOf returns a conflict with the records or groups it is about, records by source
// and native id: what is shown is the same for the same people, whatever our ids.
func CaseOf(tx *store.Tx, q model.Conflict, today model.Date, policy *reconcile.Policy) (reconcile.Case, error) {
	k := reconcile.Case{Conflict: q, Today: today, Policy: policy}
	for _, id := range q.Records {
		r, ok, err := store.Records.Get(tx, id)
		if err != nil {
			return k, err
		}
		if ok {
			k.Records = append(k.Records, r)
		}
	}
	slices.SortFunc(k.Records, func(a, b model.Record) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Native, b.Native))
	})
	var err error
	k.Groups, err = groupSides(tx, q)
	return k, err
}

// translate turns an answer to one conflict into the same answer to another of its
// shape: a record that is named is the one from the same source and in the same
// state there.
func translate(from, to *reconcile.Case, a Answer) (Answer, error) {
	if from.Conflict.ID == to.Conflict.ID {
		return a, nil
	}
	place := func(id model.RecordID) (model.RecordID, error) {
		if id == "" {
			return "", nil
		}
		role := from.Role(id)
		if there := to.InRole(role); role != "" && len(from.InRole(role)) == 1 && len(there) == 1 {
			return there[0], nil
		}
		return "", invalidAnswer("which record of %s is meant cannot be told from %s: answer it by itself", to.Conflict.ID, id)
	}
	var err error
	if a.Record, err = place(a.Record); err != nil {
		return a, err
	}
	apart := make([]model.RecordID, len(a.Apart))
	for i, id := range a.Apart {
		if apart[i], err = place(id); err != nil {
			return a, err
		}
	}
	a.Apart = apart
	return a, nil
}

// Undo takes decisions back: one named by its own id or by that of the conflict it
// answered, or all of one batch. Questions that still stand are asked again.
func (e *Engine) Undo(actor, id string) error {
	return e.update(actor, 0, model.JobOpen, func(c *change) error {
		_, err := c.undo(id)
		return err
	})
}

// TryUndo takes decisions back in a rehearsal, of which nothing stays, and hands it
// to look before it is.
func (e *Engine) TryUndo(actor, id string, look func(tx *store.Tx, run model.Run) error) error {
	return e.store.Rehearse(func(tx *store.Tx) error {
		run, err := e.begin(tx, actor, 0, model.JobOpen).undo(id)
		if err != nil {
			return err
		}
		return look(tx, run)
	})
}

func (c *change) undo(id string) (model.Run, error) {
	found, err := DecisionsNamed(c.tx, id)
	if err != nil {
		return model.Run{}, err
	}
	if len(found) == 0 {
		return model.Run{}, &NotFoundError{What: "decision " + id}
	}
	return c.decide(found, true, func(d model.Decision) string { return "decision " + d.ID },
		func(d model.Decision) error { return store.Decisions.Delete(c.tx, d.ID) })
}

// DecisionsNamed returns the decision with this id, the newest that answered the
// conflict with this id, or all of the batch with this id.
func DecisionsNamed(tx *store.Tx, id string) ([]model.Decision, error) {
	if d, ok, err := store.Decisions.Get(tx, id); ok || err != nil {
		return []model.Decision{d}, err
	}
	var batch, newest []model.Decision
	for d, err := range store.Decisions.Each(tx, nil) {
		switch {
		case err != nil:
			return nil, err
		case id != "" && d.Batch == id:
			batch = append(batch, d)
		case id != "" && string(d.Conflict) == id && (newest == nil || d.At.After(newest[0].At)):
			newest = []model.Decision{d}
		}
	}
	if batch != nil {
		return batch, nil
	}
	return newest, nil
}

// decide changes decisions and plans what follows, as one run.
func (c *change) decide(decisions []model.Decision, undone bool, reason func(model.Decision) string, write func(model.Decision) error) (model.Run, error) {
	run, err := c.startRun("", model.CauseDecision)
	if err != nil {
		return run, err
	}
	verb := "decided"
	if undone {
		verb = "undone"
	}
	c.everyone = true // an answer may change what a target may do without changing the person
	var records []model.RecordID
	seen := map[model.RecordID]bool{}
	for _, d := range decisions {
		if err := write(d); err != nil {
			return run, err
		}
		for _, ref := range d.Groups {
			if _, err := c.event(verb, "group:"+d.Target+"/"+ref.Group, reason(d)); err != nil {
				return run, err
			}
		}
		for _, id := range d.Records {
			if _, err := c.event(verb, "record:"+string(id), reason(d)); err != nil {
				return run, err
			}
			if !seen[id] {
				seen[id] = true
				records = append(records, id)
			}
		}
	}
	var before []model.Record
	for _, id := range records {
		r, ok, err := store.Records.Get(c.tx, id)
		if err != nil {
			return run, err
		}
		if !ok {
			continue
		}
		before = append(before, r)
		if err := c.identify(&r, c.settings.Sources[r.Source].MatchNumber); err != nil {
			return run, err
		}
		r.Rev++
		if err := store.Records.Put(c.tx, r.ID, r); err != nil {
			return run, err
		}
	}
	if err := c.settle(records, before); err != nil {
		return run, err
	}
	if err := c.decideGroups(decisions, undone); err != nil {
		return run, err
	}
	return c.closeRun(run, model.VerdictComplete, false)
}

// checkAnswer refuses an answer that does not fit the question, and returns the
// value that "set" sets.
func (c *change) checkAnswer(k *reconcile.Case, a *Answer) (model.Value, error) {
	q := &k.Conflict
	answers := reconcile.Answers(*q)
	if !slices.Contains(answers, a.Verb) {
		var words []string
		for _, v := range answers {
			words = append(words, string(v))
		}
		if !slices.Contains([]model.Verb{model.Merge, model.Separate, model.Prefer, model.Exclude, model.Allow, model.Set, model.Later}, a.Verb) {
			return model.Value{}, invalidAnswer("%q is no answer; this conflict takes one of %s", a.Verb, strings.Join(words, ", "))
		}
		return model.Value{}, invalidAnswer("%s would settle nothing here; this conflict takes one of %s", a.Verb, strings.Join(words, ", "))
	}
	if q.Kind == model.DuplicateGroup {
		return c.checkGroupAnswer(q, a)
	}
	if a.Verb == model.Set && a.Record == "" && len(q.Persons) == 1 && len(q.Records) > 0 {
		a.Record = q.Records[0] // all of them are one person's
	}
	switch a.Verb {
	case model.Prefer, model.Exclude, model.Set:
		if !slices.Contains(q.Records, a.Record) {
			return model.Value{}, invalidAnswer("%s needs one of the conflict's records, by its id", a.Verb)
		}
	case model.Separate:
		for _, id := range a.Apart {
			if !slices.Contains(q.Records, id) {
				return model.Value{}, invalidAnswer("separate: %s is none of the conflict's records", id)
			}
		}
		if len(a.Apart) >= len(q.Records) {
			return model.Value{}, invalidAnswer("separate: all records are named, so none is left to put them apart from; name none to put everybody apart")
		}
	}
	if a.Verb != model.Set {
		return model.Value{}, nil
	}
	return c.valueToSet(k, a)
}

// maxValue bounds a value that a human sets, in bytes.
const maxValue = 1024

// valueToSet checks a value before it counts as decided: what a source may say
// wrongly, a human is told of at once.
func (c *change) valueToSet(k *reconcile.Case, a *Answer) (model.Value, error) {
	v, err := CheckValue(a.Attribute, a.Value)
	if err != nil || v.Null || a.Attribute != model.Manager {
		return v, err
	}
	i := slices.IndexFunc(k.Records, func(r model.Record) bool { return r.ID == a.Record })
	if i < 0 {
		return v, nil
	}
	self := k.Records[i]
	manager, resolved, err := reconcile.ResolveManager(self.Person, identity.ManagerKeys(self.Source, v), c.aliasOwners)
	if err == nil && (!resolved || manager == "") {
		err = invalidAnswer("manager=%s names nobody in the roster, more than one person, or the person themselves; an email is surest", v.Text)
	}
	return v, err
}

// CheckValue returns the value that a human sets by a text, null when it is empty;
// an [*InvalidError] says why it can be none of this attribute. Whether a manager
// exists it does not know.
func CheckValue(n model.Name, text string) (model.Value, error) {
	text = strings.TrimSpace(text)
	switch {
	case !n.Valid():
		return model.Value{}, invalidAnswer("%q is not an attribute", n)
	case len(text) > maxValue:
		return model.Value{}, invalidAnswer("the value for %s is longer than %d bytes", n, maxValue)
	case strings.ContainsFunc(text, unicode.IsControl):
		return model.Value{}, invalidAnswer("the value for %s contains a control character", n)
	case text == "":
		return model.Null(), nil
	}
	switch n {
	case model.Email:
		if _, _, err := identity.Email(text); err != nil {
			return model.Value{}, invalidAnswer("this is no email: it %v", err)
		}
	case model.EmployeeNumber:
		if _, err := identity.EmployeeNumber(text); err != nil {
			return model.Value{}, invalidAnswer("this is no employee number: it %v", err)
		}
	case model.BirthDate, model.StartDate, model.EndDate, model.FirstHiredOn:
		if !model.Date(text).Valid() {
			return model.Value{}, invalidAnswer("%s is a date, as in 2026-11-22", n)
		}
	case model.Gender:
		if text != "male" && text != "female" {
			return model.Value{}, invalidAnswer("gender is male, female, or empty")
		}
	case model.Manager:
		return model.Value{Text: text, Refs: []model.Reference{{By: model.RefAny, Value: text}}}, nil
	}
	return model.Text(text), nil
}
