//go:build race

package store

import (
	"encoding/json"
	"fmt"
	"sync/atomic"
)

// seal is what a remembered value looked like when it was handed out first. Under
// the race detector every write transaction checks that nobody has modified one,
// so that all tests of the program watch over the rule of [Table.Get].
type seal string

func sealOf(v any) seal {
	raw, err := json.Marshal(v)
	if err != nil {
		return seal(err.Error())
	}
	return seal(raw)
}

var writes atomic.Uint64

// wrote reports whether a value is remembered as it was written. Sealing takes its
// time, so here it is one in eight; of those it checks that it is the value that
// would be read back.
func wrote[V any](table string, written V, raw []byte, c codec[V]) bool {
	if writes.Add(1)%8 != 0 {
		return false
	}
	var read V
	if err := c.decode(raw, &read); err != nil || sealOf(read) != sealOf(written) {
		panic(fmt.Sprintf("store: a value of %s is not read back as it was written (%v):\n%s\n%s", table, err, sealOf(written), sealOf(read)))
	}
	return true
}

func (m memo) check() {
	for _, values := range m {
		for _, r := range values {
			if now := sealOf(r.value); now != r.seal {
				panic(fmt.Sprintf("store: a value of %s was modified after it was read:\n%s\n%s", r.table, r.seal, now))
			}
		}
	}
}
