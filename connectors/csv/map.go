package csv

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"rollcall/appliance/model"
)

// Map is the built-in map: one row, as an object of the header's names and the
// cells under them, turned into an observation. Dates are in the form 2026-11-22,
// because only a whole file tells which other form it has.
func Map(raw json.RawMessage) (model.Observation, error) {
	var cells map[string]string
	if err := json.Unmarshal(raw, &cells); err != nil {
		return model.Observation{}, errors.New("csv: the row is not an object of texts")
	}
	names := slices.Sorted(maps.Keys(cells))
	l, err := layOut(names)
	if err != nil {
		return model.Observation{}, err
	}
	s := &sheet{layout: l, left: map[model.Name]int{}}
	r := &row{line: 2}
	for _, n := range names {
		r.cells = append(r.cells, cells[n])
	}
	return s.observe(r), nil
}
