// Package quirk knows how SCIM senders depart from the RFC. A [Profile] is one
// sender's dialect: rewriters that turn its odd requests into ordinary ones, run
// on the parsed request before validation and the patch engine, and switches for
// what those and the HTTP layer tolerate. Every rewriter and switch has a name
// and cites the request that made it necessary, so the journal of requests can
// say which were applied.
//
// It decides nothing about values, which the schema and patch packages do, and
// reads nothing but what it is given.
//
// Invariants: rewriting leaves its input alone, an ordinary request comes out as
// it went in, and rewriting twice does what rewriting once does. The dialect rfc
// rewrites and tolerates nothing.
package quirk

import (
	"fmt"
	"slices"
	"strings"

	"rollcall/scimsrv/attr"
	"rollcall/scimsrv/filter"
	"rollcall/scimsrv/patch"
	"rollcall/scimsrv/schema"
)

// The dialects.
const (
	RFC     = "rfc"     // the RFC to the letter
	Okta    = "okta"    // Okta, custom apps and those of its catalogue
	Azure   = "azure"   // Microsoft Entra ID and its two validators
	Lenient = "lenient" // whatever can be understood without guessing
)

// Profile is what one dialect needs. It is a value without state, and safe for
// concurrent use.
type Profile struct {
	Dialect string

	// RawToken accepts a token as the whole Authorization header: Okta's header
	// templates send exactly what the administrator typed, with "Bearer" or
	// without (coder, pull request 15233; sentry-docs, pull request 4165).
	RawToken bool
	// GroupPatchNoContent answers a PATCH of a group with 204: Entra's page asks
	// not to return all members.
	GroupPatchNoContent bool
	// UniqueGroupName refuses a second group of the same displayName with 409:
	// Entra matches groups by it and the validator's test of duplicate groups
	// expects the refusal. The RFC wants no uniqueness.
	UniqueGroupName bool
	// RestoreOnPost lets a POST of the userName of an inactive user bring that
	// user back under its id: a 409 stops Okta's task for the person until somebody
	// clears it by hand (lightdash, issue 22402). An active one stays a conflict.
	RestoreOnPost bool
	// EmptyClears takes an empty string for "unassigned": Okta pushes unmapped
	// attributes that way (its test C9337), Entra's null test too.
	EmptyClears bool
	// IgnoreUnknown drops attributes that no schema knows: all mapping editors
	// send more than a server has. The RFC leaves it open.
	IgnoreUnknown bool
	// CreateElements makes a PATCH on emails[type eq "work"].value create the
	// work email when there is none, as Entra's default mapping of mail needs
	// (better-auth, pull request 10682; SCIM-SDK, issue 416).
	CreateElements bool

	loose     bool // shapes, strings for booleans and numbers, envelopes
	filterOne bool
	rewriters []rewriter
}

// For returns the profile of a dialect, and an error that lists them for any
// other name.
func For(dialect string) (Profile, error) {
	// Names first, so that the others meet proper ones.
	all := []rewriter{malformedURN(), managerID(), pathKeys(), readOnlyInValue()}
	switch dialect {
	case RFC:
		return Profile{Dialect: RFC}, nil
	case Okta:
		return Profile{
			Dialect: Okta, RawToken: true, RestoreOnPost: true, EmptyClears: true, IgnoreUnknown: true, CreateElements: true, loose: true,
			rewriters: []rewriter{managerID(), readOnlyInValue()},
		}, nil
	case Azure:
		return Profile{
			Dialect: Azure, GroupPatchNoContent: true, UniqueGroupName: true,
			EmptyClears: true, IgnoreUnknown: true, CreateElements: true, loose: true, filterOne: true,
			rewriters: all,
		}, nil
	case Lenient:
		return Profile{
			Dialect: Lenient, RawToken: true,
			EmptyClears: true, IgnoreUnknown: true, CreateElements: true, loose: true, filterOne: true,
			rewriters: all,
		}, nil
	default:
		return Profile{}, fmt.Errorf("unknown dialect %q: %s is expected", dialect, strings.Join(Dialects(), ", "))
	}
}

// Dialects returns the names of all dialects.
func Dialects() []string { return []string{RFC, Okta, Azure, Lenient} }

// Values says how the values of this sender are read. noted, which may be nil,
// is told which tolerance was used.
func (p Profile) Values(noted func(tolerance string)) schema.Leniency {
	return schema.Leniency{
		AnySchemas:      p.loose, // custom extension URNs are not listed by Entra
		IgnoreUnknown:   p.IgnoreUnknown,
		BooleanStrings:  p.loose, // "active":"False", "primary":"true" (scimmy 51, 86)
		NumberStrings:   p.loose,
		OpaqueText:      p.loose, // the validator sends random text for profileUrl
		LooseShapes:     p.loose, // "manager":"2819", "manager":[{…}] (SCIM-SDK 686)
		EmptyClears:     p.EmptyClears,
		LastPrimaryWins: p.loose,
		ShortNames:      p.loose, // "path":"manager" in Entra's own sample
		Noted:           noted,
	}
}

// Patch says how a PATCH of this sender on the resource with that id is applied.
func (p Profile) Patch(id string, noted func(tolerance string)) patch.Options {
	return patch.Options{
		Values:         p.Values(noted),
		AnyEnvelope:    p.loose,
		CreateElements: p.CreateElements,
		FilterSingles:  p.filterOne, // manager[value eq "2819"] (scim-patch 453)
		ID:             id,
	}
}

// Filter says how a filter in a query of this sender is parsed and typed. An
// unknown attribute is refused in every dialect: an empty answer would make the
// sender create duplicates (authorizer, pull request 705).
func (p Profile) Filter() (filter.Limits, filter.Options) {
	return filter.Limits{AnyCase: p.loose}, filter.Options{ShortNames: p.loose, LooseLiterals: p.loose}
}

// RewriteResource turns the body of a POST or PUT into an ordinary one. It
// returns the names of the rewriters that had something to do.
func (p Profile) RewriteResource(rt *schema.ResourceType, tree *attr.Object) (*attr.Object, []string) {
	var applied []string
	for _, r := range p.rewriters {
		if r.resource == nil {
			continue
		}
		if next, changed := r.resource(rt, tree); changed {
			tree = next
			applied = append(applied, r.Name)
		}
	}
	return tree, applied
}

// RewriteOps turns the operations of a PATCH into ordinary ones, which may be
// more or fewer; each keeps the index it had. It returns the names of the
// rewriters that had something to do.
func (p Profile) RewriteOps(rt *schema.ResourceType, ops []patch.Operation) ([]patch.Operation, []string) {
	var applied []string
	for _, r := range p.rewriters {
		changed := false
		next := make([]patch.Operation, 0, len(ops))
		for _, op := range ops {
			out, did := r.operation(rt, op)
			next = append(next, out...)
			changed = changed || did
		}
		if changed {
			ops = next
			applied = append(applied, r.Name)
		}
	}
	return ops, applied
}

// KeepOmitted puts back what a PUT left out without meaning to clear it: active.
// Okta's PUT may lack it, and no sender reactivates somebody by silence. RFC 7644
// §3.5.1 lets a server keep what is omitted, so every dialect does. next is
// changed; the result says whether.
func KeepOmitted(cur, next *attr.Object) bool {
	if _, ok := next.Get("active"); ok {
		return false
	}
	v, ok := cur.Get("active")
	if ok {
		next.Set("active", v)
	}
	return ok
}

// Applied collects the names of what was applied to one request, each once, in
// the order of their first use. The zero value is ready; it is not safe for
// concurrent use.
type Applied struct{ names []string }

// Note adds names.
func (a *Applied) Note(names ...string) {
	for _, n := range names {
		if !slices.Contains(a.names, n) {
			a.names = append(a.names, n)
		}
	}
}

// Noted is Note for one name, in the form that [Profile.Values] and
// [Profile.Patch] take.
func (a *Applied) Noted(name string) { a.Note(name) }

// Names returns what was collected.
func (a *Applied) Names() []string { return a.names }
