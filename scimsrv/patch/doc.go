// Package patch changes SCIM resources as RFC 7644 §3.5.2 describes: it parses
// the body of a PATCH and applies its operations, in order and all or none, to
// a copy of the resource.
//
// What happens, by operation and target; (o) marks what [Options] decide:
//
//	target                add                      replace                  remove
//	single simple         set                      set                      unassign; required: mutability
//	single complex        merge                    merge                    unassign
//	complex.sub           set                      set                      unassign
//	list                  append what is not yet   replace the whole        the values given, else all
//	                      there, merge what is
//	list[filter]          merge into matches;      replace matches;         drop matches; none: success
//	                      none: noTarget or        none: noTarget or
//	                      create (o)               create (o)
//	list[filter].sub      set on matches; none as above                     unassign; without value: drop
//	extension URN         merge                    merge                    unassign all
//	no path               each member by itself    each member by itself    noTarget
//	readOnly              mutability, except an equal id                    mutability
//	unknown               invalidPath or ignored (o)
//
// Null is "unassigned": nothing to add, and a replace unassigns. A remove that
// names values removes those and no others, although the RFC gives value no
// meaning there: a sender that lists one member never means all of them.
//
// The package applies operations to trees and knows no storage. A group's members
// are too many to be part of a tree; [SplitMembers] takes them out first. It knows
// no sender either; rewriting of odd requests happens before.
//
// Invariants: the tree given is never changed; an error means that nothing was
// applied; a resource that is valid stays valid; applying the same operations
// again changes nothing unless a filter selects by what they changed.
package patch
