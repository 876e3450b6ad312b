// Package model holds the words of rollcall as types. It imports the standard
// library only, performs no I/O and reads no clock.
//
// # Glossary
//
//   - A source is a system that says who works here. A record is one person as
//     one source states it, kept whole, with the source's own (native) id.
//   - An attribute is one canonical fact in three states: a value, null (known
//     to be empty), absent (the source did not say).
//   - An identifier is an attribute that says who a record is.
//   - A person is one human in the roster: the records that were correlated to
//     be the same human, and the attributes merged from them.
//   - A conflict is a decision that only a human may take; the decision is the
//     human's answer, and outlives every later read.
//   - A target is a SaaS that receives people; an account is one person there.
//   - A run is one pass over one source. A guard limits what one run may change
//     without a human; a hold is what a guard stopped.
//   - A job is one pending delivery: "this person differs in this target".
//   - An event is one entry of the hash-chained journal.
//
// The types are values. None of them is safe for concurrent mutation, and none
// of their methods mutates its receiver unless its comment says so.
package model
