// Package connectors is the contract between rollcall and the services it talks
// to: what a source yields, what a target takes, and how an error says what to
// do next.
//
// A connector knows one service's wire format and nothing of storage, schedules
// or policy. It never retries (the caller does, because only the caller knows
// what else is waiting), never logs, and never puts a secret or a person's data
// into an error. The suites in connectortest hold every connector to the
// promises written here.
package connectors

import (
	"context"
	"iter"

	"rollcall/appliance/model"
)

// Source is a system that is polled. Implementations are safe for use by one
// read at a time.
type Source interface {
	// Read yields the pages of one complete read, beginning at from (empty: at
	// the start). Each page carries the cursor that resumes after it, which a
	// fresh Source with the same configuration must understand. After the page
	// with Last set, or after the first error, the sequence ends.
	//
	// Every person is yielded once per read, keyed by Native. An error means
	// that the read is not complete, whatever came before it: a body that is
	// not the documented JSON is an error whatever its status, and so is a page
	// that repeats, a count that does not agree, or a permission without which
	// the status of people cannot be known ([Denied]).
	Read(ctx context.Context, from Cursor) iter.Seq2[Page, error]
}

// Cursor is where a read resumes, in the source's own terms.
type Cursor string

// Page is one piece of a read.
type Page struct {
	People []model.Observation
	Next   Cursor // where to resume once this page is durable
	Last   bool   // only when the source itself said that there is no more
	Total  int    // how many people the source says there are, 0 when it does not
	// Notices are things an operator should know about the whole read, for
	// example a deprecation date the service announced.
	Notices []string
}

// Checker is implemented by connectors that can test their credentials and
// permissions field by field.
type Checker interface {
	Check(ctx context.Context) (Report, error)
}

// Report is what a check found. An empty Missing means all is readable.
type Report struct {
	// Reached says in a few words what answered ("HiBob, company 63124").
	Reached string `json:"reached"`
	People  int    `json:"people"`
	// Sampled says that People were looked at and that there may be more.
	Sampled bool `json:"sampled,omitempty"`
	// Requests is about how many requests a full read of so many people costs, 0
	// when the service is not asked by requests.
	Requests int `json:"requests,omitempty"`
	// Missing lists what the credentials cannot read, by the service's own names.
	Missing []MissingPermission `json:"missing,omitempty"`
	// Sample is one mapped person, for the operator to look at.
	Sample  *model.Observation `json:"sample,omitempty"`
	Notices []string           `json:"notices,omitempty"`
	// Facts are what a target was found to offer ([Learner]).
	Facts []Fact `json:"facts,omitempty"`
}

// MissingPermission is a field that the credentials cannot read.
type MissingPermission struct {
	Permission string     `json:"permission"` // the service's own name of what to grant
	Field      string     `json:"field"`      // the service's own name of the field
	Attribute  model.Name `json:"attribute,omitempty"`
	Effect     string     `json:"effect"` // what happens without it, in words
}

// Target is a SaaS that receives people one by one. Implementations are safe
// for concurrent use.
type Target interface {
	// List yields all accounts. As for a Source, an error means the listing is
	// not complete and nothing may be concluded from it.
	List(ctx context.Context) iter.Seq2[AccountPage, error]
	// Find returns the account whose login is email, compared as the target does.
	Find(ctx context.Context, email string) (model.Account, bool, error)
	// Create makes an account. An error of class [Taken] says that the login
	// exists already: the caller finds and adopts. After any other error the
	// caller must assume that the account may exist.
	Create(ctx context.Context, want model.Desired) (model.Account, error)
	// Update writes the difference between have and want to the account remoteID.
	// A nil have means it is not known: everything in want is written. It is
	// idempotent. Class [Gone] says that the account is not there any more.
	Update(ctx context.Context, remoteID string, have *model.Desired, want model.Desired) (model.Account, error)
}

// Rekeyed is implemented by targets whose token can be replaced while they are in use.
type Rekeyed interface {
	// SetToken has every request from now on carry another token. Class Misconfigured
	// says that it is none; the old one stays then.
	SetToken(token string) error
}

// TenantFields is implemented by targets some of whose fields exist only where
// the customer's tenant was given them: what is written to another is accepted and
// dropped without a word.
type TenantFields interface {
	// TenantField returns the target's name of the field behind an attribute, and
	// whether it is such a field.
	TenantField(n model.Name) (name string, ok bool)
	// IgnoredAttributes lists the attributes that the target was seen to drop.
	IgnoredAttributes() []model.Name
}

// AccountPage is one piece of a listing.
type AccountPage struct {
	Accounts []model.Account
	Total    int // as the target says, 0 when it does not
	Last     bool
}

// FileTarget is a SaaS that takes everybody at once, as one file. Implementations
// are safe for concurrent use.
type FileTarget interface {
	// Render makes the file for these people: everybody who is to keep their access,
	// and whoever is not active is left out of it. It sends nothing. Class [Invalid]
	// says that the file could not tell two of them apart.
	Render(want []model.Desired) (File, error)
	// Put makes the file the one that is there: whoever fetches it sees the old one or
	// the new one, never a part. It returns how many bytes were put. After an error
	// either may be there, and putting the same file again is always safe.
	Put(ctx context.Context, f File) (bytes int, err error)
}

// File is everybody as a file target takes them.
type File struct {
	Content []byte
	// Digest names the content, the place, and who can read it: a file with the
	// digest of the one that is there need not be put.
	Digest string
	People int
	// LeftOut are active people whom the file cannot hold, sorted by person.
	LeftOut []LeftOut
}

// LeftOut is one active person who is not in a file.
type LeftOut struct {
	Person model.PersonID
	Reason string // in words, without the person's data
}
