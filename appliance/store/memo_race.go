//go:build race

package store

import (
	"encoding/json"
	"fmt"
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

func (m memo) check() {
	for k, r := range m {
		if now := sealOf(r.value); now != r.seal {
			panic(fmt.Sprintf("store: a value of %s was modified after it was read:\n%s\n%s", k.table, r.seal, now))
		}
	}
}
