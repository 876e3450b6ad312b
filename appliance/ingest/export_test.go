package ingest

// In the tests of this package the end of a run takes several transactions from
// eight jobs on.
func init() { closeBatch = 7 }

// SetCloseBatch sets how many jobs one transaction of the end of a run has.
func SetCloseBatch(n int) { closeBatch = n }

// CloseBatch returns it.
func CloseBatch() int { return closeBatch }
