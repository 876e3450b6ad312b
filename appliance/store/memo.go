package store

// memo is what a write transaction has decoded so far: planning one change looks
// at the same record and the same person half a dozen times. A value is forgotten
// when its key is written, so what is read is always what would be read back from
// the file. It is nil in read transactions, which read most things once.
type memo map[memoKey]remembered

type memoKey struct{ table, key string }

type remembered struct {
	value any
	seal  seal
}

// maxMemo bounds how many values are kept; a larger transaction begins anew.
const maxMemo = 4096

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
