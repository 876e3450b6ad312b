package schema

// Leniency is what is tolerated beyond the RFC, one switch per habit of a
// sender. The zero value is strict.
type Leniency struct {
	// AnySchemas asks nothing of "schemas"; else it must be there, name the core
	// schema and every extension in use, and nothing unknown.
	AnySchemas bool
	// IgnoreUnknown drops attributes and extensions that no schema knows; else
	// they are refused with invalidSyntax.
	IgnoreUnknown bool
	// BooleanStrings takes "true", "False", "1" and "0" for booleans.
	BooleanStrings bool
	// NumberStrings takes "42" for a number, and 42 or true for a string.
	NumberStrings bool
	// OpaqueText takes any text for a dateTime, a binary or a reference.
	OpaqueText bool
	// LooseShapes takes one element for a list, a list of one for a single
	// value, a bare string for the "value" of a complex attribute, such as
	// manager or members, and {"value":x} for x. A reference without a value but
	// with a $ref gets the last segment of that.
	LooseShapes bool
	// EmptyClears takes "" for unassigned, which a required attribute cannot be,
	// and drops elements of a list that are left with nothing but a type.
	EmptyClears bool
	// LastPrimaryWins keeps the last of several primary elements; else more than
	// one is refused.
	LastPrimaryWins bool
	// ShortNames puts an extension's attribute that stands at the top level, or
	// under its URN joined with a colon, where it belongs.
	ShortNames bool
	// Noted, if not nil, is told the name of each tolerance, such as
	// [BooleanString], that made a difference, as often as it did.
	Noted func(tolerance string)
}

// The names of the tolerances that Leniency.Noted is given.
const (
	UnknownIgnored = "unknown-attribute-ignored"
	BooleanString  = "boolean-string"
	NumberString   = "number-string"
	OpaqueText     = "opaque-text"
	LooseShape     = "loose-shape"
	EmptyCleared   = "empty-string-cleared"
	PrimaryReset   = "last-primary-kept"
	ShortName      = "short-name"
)

func (l Leniency) note(tolerance string) {
	if l.Noted != nil {
		l.Noted(tolerance)
	}
}
