package elevosim

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Person is one person as the import left them in Elevo.
type Person struct {
	Login     string // the email, else the user name, in lower case
	Suspended bool
	Columns   map[string]string
}

// Intake is the import that reads the files. Elevo matches people by email, and
// by user name those who have none.
type Intake struct {
	// SuspendMissing suspends people who are not in a file any more (unverified:
	// it is said to depend on how the customer's import was set up).
	SuspendMissing bool

	people map[string]*Person
}

// Read imports one file, plain CSV in UTF-8 with the documented columns. A file
// that is refused changes nobody.
func (i *Intake) Read(content []byte) error {
	rows, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
	if err != nil || len(rows) == 0 {
		return errors.New("elevosim: the file is not CSV")
	}
	header := rows[0]
	for _, name := range []string{"first_name", "last_name", "email"} {
		if !slices.Contains(header, name) {
			return fmt.Errorf("elevosim: the column %s is missing", name)
		}
	}
	listed := map[string]*Person{}
	for n, row := range rows[1:] {
		p := &Person{Columns: map[string]string{}}
		for c, name := range header {
			p.Columns[name] = row[c]
		}
		p.Login = strings.ToLower(p.Columns["email"])
		if p.Login == "" {
			p.Login = strings.ToLower(p.Columns["username"])
		}
		if p.Login == "" || listed[p.Login] != nil {
			return fmt.Errorf("elevosim: line %d has no login of its own", n+2)
		}
		listed[p.Login] = p
	}
	for login, p := range listed {
		for _, column := range []string{"manager_email", "manager_username"} {
			if m := strings.ToLower(p.Columns[column]); m != "" && (listed[m] == nil || m == login) {
				return fmt.Errorf("elevosim: a %s is nobody else in the file", column)
			}
		}
	}
	for login, p := range i.people {
		if listed[login] == nil {
			p.Suspended = p.Suspended || i.SuspendMissing
			listed[login] = p
		}
	}
	i.people = listed
	return nil
}

// People returns everybody who was ever imported, sorted by login.
func (i *Intake) People() []Person {
	var out []Person
	for _, login := range slices.Sorted(maps.Keys(i.people)) {
		out = append(out, *i.people[login])
	}
	return out
}
