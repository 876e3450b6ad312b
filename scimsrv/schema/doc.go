// Package schema says what SCIM resources may look like: the attribute
// definitions of RFC 7643 for User, EnterpriseUser and Group, Javelo's open
// extension, and extensions that a tenant configures.
//
// It resolves attribute paths, checks a received tree and returns a sanitised
// one, and writes the discovery documents. What is tolerated beyond the RFC is
// a [Leniency], a plain value that the sender's profile chooses; its zero value
// is the RFC to the letter. The package stores nothing, knows no HTTP and
// nothing of single senders.
//
// Invariants: a sanitised tree has canonical names only, in the order of the
// schema, no null, no empty list or object, no readOnly attribute and no
// password, at most one primary element per attribute, and passes validation
// again unchanged.
package schema
