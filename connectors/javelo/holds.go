package javelo

import "rollcall/appliance/model"

// Attributes returns the fixed attributes that a Javelo account can hold, beside
// the email and the manager. Custom attributes are held as well, as far as
// Javelo's support made their keys for the tenant.
func Attributes() []model.Name {
	table, err := accountMap(nil)
	if err != nil {
		panic("javelo: the built-in table is not well formed: " + err.Error())
	}
	var names []model.Name
	for _, f := range table.Fields {
		names = append(names, f.Attribute)
	}
	return names
}
