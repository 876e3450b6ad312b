package ingest

import (
	"runtime"
	"runtime/debug"
)

// manyPeople is from how many people on a change is followed by [giveBack].
const manyPeople = 2000

// giveBack returns to the machine what memory a change of so many people took. Left to
// itself the collector goes on making room for the most there ever was, for minutes in
// an appliance with little to do. It takes some tens of milliseconds, and nobody waits for
// it but whoever made the change.
func giveBack(people int) {
	if people >= manyPeople {
		runtime.GC() // what pools keep, such as bbolt's of pages, outlives one collection
		debug.FreeOSMemory()
	}
}
