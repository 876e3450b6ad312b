package csv

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"rollcall/appliance/model"
)

// nativeOf returns what tells a row apart. Letter case does not make another
// person of an address.
func (s *sheet) nativeOf(r *row) string {
	native := strings.TrimSpace(r.cells[s.native])
	if s.columns[s.native].attribute == model.Email {
		native = strings.ToLower(native)
	}
	return native
}

// observe maps a row.
func (s *sheet) observe(r *row) model.Observation {
	o := model.Observation{Native: s.nativeOf(r), Attributes: make(model.Attributes, len(s.columns)), Fields: make(map[model.Name]string, len(s.columns))}
	document := make(map[string]*string, len(s.columns))
	for i, c := range s.columns {
		if c.key == "" {
			continue
		}
		cell := strings.TrimSpace(r.cells[i])
		document[c.key] = &cell
		if cell == "" {
			document[c.key] = nil
		}
		switch c.use {
		case asAttribute:
			if v, ok := s.value(&o, c.attribute, cell); ok {
				o.Attributes[c.attribute], o.Fields[c.attribute] = v, c.name
			}
		case asUserName:
			if cell != "" {
				o.Names = append(o.Names, model.Reference{By: model.RefUserName, Value: cell})
			}
		}
	}
	s.manager(&o, r)
	s.status(&o, r)
	raw, err := json.Marshal(document)
	if err != nil {
		raw = []byte("{}") // not reached: texts can be encoded
	}
	o.Document = raw
	return o
}

// value reads one cell; an empty one is null.
func (s *sheet) value(o *model.Observation, n model.Name, cell string) (v model.Value, ok bool) {
	switch {
	case cell == "":
		return model.Null(), true
	case isDate(n):
		date, why := s.dates.read(cell)
		if why != "" {
			s.left[n]++
			o.Notices = append(o.Notices, fmt.Sprintf("%s %s, and was left out; write YYYY-MM-DD", n, why))
			return v, false
		}
		cell = date
	case n == model.Gender:
		switch fold(cell) {
		case "m", "male", "1", "h", "homme":
			cell = "male"
		case "f", "female", "2", "femme":
			cell = "female"
		default:
			cell = strings.ToLower(cell)
		}
	}
	return model.Text(cell), true
}

// bestFirst orders the ways in which a file may name a manager.
var bestFirst = []model.RefKind{model.RefNative, model.RefEmail, model.RefEmployeeNumber, model.RefUserName, model.RefAny}

// manager gathers every way in which the row names the manager. Who is their own
// manager has none.
func (s *sheet) manager(o *model.Observation, r *row) {
	var v model.Value
	field, present := "", false
	for _, by := range bestFirst {
		i := slices.IndexFunc(s.columns, func(c column) bool { return c.use == asManager && c.by == by })
		if i < 0 {
			continue
		}
		present = true
		if field == "" {
			field = s.columns[i].name
		}
		cell := strings.TrimSpace(r.cells[i])
		if by == model.RefNative && s.columns[s.native].attribute == model.Email {
			cell = strings.ToLower(cell)
		}
		if cell == "" || s.self(o, cell) {
			continue
		}
		if v.Text == "" {
			v.Text, field = cell, s.columns[i].name
		}
		v.Refs = append(v.Refs, model.Reference{By: by, Value: cell})
	}
	if !present {
		return
	}
	if len(v.Refs) == 0 {
		v = model.Null()
	}
	o.Attributes[model.Manager], o.Fields[model.Manager] = v, field
}

func (s *sheet) self(o *model.Observation, ref string) bool {
	return ref == o.Native || ref == o.Attributes.Text(model.EmployeeNumber) || strings.EqualFold(ref, o.Attributes.Text(model.Email))
}

// statusWords are what files say in a column called status, folded; activeWords
// in one called active, where spreadsheets write their own words for true.
var (
	statusWords = map[string]model.Status{
		"active": model.Active, "employed": model.Active, "current": model.Active, "actif": model.Active,
		"pending": model.Pending, "hired": model.Pending, "upcoming": model.Pending,
		"leave": model.Leave, "onleave": model.Leave, "parentalleave": model.Leave, "gardenleave": model.Leave,
		"inactive": model.Inactive, "terminated": model.Inactive, "left": model.Inactive, "former": model.Inactive,
		"disabled": model.Inactive, "deactivated": model.Inactive, "inactif": model.Inactive,
		"unknown": model.Unknown,
	}
	activeWords = map[string]model.Status{
		"true": model.Active, "yes": model.Active, "y": model.Active, "1": model.Active, "oui": model.Active, "vrai": model.Active, "active": model.Active,
		"false": model.Inactive, "no": model.Inactive, "n": model.Inactive, "0": model.Inactive, "non": model.Inactive, "faux": model.Inactive, "inactive": model.Inactive,
	}
)

// status takes what the file says; without a word of its own the dates decide,
// and in a file without either everybody who is listed works here.
func (s *sheet) status(o *model.Observation, r *row) {
	var said []model.Status
	var raw []string
	for i, c := range s.columns {
		words := statusWords
		switch c.use {
		case asStatus:
		case asActive:
			words = activeWords
		default:
			continue
		}
		cell := strings.TrimSpace(r.cells[i])
		if cell == "" {
			continue
		}
		raw = append(raw, c.name+"="+cell)
		status, known := words[fold(cell)]
		if !known {
			status = model.Unknown
			o.Notices = append(o.Notices, "column "+c.name+" says a word that is not known: the status is unknown")
		}
		said = append(said, status)
	}
	o.RawStatus = strings.Join(raw, ", ")
	switch {
	case len(said) == 2 && (said[0] == model.Inactive) != (said[1] == model.Inactive):
		o.Status = model.Unknown
		o.Notices = append(o.Notices, "the columns status and active contradict each other: the status is unknown")
	case len(said) == 2 && (s.columnOf(asActive) < s.columnOf(asStatus)):
		o.Status = said[1] // status says more than active
	case len(said) > 0:
		o.Status = said[0]
	case s.dated:
		o.Status = model.Dated
	case s.has[asStatus] || s.has[asActive]:
		o.Status = model.Unknown
		o.Notices = append(o.Notices, "the row says neither a status nor a date: the status is unknown")
	default:
		o.Status, o.RawStatus = model.Active, "listed"
	}
}

func (s *sheet) columnOf(u use) int {
	return slices.IndexFunc(s.columns, func(c column) bool { return c.use == u })
}
