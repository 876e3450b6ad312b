package scim

import (
	"context"
	"net/http"
	"strconv"

	"rollcall/connectors/wire"
)

// Offers is what a service says it can do, in its ServiceProviderConfig (RFC
// 7643 §5; cursors: RFC 9865 §4).
type Offers struct {
	// Documented is false when the service has no ServiceProviderConfig. PATCH
	// and Filter are then assumed, and given up when the service refuses them.
	Documented bool
	Patch      bool
	Filter     bool
	ETag       bool
	// Cursors says that listings may be walked by cursor.
	Cursors bool
	// Bulk says that POST /Bulk is offered, with the limits of one request.
	// People are delivered one by one, so it is reported and not used here.
	Bulk               bool
	BulkMaxOperations  int
	BulkMaxPayloadSize int // bytes
}

const opDiscover = "read ServiceProviderConfig"

// Discover asks the service what it offers, once: later calls return what is
// known. Callers need not call it, since whatever depends on the answer asks by
// itself; concurrent first calls may each send the request.
//
// 404, 405 and 501 mean that the service documents nothing. Any other answer that
// is not a ServiceProviderConfig is an error, and is asked for again: whoever
// mistook a maintenance page for a service that cannot PATCH would go on with PUT.
func (t *Target) Discover(ctx context.Context) (Offers, error) {
	if known := t.offers.Load(); known != nil {
		return *known, nil
	}
	var doc Resource
	_, err := t.client.JSON(ctx, wire.Request{Op: opDiscover, Method: http.MethodGet, Path: "ServiceProviderConfig", OK: []int{http.StatusOK}}, &doc)
	var o Offers
	switch statusOf(err) {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		o = Offers{Patch: true, Filter: true}
	default:
		if err != nil {
			return Offers{}, refineTarget(err)
		}
		var ok bool
		if o, ok = offersOf(doc); !ok {
			return Offers{}, unusableTarget(opDiscover, "the answer has neither patch nor filter, and is something else")
		}
	}
	t.offers.CompareAndSwap(nil, &o)
	return *t.offers.Load(), nil
}

// offersOf reads a ServiceProviderConfig. A member that is missing is not
// offered, except that one of patch and filter must be there.
func offersOf(doc Resource) (Offers, bool) {
	patch, okPatch := supported(doc, "patch")
	filter, okFilter := supported(doc, "filter")
	if !okPatch && !okFilter {
		return Offers{}, false
	}
	o := Offers{Documented: true, Patch: patch, Filter: filter}
	o.ETag, _ = supported(doc, "etag")
	o.Bulk, _ = supported(doc, "bulk")
	if o.Bulk {
		bulk, _ := member(doc, "bulk")
		o.BulkMaxOperations = countIn(bulk, "maxOperations")
		o.BulkMaxPayloadSize = countIn(bulk, "maxPayloadSize")
	}
	if p, _ := member(doc, "pagination"); p != nil {
		pagination, _ := p.(map[string]any)
		cursor, _ := member(pagination, "cursor")
		o.Cursors = isTrue(cursor)
	}
	return o, true
}

// supported reads {"NAME": {"supported": …}}, and whether the member is there.
func supported(doc Resource, name string) (offered, said bool) {
	v, _ := member(doc, name)
	o, ok := v.(map[string]any)
	if !ok {
		return false, false
	}
	s, _ := member(o, "supported")
	return isTrue(s), true
}

func countIn(v any, name string) int {
	o, _ := v.(map[string]any)
	n, _ := member(o, name)
	s, _ := text(n)
	i, err := strconv.Atoi(s)
	if err != nil || i < 0 {
		return 0
	}
	return i
}

// learn replaces what is known of the service, because it just behaved otherwise.
func (t *Target) learn(change func(*Offers)) {
	for {
		known := t.offers.Load()
		next := Offers{}
		if known != nil {
			next = *known
		}
		change(&next)
		if t.offers.CompareAndSwap(known, &next) {
			return
		}
	}
}
