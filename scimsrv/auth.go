package scimsrv

import (
	"net/http"
	"net/url"
	"strings"

	"rollcall/scimsrv/quirk"
	"rollcall/scimsrv/schema"
)

// maxToken is the length of the longest Authorization header that is looked at.
const maxToken = 4096

// identify finds out who is calling (RFC 6750 §2.1). Unknown, expired and
// revoked tokens, no token and a token in an unaccepted form all get the same
// answer.
func (s *Service) identify(r *http.Request, c *call) error {
	for _, name := range []string{"access_token", "token"} {
		if c.query.Has(name) {
			// RFC 6750 §2.3: it would end in logs and histories of proxies.
			return refuse(http.StatusBadRequest, schema.InvalidValue,
				"a token must not be part of the URL; send it as Authorization: Bearer, and replace it, for it has been seen")
		}
	}
	token, raw, ok := tokenOf(r.Header)
	if !ok {
		return unauthorized()
	}
	caller, ok := s.auth.Authenticate(r.Context(), token)
	if !ok {
		return unauthorized()
	}
	profile, ok := s.profiles[caller.Dialect]
	if !ok {
		profile = s.profiles[quirk.RFC]
	}
	if raw && !profile.RawToken {
		return unauthorized()
	}
	c.caller, c.profile = caller, profile
	if raw {
		c.applied.Note("raw-token")
	}
	return nil
}

// tokenOf returns the bearer token, or the whole header as a raw one.
func tokenOf(h http.Header) (token string, raw, ok bool) {
	values := h.Values("Authorization")
	if len(values) != 1 || len(values[0]) > maxToken {
		return "", false, false
	}
	token = strings.TrimSpace(values[0])
	if scheme, rest, found := strings.Cut(token, " "); found && strings.EqualFold(scheme, "Bearer") {
		token = strings.TrimSpace(rest)
		return token, false, token != ""
	}
	if strings.EqualFold(token, "Bearer") {
		return "", false, false
	}
	return token, true, token != ""
}

func unauthorized() *refusal {
	return refuse(http.StatusUnauthorized, "",
		"the token is missing, unknown or no longer valid; send one of this source's tokens as Authorization: Bearer").
		with("WWW-Authenticate", `Bearer realm="scim"`)
}

// within spends one request of the token's budget.
func (s *Service) within(c *call) error {
	wait, ok := s.budgets.spend(c.caller.TokenID, s.now())
	if ok {
		return nil
	}
	return refuse(http.StatusTooManyRequests, "", "too many requests with this token; wait as long as Retry-After says").retryAfter(wait)
}

// parseQuery decodes the query as a form, which takes + for a space as Entra
// sends it. Bad escapes are refused rather than skipped: half a filter would
// select something else.
func parseQuery(raw string) (url.Values, error) {
	q, err := url.ParseQuery(raw)
	if err != nil {
		return url.Values{}, refuse(http.StatusBadRequest, schema.InvalidValue, "the query string is not percent-encoded properly")
	}
	return q, nil
}
