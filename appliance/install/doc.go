// Package install puts rollcall onto a Linux machine with systemd, brings an
// older installation up to date, and takes it off again.
//
// Everything is a [Step] that first says what it would do and whether it is
// needed, so that an administrator reads the whole list before anything happens
// and a second run finds nothing to do. A step that fails ends the run; what was
// done before stays, and running again goes on from there.
//
// What belongs to the administrator is never overwritten: the configuration is
// written once, secrets and the database not at all, and a unit or other file of
// ours that was edited by hand is kept beside the new one with the ending ".old".
// Removing keeps configuration and data unless [Options.Purge] asks for more.
//
// The package does not start anything in the foreground, open the database or
// read the configuration. The effects on the machine go through [Machine].
package install
