package reconcile

import (
	"rollcall/appliance/identity"
	"rollcall/appliance/model"
)

// alike is the evidence, beyond an identifier, that two records are one human:
// the same birth date, or the same name unless the birth dates speak against it.
func alike(a, b *model.Record) bool { return likeness(a, b) != "" }

// likeness says in words what makes two records alike, empty when nothing does.
func likeness(a, b *model.Record) string {
	ba, bb := a.Attributes.Text(model.BirthDate), b.Attributes.Text(model.BirthDate)
	switch na := fullName(a); {
	case ba != "" && ba == bb:
		return "the same birth date"
	case ba != "" && bb != "":
		return ""
	case na != "" && na == fullName(b):
		return "the same name"
	}
	return ""
}

func fullName(r *model.Record) string {
	name := identity.Name(r.Attributes.Text(model.GivenName)) + "|" + identity.Name(r.Attributes.Text(model.FamilyName))
	if name == "|" {
		return identity.Name(r.Attributes.Text(model.DisplayName))
	}
	return name
}

// Alike reports whether every record is alike to the first: the same birth date,
// or the same name where nothing is known of one.
func Alike(records []model.Record) bool {
	for i := range records[1:] {
		if !alike(&records[0], &records[i+1]) {
			return false
		}
	}
	return true
}

// Evidence says, in sentences without personal values, what speaks for and
// against several records being one human.
func Evidence(records []model.Record) (speaksFor, speaksAgainst []string) {
	say := func(same bool, agree, differ string) {
		if same {
			speaksFor = append(speaksFor, agree)
		} else {
			speaksAgainst = append(speaksAgainst, differ)
		}
	}
	names := distinct(records, fullName)
	if len(names) > 0 {
		say(len(names) == 1, "the names are the same", "the names differ")
	}
	for _, n := range []model.Name{model.BirthDate, model.EmployeeNumber, model.FirstHiredOn} {
		values := distinct(records, func(r *model.Record) string { return r.Attributes.Text(n) })
		stated := 0
		for i := range records {
			if records[i].Attributes.Text(n) != "" {
				stated++
			}
		}
		if stated > 1 {
			say(len(values) == 1, string(n)+" is the same", string(n)+" differs")
		}
	}
	sources := distinct(records, func(r *model.Record) string { return r.Source })
	if len(sources) < len(records) {
		speaksAgainst = append(speaksAgainst, "one source has more than one of the records")
	} else {
		speaksFor = append(speaksFor, "each record is from another source")
	}
	ended, current := 0, 0
	for i := range records {
		if records[i].Gone || records[i].Status == model.Inactive {
			ended++
		} else {
			current++
		}
	}
	switch {
	case ended > 0 && current > 0:
		speaksFor = append(speaksFor, "one has ended and another is current, as after a rehire")
	case current > 1:
		speaksAgainst = append(speaksAgainst, "more than one of them is current")
	}
	return speaksFor, speaksAgainst
}

// distinct returns the different values that are not empty.
func distinct(records []model.Record, value func(*model.Record) string) map[string]bool {
	out := map[string]bool{}
	for i := range records {
		if v := value(&records[i]); v != "" {
			out[v] = true
		}
	}
	return out
}
