// Package quiet keeps a program that links the terminal UI from asking the terminal
// for its colours while it starts.
//
// Bubble Tea does so in an init of its own, in every command: it switches the echo
// off, asks, and reads what is typed until there is an answer, for up to five seconds
// where there is none (serial consoles, some jump hosts). The terminal UI asks itself,
// when it begins ([rollcall/tui.Look]); no other command has a reason to.
//
// It works by being initialized first, which the language promises: of the packages
// whose imports are all initialized, the one whose path sorts first is next (Go
// specification, "Program initialization"). This one imports syscall alone and sorts
// before time, which imports syscall too and which Bubble Tea cannot do without. Until
// [Restore] the terminal is a dumb one, which nobody asks anything.
package quiet

import "syscall"

const variable = "TERM"

var term, named = hush()

func hush() (string, bool) {
	term, named := syscall.Getenv(variable)
	// A name without a zero byte or an equals sign is always taken.
	_ = syscall.Setenv(variable, "dumb")
	return term, named
}

// Restore gives the environment back as the program found it. It is for an init of a
// package that imports Bubble Tea.
func Restore() {
	if named {
		_ = syscall.Setenv(variable, term)
	} else {
		_ = syscall.Unsetenv(variable)
	}
}
