package readiness

import (
	"iter"

	"rollcall/appliance/model"
)

// Company is what a report is made of. Iterations may be stopped, and are not nested;
// an error ends them. What is returned is not modified.
type Company interface {
	// Persons yields everybody.
	Persons() iter.Seq2[model.Person, error]
	Person(id model.PersonID) (model.Person, bool, error)
	// Record returns a record, also one that is gone.
	Record(id model.RecordID) (model.Record, bool, error)
	Conflicts() iter.Seq2[model.Conflict, error]
	// Accounts yields those that the target with this position in the basis listed.
	Accounts(target int) iter.Seq2[Account, error]
	Account(target int, remoteID string) (Account, bool, error)
	// Standing is how somebody stands with a target; it is asked once of everybody.
	Standing(target int, p model.Person) (Standing, bool, error)
	// Unknown are the attributes that some people have and a target has no field for,
	// with the reason in words and how many people have them. It is asked when
	// everybody's standing was.
	Unknown(target int) ([]UnknownAttribute, error)
}

// Lists makes lists that sort themselves and may be larger than memory.
type Lists interface {
	Sort(name string) List
}

// List is one such list.
type List interface {
	// Put adds an entry, in the place of one with the same key.
	Put(key, value []byte) error
	// Each yields the entries whose keys begin with prefix in the order of the keys.
	// They are valid until the next step.
	Each(prefix []byte) iter.Seq2[[]byte, []byte]
}
