package store

// memo is what a write transaction has decoded or written so far: planning one
// change looks at the same record and the same person half a dozen times. What is
// read is always what would be read back from the file: a value whose key is
// written is forgotten, or, in tables that say how, replaced by what was written.
// It is nil in read transactions, which read most things once.
type memo map[memoKey]remembered

type memoKey struct{ table, key string }

type remembered struct {
	value any // a pointer to it
	seal  seal
}

// maxMemo bounds how many values are kept; a larger transaction begins anew.
const maxMemo = 8192

// forget drops the value of a key, which is about to have another.
func (t *Table[K, V]) forget(tx *Tx, key []byte) {
	if t.remembered {
		delete(tx.memo, memoKey{t.name, string(key)})
	}
}

func (m memo) keep(k memoKey, v any) {
	if m == nil {
		return
	}
	if len(m) >= maxMemo {
		m.check()
		clear(m)
	}
	m[k] = remembered{value: v, seal: sealOf(v)}
}
