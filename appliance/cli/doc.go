// Package cli is the command line of rollcall. Each command asks the running
// appliance through [client.Client] and prints what it answers: for people as
// aligned text, with --json as the types of package admin, unchanged.
//
// It does not open the database, talk to a source or a target, or decide
// anything; the daemon, the demo and the terminal UI are handed in by the
// assembly ([Deps]). Commands that need no appliance are run, demo, config,
// guide, completion and version.
//
// What holds for all commands:
//
//   - Facts go to standard output, everything else to standard error, so every
//     command can stand in a pipe.
//   - Exit codes are 0 done, 1 failed, 2 wrong usage or configuration, 3 needs a
//     human.
//   - Text that came from records never reaches a terminal with control
//     characters in it: everything printed goes through one printer, which strips them.
//   - There is colour only on a terminal, and never when NO_COLOR is set; no
//     fact is told by colour alone.
//   - Every error ends with what to do next.
package cli
