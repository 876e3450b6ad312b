package hibob

// numbers is a set of numbers that takes little more room than they do: a million
// take sixteen megabytes, where a map takes five times that while it grows. It is
// the one thing about a read that grows with the company.
//
// It is a table with open addressing; the zero value is an empty set.
type numbers struct {
	slots []uint64 // a power of two of them; 0: free
	zero  bool     // 0 is in the set, and in no slot
	count int
}

const leastSlots = 1024

// add puts n into the set and reports whether it was not in it.
func (s *numbers) add(n uint64) bool {
	if n == 0 {
		fresh := !s.zero
		if s.zero = true; fresh {
			s.count++
		}
		return fresh
	}
	if s.count >= len(s.slots)/4*3 {
		s.grow()
	}
	if !place(s.slots, n) {
		return false
	}
	s.count++
	return true
}

// place reports whether n was not there yet. One slot at least must be free.
func place(slots []uint64, n uint64) bool {
	mask := uint64(len(slots) - 1)
	// Ids of one company differ in a few low digits: multiplying spreads them
	// (Knuth, The Art of Computer Programming, §6.4).
	for i := (n * 0x9e3779b97f4a7c15) >> 20; ; i++ {
		switch slots[i&mask] {
		case 0:
			slots[i&mask] = n
			return true
		case n:
			return false
		}
	}
}

func (s *numbers) grow() {
	larger := make([]uint64, max(leastSlots, 2*len(s.slots)))
	for _, n := range s.slots {
		if n != 0 {
			place(larger, n)
		}
	}
	s.slots = larger
}
