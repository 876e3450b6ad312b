package lucca

import (
	"bytes"
	"encoding/json"

	"rollcall/appliance/model"
	"rollcall/connectors"
)

// Map is the built-in map of API v3: one user as an answer of api/v3/users holds
// them, turned into an observation. skipField is the code of the skip field, empty:
// none.
func Map(raw json.RawMessage, skipField string) (model.Observation, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var o object
	if err := d.Decode(&o); err != nil {
		return model.Observation{}, &connectors.Error{Class: connectors.Transient, Op: "lucca: map a user", Detail: "it is not a JSON object"}
	}
	u, wrong := decodeUser(o, skipField)
	if wrong != nil {
		wrong.Op = "lucca: map a user"
		return model.Observation{}, wrong
	}
	return u.Observation, nil
}
