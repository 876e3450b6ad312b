// Package kit draws: text made safe for a terminal, layout, theme, keys, tables,
// dialogs. It knows no daemon, no person and no page.
//
// Pages describe what they show as a [Block] of [Line]s of [Span]s, which is
// data without escape sequences, and a [Theme] turns a block into the text of
// the screen. That is the only door to the terminal, and so the only place where
// text is cleaned ([Clean]), measured ([Width]) and coloured.
//
// Invariants:
//
//   - Colour is decoration. What a role says by colour is also said by a word
//     or a sign beside it, and a theme without colours loses nothing.
//   - Nothing that came from a record can move the cursor, change a colour or
//     turn the direction of the line around it.
//   - Layout is a pure function of width and height.
//   - Nothing here starts a goroutine, reads a clock or performs I/O, except
//     [Detect], which reads the environment it is given.
//
// Values are owned by the goroutine that runs the program's Update and View;
// nothing is safe for concurrent use.
package kit
