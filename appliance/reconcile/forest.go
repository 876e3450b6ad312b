package reconcile

func pair(a, b int) [2]int {
	if a > b {
		a, b = b, a
	}
	return [2]int{a, b}
}

// forest is a union-find over positions.
type forest struct{ parent []int32 }

func newForest(n int) *forest {
	f := &forest{parent: make([]int32, n)}
	for i := range f.parent {
		f.parent[i] = int32(i)
	}
	return f
}

func (f *forest) root(i int) int {
	at := int32(i)
	for f.parent[at] != at {
		f.parent[at] = f.parent[f.parent[at]]
		at = f.parent[at]
	}
	return int(at)
}

// join keeps the lower root, so that the result does not depend on the order.
func (f *forest) join(a, b int) {
	a, b = f.root(a), f.root(b)
	if a > b {
		a, b = b, a
	}
	f.parent[b] = int32(a)
}
