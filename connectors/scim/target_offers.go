package scim

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"rollcall/connectors"
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
	// Bulk says that POST /Bulk is offered, with the limits of one request; 0: it
	// names none.
	Bulk               bool
	BulkMaxOperations  int
	BulkMaxPayloadSize int // bytes
	// NoBulk says why bulk is not used although it is offered: how the service broke
	// it. Empty: it is used.
	NoBulk string
	// References says whether an operation may refer to what another of the same
	// bulk request makes (RFC 7644 §3.7.2): as seen, or not known yet.
	References Answer
	// Groups says whether the service keeps groups, as seen.
	Groups Answer
	// MaxPage is the most accounts that a page of a listing had when more was asked
	// for and more was there; 0: as many as were asked for.
	MaxPage int
	// Learned is when the service was asked.
	Learned time.Time
}

// Answer is what was seen of something that no document tells.
type Answer string

const (
	Unseen Answer = "" // nobody tried
	Yes    Answer = "yes"
	No     Answer = "no"
)

const opDiscover = "read ServiceProviderConfig"

// Discover asks the service what it offers, once a week: in between, calls return
// what is known. Callers need not call it, since whatever depends on the answer asks by
// itself; concurrent first calls may each send the request.
//
// 404, 405 and 501 mean that the service documents nothing. Any other answer that
// is not a ServiceProviderConfig is an error, and is asked for again: whoever
// mistook a maintenance page for a service that cannot PATCH would go on with PUT.
func (t *Target) Discover(ctx context.Context) (Offers, error) {
	known := t.offers.Load()
	if known != nil && fresh(known.Learned) {
		return *known, nil
	}
	o, err := t.ask(ctx)
	switch {
	case err != nil && known != nil:
		return *known, nil // what was true last week is better than nothing; asked again next time
	case err != nil:
		return Offers{}, err
	}
	o.Learned = time.Now().UTC()
	if known != nil {
		// What was seen stays true until it is seen to be otherwise; how the service
		// broke bulk may be over.
		o.Groups, o.References, o.MaxPage = known.Groups, known.References, known.MaxPage
	}
	t.offers.CompareAndSwap(known, &o)
	return *t.offers.Load(), nil
}

func fresh(learned time.Time) bool {
	age := time.Since(learned)
	return age < connectors.KnownFor && age > -connectors.KnownFor
}

// ask reads the ServiceProviderConfig.
func (t *Target) ask(ctx context.Context) (Offers, error) {
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
	return o, nil
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

var _ connectors.Learner = (*Target)(nil)

// Known implements connectors.Learner.
func (t *Target) Known() connectors.Knowledge {
	o := t.offers.Load()
	if o == nil || o.Learned.IsZero() {
		return connectors.Knowledge{}
	}
	memory, err := json.Marshal(o)
	if err != nil {
		panic("scim: offers that cannot be encoded: " + err.Error())
	}
	return connectors.Knowledge{Service: t.client.Base.String(), Learned: o.Learned, Facts: o.facts(), Memory: memory}
}

// Recall implements connectors.Learner.
func (t *Target) Recall(k connectors.Knowledge) {
	var o Offers
	if k.Service != t.client.Base.String() || json.Unmarshal(k.Memory, &o) != nil || !fresh(o.Learned) {
		return
	}
	t.offers.CompareAndSwap(nil, &o)
}

// facts are the offers for an operator's eyes.
func (o Offers) facts() []connectors.Fact {
	said, seen := "ServiceProviderConfig", "seen"
	if !o.Documented {
		said = "assumed: there is no ServiceProviderConfig"
	}
	yes := map[bool]string{true: "yes", false: "no"}
	paging := "startIndex"
	if o.Cursors {
		paging = "cursor"
	}
	facts := []connectors.Fact{
		{Name: "update", Value: map[bool]string{true: "PATCH", false: "PUT of the whole account, after a read"}[o.Patch], How: said},
		{Name: "filter", Value: yes[o.Filter], How: said},
		{Name: "paging", Value: paging, How: said},
		{Name: "etag", Value: yes[o.ETag], How: said},
	}
	switch {
	case o.NoBulk != "":
		facts = append(facts, connectors.Fact{Name: "bulk", Value: "offered and not used: " + o.NoBulk, How: seen})
	case o.Bulk:
		operations, payload := o.bulkLimits()
		facts = append(facts, connectors.Fact{Name: "bulk", Value: fmt.Sprintf("up to %d writes and %d bytes in one request", operations, payload), How: said})
	default:
		facts = append(facts, connectors.Fact{Name: "bulk", Value: "no", How: said})
	}
	if o.MaxPage > 0 {
		facts = append(facts, connectors.Fact{Name: "max_page", Value: strconv.Itoa(o.MaxPage), How: seen})
	}
	if o.Groups != Unseen {
		facts = append(facts, connectors.Fact{Name: "groups", Value: string(o.Groups), How: seen})
	}
	return facts
}
