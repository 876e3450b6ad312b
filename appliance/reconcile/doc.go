// Package reconcile decides. Given records, the people known so far, what humans
// decided and the policy, [Plan] says which records are one person, what that
// person's attributes and status are, and which questions only a human may
// answer. [Project] says what a target should hold of a person, and [Judge] what
// a guard lets through.
//
// Everything here is a pure function: no clock, no randomness, no I/O, no log,
// and the order of the input never matters. What must stay as it is, is put into
// the desired state before comparing, never filtered out of a difference after.
//
// # The table of cases
//
// A component is a set of records joined by a shared identifier that is not hot,
// by the person they are linked to, or by a decision, and not put apart by one.
//
//	component                                         becomes
//	consistent, one person among its records          linked to that person
//	consistent, no person yet                         a new person, named by its lowest record's spare id
//	ended records and a newcomer alike in name/birth  linked (a rehire), with a note; asked, when policy says so
//	ended records and a newcomer not alike            frozen: email_recycled
//	a newcomer with what another person had before    frozen: email_recycled
//	two live records of one source                    frozen: duplicate_identifier
//	two persons, or employee numbers that disagree    frozen: ambiguous_match
//	records that a decision put apart, joined again   frozen: ambiguous_match
//	decisions that contradict each other              frozen: ambiguous_match
//	identifier carried by more than the hot limit     no evidence; its carriers are frozen: duplicate_identifier
//
// Frozen: linked records stay linked, the others stay parked, and nothing is
// relayed about the people concerned. Beyond components, persons who claim the
// same email and have not left are frozen as account_taken.
//
// # Invariants
//
// Records that were put apart never share a person. No record joins a person
// without evidence, and an identifier that passed from one human to another is no
// evidence: it is never inherited. A record that belongs to nobody is in a
// conflict. A decision about every two members of a conflict closes it. A person
// in a conflict that freezes is relayed to nobody. property_test.go drives all of
// this, and more, through random histories.
package reconcile
