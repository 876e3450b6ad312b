package javelo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"rollcall/connectors"
	"rollcall/connectors/scim"
	"rollcall/connectors/wire"
)

var _ connectors.Learner = (*Target)(nil)

// seen is what this tenant was seen to do where Javelo's documents leave it open. Texts
// are empty while nobody tried.
type seen struct {
	Learned time.Time `json:"learned"`
	// Form is the filter form that found somebody.
	Form filterForm `json:"form,omitempty"`
	// Paging names the spellings of the paging parameter that were understood.
	Paging  string `json:"paging,omitempty"`
	MaxPage int    `json:"max_page,omitempty"` // as in scim.Offers
	Patch   string `json:"patch,omitempty"`
	Groups  string `json:"groups,omitempty"`
	// Duplicate is the status for a login that exists, RetryAfter whether a 429 says
	// how long to wait, Config what ServiceProviderConfig is answered with.
	Duplicate  int    `json:"duplicate,omitempty"`
	RetryAfter string `json:"retry_after,omitempty"`
	Config     string `json:"config,omitempty"`
}

// Known implements connectors.Learner.
func (t *Target) Known() connectors.Knowledge {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen.Learned.IsZero() {
		return connectors.Knowledge{}
	}
	memory, err := json.Marshal(t.seen)
	if err != nil {
		panic("javelo: what was seen cannot be encoded: " + err.Error())
	}
	return connectors.Knowledge{Service: t.client.Base.String(), Learned: t.seen.Learned, Facts: t.seen.facts(), Memory: memory}
}

// Recall implements connectors.Learner.
func (t *Target) Recall(k connectors.Knowledge) {
	var s seen
	if k.Service != t.client.Base.String() || json.Unmarshal(k.Memory, &s) != nil || !relied(s.Learned) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen.Learned.IsZero() {
		t.seen = s
	}
}

func relied(learned time.Time) bool {
	age := time.Since(learned)
	return age < connectors.KnownFor && age > -connectors.KnownFor
}

func (s seen) facts() []connectors.Fact {
	var out []connectors.Fact
	add := func(name, value string) {
		if value != "" {
			out = append(out, connectors.Fact{Name: name, Value: value, How: "seen"})
		}
	}
	add("filter", map[filterForm]string{formQuoted: `quoted: userName eq "x"`, formUnquoted: "unquoted: userName eq x"}[s.Form])
	add("paging", s.Paging)
	if s.MaxPage > 0 {
		add("max_page", strconv.Itoa(s.MaxPage))
	}
	add("update", s.Patch)
	add("groups", s.Groups)
	if s.Duplicate > 0 {
		add("duplicate", "a login that exists is answered "+wire.StatusLine(s.Duplicate))
	}
	add("retry_after", s.RetryAfter)
	add("service_provider_config", s.Config)
	return out
}

// learn notes what was seen. change reports whether that is anything new.
func (t *Target) learn(change func(*seen)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.seen
	change(&t.seen)
	if t.seen != before && before.Learned.IsZero() {
		t.seen.Learned = time.Now().UTC()
	}
}

// form returns the filter form that is known to work. After a week it is found out
// anew.
func (t *Target) form() filterForm {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !relied(t.seen.Learned) {
		return formUnknown
	}
	return t.seen.Form
}

// learnForm notes which form found somebody, and when; formUnknown forgets it.
func (t *Target) learnForm(f filterForm) {
	t.learn(func(s *seen) {
		s.Form = f
		if f != formUnknown && !relied(s.Learned) {
			s.Learned = time.Now().UTC()
		}
	})
}

// learnWrite notes what the answer to a write shows of the service.
func (t *Target) learnWrite(r wire.Request, status int, err error) {
	e, failed := errors.AsType[*connectors.Error](err)
	t.learn(func(s *seen) {
		switch {
		case failed && e.Class == connectors.Taken && r.Method == http.MethodPost:
			s.Duplicate = e.Status
		case failed && e.Class == connectors.Throttled:
			s.RetryAfter = "a 429 says how long to wait"
			if e.RetryAt.IsZero() {
				s.RetryAfter = "a 429 does not say how long to wait"
			}
		case failed || r.Method != http.MethodPatch:
		case status == http.StatusNoContent:
			s.Patch = "PATCH, answered without the account"
		default:
			s.Patch = "PATCH, answered with the account"
		}
	})
}

// learnPage notes how large a page can be, when it could have been larger.
func (t *Target) learnPage(got, asked int, last bool) {
	if !last && got > 0 && got < asked {
		t.learn(func(s *seen) { s.MaxPage = got })
	}
}

// probe finds out, for whoever checks the target, what deliveries do not depend on:
// which spelling of the paging parameter is understood, and whether there is a
// ServiceProviderConfig. It reads at most three times and writes nothing.
func (t *Target) probe(ctx context.Context, first string, total int) error {
	if total > 1 {
		var understood []string
		for _, name := range []string{"start_index", "startIndex"} {
			list, err := t.query(ctx, "check paging", url.Values{name: {"2"}, "count": {"1"}}.Encode())
			if err != nil {
				return err
			}
			if len(list.Resources) > 0 {
				if a, err := t.accounts.Account(list.Resources[0]); err == nil && a.RemoteID != first {
					understood = append(understood, name)
				}
			}
		}
		said := "neither start_index nor startIndex is understood: nothing is concluded from a listing of more than one page"
		switch len(understood) {
		case 1:
			said = understood[0]
		case 2:
			said = "start_index and startIndex"
		}
		t.learn(func(s *seen) { s.Paging = said })
	}
	var doc scim.Resource
	_, err := t.client.JSON(ctx, wire.Request{Op: "read ServiceProviderConfig", Method: http.MethodGet, Path: "ServiceProviderConfig", OK: []int{http.StatusOK}}, &doc)
	e, failed := errors.AsType[*connectors.Error](err)
	said := "there is one, and nothing depends on it"
	switch {
	case failed && (e.Class == connectors.Throttled || e.Class == connectors.Denied || ctx.Err() != nil):
		return refine(err)
	case failed && e.Status >= 400:
		said = fmt.Sprintf("answered %s; nothing depends on it", wire.StatusLine(e.Status))
	case failed:
		said = "the answer is not one; nothing depends on it"
	}
	t.learn(func(s *seen) { s.Config = said })
	return nil
}
