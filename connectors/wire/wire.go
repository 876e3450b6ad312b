// Package wire is what every HTTP connector shares: one way to send a request,
// to wait for a rate budget, to check what came back, and to describe what went
// wrong without a secret in it.
package wire
