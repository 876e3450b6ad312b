// Package lucca reads people from Lucca, over the legacy API v3 or over the
// Lucca API of 2024-11-01. Both generations yield the same attributes for the
// same person, so that changing over changes nobody.
//
// What it does not do: it writes nothing, keeps nothing between two reads, uses
// no webhooks, and decides nothing about people: contract dates become a status
// elsewhere, in the customer's time zone.
//
// Invariants:
//   - a read is complete only when every page agreed with the one before it and
//     the number of people with the count that Lucca told. One disagreement
//     begins the read again, inside the same Read; a second one is an error;
//   - what the key may not see is absent, never null. Lucca leaves such
//     attributes out without a word, so a read in which nobody's contract or
//     status is visible is refused as [connectors.Denied];
//   - a skip field that says something unknown holds the person: it is never
//     taken for "not skipped".
//
// The document of a person from v3 is the user as received, without picture,
// url and modifiedAt. From the new API it is the employee as received, without
// portrait, url, links and lastUpdatedAt, with what it refers to put in place:
// applicableEmployment and applicableJobPosition in full, their legal entity,
// department and establishment with names, personalRecord (legalGender and
// birthDate only), and attributes (the extension values asked for, by code).
package lucca

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"rollcall/connectors"
	"rollcall/connectors/wire"
)

// The generations of Lucca's API, as the configuration spells them.
const (
	V3     = "v3"
	Latest = "2024-11-01"
)

const (
	// DefaultSkipField is the checkbox that leaves a person out, unless the
	// configuration names another.
	DefaultSkipField = "e_skip_elevo_sync"
	// DefaultTokenURL hands out the tokens of the new API, for all regions.
	DefaultTokenURL = "https://accounts.world.luccasoftware.com/connect/token"
)

// Lucca allows 50 requests per minute for a whole tenant, all integrations of
// the customer together; a fifth is left to the others.
const requestsPerMinute = 40

// Config says which tenant to read and how.
type Config struct {
	// BaseURL is the tenant's address, any https one, or http on loopback.
	// Account is the name in front of ".ilucca.net", or an address pasted whole,
	// which must then be one of Lucca's. Exactly one of the two is set.
	BaseURL *url.URL
	Account string
	// API is V3 (also when empty) or Latest.
	API string

	APIKey       string // v3
	ClientID     string // 2024-11-01
	ClientSecret string
	TokenURL     string // empty: DefaultTokenURL

	// SkipField is the code of the checkbox that leaves a person out; empty:
	// DefaultSkipField. NoSkipField says that there is none.
	SkipField   string
	NoSkipField bool
	// CustomFields are further fields that configured expressions use: codes of
	// extension fields ("e_team") and, in v3, names of user fields ("csp",
	// "department.code"). They end up in the document.
	CustomFields []string

	// PageSize is how many people to ask for at once; 0: 300 in v3, which fits
	// within Lucca's 5 s for the fields used here, and 100 in the new API, its
	// maximum. v3 halves it by itself when Lucca runs out of time.
	PageSize int

	HTTP *http.Client     // nil: a client of its own
	Now  func() time.Time // nil: time.Now
}

var (
	fieldName     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$`)
	extensionCode = regexp.MustCompile(`^e_[A-Za-z0-9_]+$`)
)

// New returns the source that cfg describes; it is a [connectors.Checker] too.
// It checks cfg and sends nothing. Every error is of class Misconfigured.
func New(cfg Config) (connectors.Source, error) {
	base, err := address(cfg.BaseURL, cfg.Account)
	if err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	switch {
	case cfg.NoSkipField:
		cfg.SkipField = ""
	case cfg.SkipField == "":
		cfg.SkipField = DefaultSkipField
	}
	if !cfg.NoSkipField && !extensionCode.MatchString(cfg.SkipField) {
		return nil, misconfigured("skip_field is not the code of an extension field", `Codes begin with "e_", for example `+DefaultSkipField)
	}
	for _, f := range cfg.CustomFields {
		if !fieldName.MatchString(f) {
			return nil, misconfigured(fmt.Sprintf("%q is not the name of a field", f), "")
		}
	}
	client := &wire.Client{
		Name: "lucca", Base: base, HTTP: cfg.HTTP, Now: cfg.Now,
		Limiter: wire.NewLimiter(requestsPerMinute, time.Minute),
	}
	switch cfg.API {
	case "", V3:
		return newLegacy(cfg, client)
	case Latest:
		return newLatest(cfg, client)
	}
	return nil, misconfigured(fmt.Sprintf("api %q is not known", cfg.API), fmt.Sprintf("Use %q or %q", V3, Latest))
}

func misconfigured(detail, next string) error {
	return &connectors.Error{Class: connectors.Misconfigured, Op: "lucca: configure", Detail: detail, Next: next}
}
