package javelo

import (
	"rollcall/appliance/model"
	"rollcall/connectors/scim"
)

// readRefusal reads the body of a refusal by the person that a write was about. Which
// status Javelo gives to a login that exists, and to a manager it does not take, is
// unverified: RFC 7644 §3.12 has 409 for the one and 400 for the other, frameworks of
// its kind answer 422.
func readRefusal(body []byte, want *model.Desired) scim.Refusal {
	var private []string
	if want != nil {
		private = scim.PrivateValues(*want)
	}
	return scim.ReadRefusal(body, private, "Javelo")
}
