package admin

import "rollcall/appliance/readiness"

// The readiness report, for clients that speak of nothing but this API.
type (
	// Readiness is the report of GET /v1/readiness.
	Readiness = readiness.Report
	// ReadinessRow is one finding of it.
	ReadinessRow = readiness.Row
	// ReadinessKind is what kind of finding that is.
	ReadinessKind = readiness.Kind
)
