package ingest

import "rollcall/appliance/store"

// UsualLargeAt is [store.LargeAt] outside of these tests.
var UsualLargeAt = store.LargeAt

// In the tests of this package the end of a run is not carried out at once from three
// jobs on, and takes several transactions from three on: each takes one batch.
func init() {
	closeBatch = 2
	store.LargeAt = 1
}

// SetCloseBatch sets how many jobs one transaction of the end of a run has.
func SetCloseBatch(n int) { closeBatch = n }

// CloseBatch returns it.
func CloseBatch() int { return closeBatch }
