// Package scim is the client's side of SCIM 2.0 (RFC 7643 and RFC 7644): where
// the canonical attributes are in a user resource, and how an account is read
// out of what real services answer.
//
// [AccountMap] is a table that is read through and written through, so that what
// a target is told and what it is understood to say cannot drift apart. Targets
// with an extension of their own (package javelo) bring their own table.
package scim
