package hibob

import (
	"encoding/json"

	"rollcall/appliance/model"
)

// Map is the built-in map: one person as an answer of people/search holds them,
// turned into an observation.
func Map(person json.RawMessage) (model.Observation, error) {
	if !json.Valid(person) {
		return model.Observation{}, undocumented("the employee is not JSON")
	}
	e, err := newParser().parse(person)
	if err != nil {
		return model.Observation{}, err
	}
	id, err := e.native()
	if err != nil {
		return model.Observation{}, err
	}
	return (&Source{}).observe(id, e), nil
}
