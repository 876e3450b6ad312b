// Package store keeps rollcall's state in one bbolt file.
//
// It knows buckets, keys and indexes, and nothing of what the values mean. Only
// this package names a bucket; everybody else uses the typed tables below with a
// transaction. A read transaction never outlives the function that opened it and
// never waits for a peer, because an open reader pins pages and keeps the file
// growing. Anything kept in memory changes after the commit, not before.
//
// # The drawing
//
// Keys are text parts joined by NUL, or eight big-endian bytes for sequences.
// Values are JSON objects, but for records, their origins, persons, SCIM resources
// and memberships, which are in the protobuf wire format (see codec.go): there are
// many of them, and they are read and written all the time. A plain index has the
// primary key behind its own and a NUL, and as its value how long the primary key
// is, in two bytes; a unique index has the primary key as its value, behind the
// note of the index when it has one.
//
//	meta                  version · created · instance · epoch · secret (of digests) · journal.head · journal.base
//	settings              name → JSON set at run time
//	sources               source → SourceState
//	records               recordID → model.Record
//	records.origin          recordID → Origin, what the source sent; goes with the record
//	records.native          source 0 native → ordinal (8) digest (16) flags recordID   unique
//	records.identifier      kind 0 value 0 recordID, of those who carry or carried it
//	records.alias           alias 0 recordID
//	records.managerkey      alias 0 recordID
//	records.person          personID 0 recordID
//	records.source          source 0 recordID
//	missing               source 0 native → complete reads in a row without it
//	persons               personID → model.Person
//	persons.email           identifier 0 personID
//	persons.name            lower-case name 0 personID
//	persons.manager         managerID 0 personID
//	persons.department    department in lower case 0 personID
//	persons.review          date 0 personID
//	decisions             id → model.Decision
//	decisions.record        recordID 0 id
//	decisions.group         target 0 source 0 group 0 id
//	conflicts             conflictID → model.Conflict
//	conflicts.record        recordID 0 conflictID
//	conflicts.person        personID 0 conflictID
//	outbox                target 0 personID → model.Job
//	outbox.state            target 0 state 0 urgency 0 created (8) 0 key
//	outbox.run              run (8) 0 key
//	delivered             target 0 personID → model.Delivered
//	delivered.remote        target 0 remoteID → target 0 personID        unique
//	delivered.login         target 0 normalised login 0 key
//	doubts                target 0 personID → model.Doubt, what unanswered writes may have changed
//	written               run (8) target 0 personID → Written, so that a run can be undone
//	restored              target 0 personID → Restored, what a human put back
//	group.delivered       target 0 source 0 group → model.DeliveredGroup
//	group.jobs            target 0 source 0 group → model.GroupJob
//	drifts                target 0 personID → model.Drift, how an account was not as delivered when last listed
//	accounts              target 0 remoteID → Account, as last listed
//	accounts.email          target 0 normalised login 0 key
//	lanes                 target → model.Lane
//	runs                  seq (8) → model.Run
//	journal               seq (8) → model.Event, each with the hash of the one before; retention cuts at a checkpoint
//	history               personID 0 seq → Change: values before and after, what forget erases
//	forgotten             keyed digest → Tombstone, how an erased id is known again
//	tokens                id → Token
//	tokens.hash             sha256 → id                                  unique
//	resources             source 0 type 0 id → Resource, what a SCIM sender wrote, and groups made of attributes
//	resources.order         source 0 type 0 seq (8) → key                unique
//	resources.key           source 0 type 0 attribute 0 value 0 key
//	resources.unique        source 0 type 0 attribute 0 value → key      unique
//	members               source 0 group 0 member → Member
//	members.of              source 0 member 0 key
//	counts                owner 0 what → how many (8): resources of a source, active accounts of a target, people by status
//	requests              seq (8) → JSON, a bounded ring
package store
