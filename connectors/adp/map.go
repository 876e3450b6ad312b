package adp

import (
	"bytes"
	"encoding/json"
	"time"

	"rollcall/appliance/model"
)

// Map is the built-in map: one worker as an answer of hr/v2/workers holds them,
// turned into an observation. ADP has no status of its own for who starts later:
// now tells who does.
func Map(raw json.RawMessage, now time.Time) (model.Observation, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var w worker
	if err := d.Decode(&w); err != nil {
		return model.Observation{}, undocumented("the worker is not a JSON object")
	}
	o, _, err := (&Source{cfg: Config{Now: func() time.Time { return now }}}).observe(w)
	return o, err
}
