// Package observe is how rollcall tells what it is doing: the log, the metrics,
// the health answers and the service manager.
//
// It decides nothing. What is healthy, and how old the oldest job is, comes from
// functions that the caller passes in. Three things hold whatever they pass: a
// registered secret never leaves through the log, neither does the value of a field
// that is not known to be operational, and no metric has a label that could name a
// person.
package observe
