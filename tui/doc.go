// Package tui is the terminal UI: status at a glance, conflicts answered in half
// a minute, and everything else that needs a human, over SSH.
//
// It asks the running appliance through a [Client] and holds no truth of its
// own: after every change it asks again instead of guessing. It never opens the
// store and knows nothing of how the appliance works. Whatever it can do is also
// a command, and each page names it.
//
// Invariants:
//
//   - Update never waits. Every question to the appliance is a command with a
//     deadline; its answer carries the generation of the question, and an answer
//     to a question that has been asked anew since is dropped.
//   - The model reads no clock. Time comes in as tick messages, from [Run] or
//     from a test.
//   - What is on the screen says as of when it is, and whether the appliance can
//     be reached.
//   - In read-only mode keys that change something are neither shown nor obeyed.
//
// Pages describe what they show with package kit, which is where text from
// records is made safe for the terminal.
package tui
