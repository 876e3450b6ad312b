package store

// memo is what a write transaction has decoded or written so far: planning one
// change looks at the same record and the same person half a dozen times. What is
// read is always what would be read back from the file: a value whose key is
// written is forgotten, or, in tables that say how, replaced by what was written.
// It is nil in read transactions, which read most things once.
type memo []map[string]remembered // by the table's place in it, then by key

type remembered struct {
	table string
	value any // a pointer to it
	seal  seal
}

// maxMemo bounds how many values are kept; a larger transaction begins anew.
const maxMemo = 8192

// memoTables is how many tables are remembered.
var memoTables int

func newMemo() memo { return make(memo, memoTables) }

// remembers returns a pointer to the value of a key, nil when it is not known.
func (t *Table[K, V]) remembers(tx *Tx, key []byte) *V {
	if t.memo == 0 || tx.memo == nil {
		return nil
	}
	if known, ok := tx.memo[t.memo-1][string(key)]; ok {
		return known.value.(*V)
	}
	return nil
}

// forget drops the value of a key, which is about to have another.
func (t *Table[K, V]) forget(tx *Tx, key []byte) {
	if t.memo > 0 && tx.memo != nil {
		delete(tx.memo[t.memo-1], string(key))
	}
}

// keep remembers the value of a key.
func (t *Table[K, V]) keep(tx *Tx, key []byte, v *V) {
	if t.memo == 0 || tx.memo == nil {
		return
	}
	size := 0
	for _, values := range tx.memo {
		size += len(values)
	}
	if size >= maxMemo {
		tx.memo.check()
		for _, values := range tx.memo {
			clear(values)
		}
	}
	values := tx.memo[t.memo-1]
	if values == nil {
		values = map[string]remembered{}
		tx.memo[t.memo-1] = values
	}
	values[string(key)] = remembered{table: t.name, value: v, seal: sealOf(v)}
}
