package csv

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"rollcall/appliance/model"
)

// use is what a column is for.
type use int

const (
	asDocument  use = iota // for expressions only
	asAttribute            // column.attribute
	asNative               // tells rows apart
	asStatus
	asActive
	asUserName
	asManager // column.by says what names the manager
)

// column is one column of a file.
type column struct {
	name      string // as the file writes it
	key       string // its name in the document, empty when it has none
	use       use
	attribute model.Name
	by        model.RefKind
}

// aliases are names of columns besides those of the attributes, folded. Most are
// Javelo's import file and the exports made for it, and Elevo's feed.
var aliases = map[string]column{
	"id": {use: asNative}, "sourceid": {use: asNative}, "javelouniqueid": {use: asNative},
	"status": {use: asStatus}, "active": {use: asActive}, "username": {use: asUserName},

	"emailaddress": {attribute: model.Email}, "workemail": {attribute: model.Email},
	"firstname": {attribute: model.GivenName}, "lastname": {attribute: model.FamilyName}, "surname": {attribute: model.FamilyName},
	"employeeid": {attribute: model.EmployeeNumber}, "registrationnumber": {attribute: model.EmployeeNumber},
	"job": {attribute: model.Title}, "jobtitle": {attribute: model.Title},
	"region": {attribute: model.Site}, "phone": {attribute: model.WorkPhone}, "mobile": {attribute: model.MobilePhone},
	"language":     {attribute: model.Locale},
	"workenddate":  {attribute: model.EndDate},
	"lastexitdate": {attribute: model.EndDate},
	"firstday":     {attribute: model.StartDate}, "currenthiredon": {attribute: model.StartDate}, "workstartdate": {attribute: model.StartDate},

	"manager": {by: model.RefAny}, "managerid": {by: model.RefNative}, "managersourceid": {by: model.RefNative},
	"manageremail": {by: model.RefEmail}, "linemanager": {by: model.RefAny},
	"manageremployeenumber": {by: model.RefEmployeeNumber}, "managerregistrationnumber": {by: model.RefEmployeeNumber},
	"managerusername": {by: model.RefUserName},
}

// fold makes names comparable: without letter case, blanks, underscores and
// whatever else separates words.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// documentKey spells a column for expressions: lower case, with "_" for whatever
// is neither letter nor digit.
func documentKey(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return strings.Join(words, "_")
}

// meaning finds out what a column is for from its name alone.
func meaning(name string) column {
	name = strings.TrimSpace(name)
	c := column{name: name, key: documentKey(name)}
	if custom := model.Name(strings.ToLower(name)); strings.HasPrefix(string(custom), model.CustomPrefix) && custom.Valid() {
		c.use, c.attribute = asAttribute, custom
		return c
	}
	folded := fold(name)
	if alias, ok := aliases[folded]; ok {
		alias.name, alias.key = c.name, c.key
		switch {
		case alias.by != "":
			alias.use, alias.attribute = asManager, model.Manager
		case alias.attribute != "":
			alias.use = asAttribute
		}
		return alias
	}
	for _, n := range model.Names {
		if folded == fold(string(n)) {
			c.use, c.attribute = asAttribute, n
		}
	}
	return c
}

// recognised counts the names that mean something.
func recognised(names []string) int {
	n := 0
	for i, c := range columnsOf(names) {
		if c.use != asDocument && strings.TrimSpace(names[i]) != "" {
			n++
		}
	}
	return n
}

// columnsOf finds out what the columns of a header are for. Javelo calls the
// given name "name", which elsewhere is the whole name: the column of the family
// name tells.
func columnsOf(names []string) []column {
	columns := make([]column, len(names))
	family := false
	for i, name := range names {
		columns[i] = meaning(name)
		family = family || columns[i].attribute == model.FamilyName
	}
	for i, name := range names {
		if fold(name) != "name" {
			continue
		}
		columns[i].use, columns[i].attribute = asAttribute, model.DisplayName
		if family {
			columns[i].attribute = model.GivenName
		}
	}
	return columns
}

// layout is what a header says: the columns, and which of them tells rows apart.
type layout struct {
	columns []column
	native  int
	has     map[use]bool
	dated   bool // there is a start or an end date
}

// layOut judges a header. Names are not quoted in errors: when there is no
// header, they are a person's data.
func layOut(names []string) (layout, error) {
	l := layout{columns: columnsOf(names), native: -1, has: map[use]bool{}}
	byName, byUse := map[string]int{}, map[string]int{}
	for i, name := range names {
		c := l.columns[i]
		if folded := fold(name); folded != "" {
			if first, twice := byName[folded]; twice {
				return l, atLine(1, fmt.Sprintf("names columns %d and %d the same", first+1, i+1), "Rename or remove one of them")
			}
			byName[folded] = i
		}
		l.has[c.use] = true
		if c.use == asDocument || c.use == asNative {
			continue
		}
		meant := fmt.Sprint(c.use, c.attribute, c.by)
		if first, twice := byUse[meant]; twice {
			return l, atLine(1, fmt.Sprintf("has columns %d and %d that mean the same%s", first+1, i+1, what(c)), "Rename or remove one of them")
		}
		byUse[meant] = i
		l.dated = l.dated || c.attribute == model.StartDate || c.attribute == model.EndDate
	}
	for _, wanted := range []string{"id", "sourceid", "javelouniqueid", fold(string(model.EmployeeNumber)), string(model.Email)} {
		l.native = slices.IndexFunc(l.columns, func(c column) bool {
			return c.use == asNative && fold(c.key) == wanted || c.use == asAttribute && fold(string(c.attribute)) == wanted
		})
		if l.native >= 0 {
			return l, nil
		}
	}
	return l, atLine(1, "names no column that tells people apart", "Add one of id, source_id, employee_number or email")
}

// what names the attribute of a column for an error text.
func what(c column) string {
	if c.attribute == "" {
		return ""
	}
	return ", " + string(c.attribute)
}
