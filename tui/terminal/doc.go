// Package terminal is a terminal without a window. It runs a program in a
// pseudo-terminal, presses its keys, remembers what its screen shows, and draws
// that as text or as SVG: for tests that use rollcall as an operator would, and
// for the pictures in the guides.
//
// It understands what the programs of this repository write, not all that
// terminals can do: cursor movement, erasing, scrolling, colours of the 256-colour
// palette, the alternate screen, and the questions about colours and the cursor
// that a program may ask, which it answers like a dark xterm. Other sequences are
// read over. Nothing of the product depends on it.
package terminal
