package reconcile

import (
	"slices"

	"rollcall/appliance/model"
)

// ResolveManager turns the keys of a manager reference, best first, into a
// person. lookup returns the persons whose records answer to a key. The first
// key that names exactly one other person wins; a key that names the person
// themselves means that they have no manager (Lucca writes null for it, others
// the own id); a key that names several is passed over, never guessed.
func ResolveManager(self model.PersonID, keys []string, lookup func(key string) ([]model.PersonID, error)) (manager model.PersonID, resolved bool, err error) {
	for _, key := range keys {
		persons, err := lookup(key)
		if err != nil {
			return "", false, err
		}
		slices.Sort(persons)
		persons = slices.Compact(persons)
		if len(persons) != 1 {
			continue
		}
		if persons[0] == self {
			return "", true, nil
		}
		return persons[0], true, nil
	}
	return "", len(keys) == 0, nil
}

// ManagerCycle returns the persons of the cycle that following managers from
// start runs into, sorted, and nil when the chain ends. manager returns a
// person's manager, empty for none.
func ManagerCycle(start model.PersonID, manager func(model.PersonID) (model.PersonID, error)) ([]model.PersonID, error) {
	// A chain that does not end meets a mark that is set ever farther along it, the
	// mark being in the cycle and the way round not longer than until the next one.
	mark, steps, far := start, 0, 1
	for p := start; p != ""; {
		next, err := manager(p)
		if err != nil {
			return nil, err
		}
		if p = next; p == mark && p != "" {
			return cycleFrom(p, manager)
		}
		if steps++; steps == far {
			mark, steps, far = p, 0, 2*far
		}
	}
	return nil, nil
}

// cycleFrom returns the persons of a cycle, sorted, given one of them.
func cycleFrom(one model.PersonID, manager func(model.PersonID) (model.PersonID, error)) ([]model.PersonID, error) {
	cycle := []model.PersonID{one}
	for {
		next, err := manager(cycle[len(cycle)-1])
		if err != nil {
			return nil, err
		}
		if next == one {
			slices.Sort(cycle)
			return cycle, nil
		}
		cycle = append(cycle, next)
	}
}
