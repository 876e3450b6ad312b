//go:build !race

package relay_test

const defaultHistories = 1000
