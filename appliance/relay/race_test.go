//go:build race

package relay_test

// The race detector makes a history eight times as dear; a third of them meets the
// same interleavings.
const defaultHistories = 300
