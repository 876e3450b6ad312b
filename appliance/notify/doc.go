// Package notify tells humans of what needs them: once per matter, and once more
// when it is over.
//
// A [Matter] is something that waits for a human, such as a hold or a target that
// refuses our credentials. The caller says which matters there are now; the
// [Notifier] compares that with what each [Channel] was told and sends the
// difference. It is level-triggered like everything that leaves the appliance:
// what is queued is "this channel does not know it yet", so a channel that was
// down for a week is told what is still true, not a week of history.
//
// What was told is on disk before it is believed: a message is remembered after
// the channel took it. If the process ends in between, the message goes out
// twice with the same id, never not at all.
//
// A matter must last for [Settle] before anybody is told, and be gone as long
// before it is called over, so that a service that hiccups wakes nobody.
//
// Messages hold the names of sources and targets, counts and ids. They hold no
// person's data: they leave the machine towards services that were not chosen to
// keep it.
//
// The package decides nothing about what matters, and does not store: [Memory]
// does.
package notify
