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
	at := map[model.PersonID]int{}
	var chain []model.PersonID
	for p := start; p != ""; {
		if i, seen := at[p]; seen {
			cycle := slices.Clone(chain[i:])
			slices.Sort(cycle)
			return cycle, nil
		}
		at[p] = len(chain)
		chain = append(chain, p)
		next, err := manager(p)
		if err != nil {
			return nil, err
		}
		p = next
	}
	return nil, nil
}
