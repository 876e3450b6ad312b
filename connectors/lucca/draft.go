package lucca

import (
	"strings"

	"rollcall/appliance/model"
)

// draft is an observation in the making.
type draft struct {
	model.Observation
}

func newDraft(native string) *draft {
	return &draft{model.Observation{Native: native, Attributes: model.Attributes{}, Fields: map[model.Name]string{}}}
}

// put sets an attribute and tells which field it came from.
func (d *draft) put(name model.Name, field string, v model.Value) {
	d.Attributes[name], d.Fields[name] = v, field
}

// notice tells that a field could not be used; never its value.
func (d *draft) notice(text string) { d.Notices = append(d.Notices, text) }

// text takes a text or number as it is. What is not told stays absent.
func (d *draft) text(name model.Name, f fact) {
	if !f.told {
		return
	}
	text, ok := scalar(f.value)
	if f.value != nil && !ok {
		d.notice(f.field + " is not a text")
		return
	}
	d.put(name, f.field, model.Text(text))
}

// date takes the calendar date of a date or a time. A date that cannot be read
// is absent, because null would clear.
func (d *draft) date(name model.Name, f fact) {
	if !f.told {
		return
	}
	text, ok := f.value.(string)
	date := ""
	if text = strings.TrimSpace(text); text != "" {
		date, ok = calendarDate(text)
	}
	if f.value != nil && !ok {
		d.notice(f.field + " is not a date")
		return
	}
	d.put(name, f.field, model.Text(date))
}

// genders maps what both generations say to our words. What is said and is
// neither is null: targets know only these two. "Undefined" and "unknown" are not
// there: nobody told, so nothing is known.
var genders = map[string]model.Value{
	"male": model.Text("male"), "female": model.Text("female"), "misc": model.Null(), "diverse": model.Null(),
}

func (d *draft) gender(f fact) {
	text, _ := scalar(f.value)
	if g, known := genders[strings.ToLower(text)]; known {
		d.put(model.Gender, f.field, g)
	}
}

// languages maps Windows locale ids to languages. Others stay absent: a wrong
// language is worse than none.
var languages = map[string]string{"1036": "fr", "2057": "en", "1033": "en", "3082": "es", "1040": "it"}

func (d *draft) language(f fact) {
	id, _ := scalar(f.value)
	if language := languages[id]; language != "" {
		d.put(model.Locale, f.field, model.Text(language))
	}
}

// manager takes the manager's id and, when told, mail. Lucca says null, or the
// person's own id, for somebody who has none (inferred for the latter).
func (d *draft) manager(f fact, mail string) {
	native, ok := identifier(f.value)
	switch {
	case !f.told:
	case f.value == nil, native == d.Native:
		d.put(model.Manager, f.field, model.Null())
	case !ok:
		d.notice(f.field + " is not an id")
	default:
		v := model.Value{Text: native, Refs: []model.Reference{{By: model.RefNative, Value: native}}}
		if mail != "" {
			v.Text = mail
			v.Refs = append(v.Refs, model.Reference{By: model.RefEmail, Value: mail})
		}
		d.put(model.Manager, f.field, v)
	}
}
