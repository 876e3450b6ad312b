package lucca

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/connectors"
	"rollcall/connectors/wire"
)

// largestPage is the maximum of the new API, and what is asked for.
const largestPage = 100

// latest reads the Lucca API of 2024-11-01.
type latest struct {
	client   *wire.Client
	tokens   *tokens
	skip     string
	codes    []string // extension codes to read: the skip field and custom ones
	pageSize int
	now      func() time.Time
}

func newLatest(cfg Config, client *wire.Client) (connectors.Source, error) {
	if cfg.TokenURL == "" {
		cfg.TokenURL = DefaultTokenURL
	}
	tokenURL, err := url.Parse(cfg.TokenURL)
	if err != nil {
		return nil, misconfigured("token_url is not an address", "")
	}
	if err := secure("token_url", tokenURL); err != nil {
		return nil, err
	}
	id, secret := strings.TrimSpace(cfg.ClientID), strings.TrimSpace(cfg.ClientSecret)
	switch {
	case id == "" || secret == "":
		return nil, misconfigured("client_id or client_secret is empty", "Make an integration key in Lucca, under identity/admin/integration-keys")
	case cfg.PageSize < 0 || cfg.PageSize > largestPage:
		return nil, misconfigured(fmt.Sprintf("page size %d is not between 1 and %d", cfg.PageSize, largestPage), "")
	}
	a := &latest{
		client: client, skip: cfg.SkipField, pageSize: cfg.PageSize, now: cfg.Now,
		tokens: &tokens{
			id: id, secret: secret, now: cfg.Now,
			client: &wire.Client{Name: "lucca", Base: tokenURL, HTTP: cfg.HTTP, Now: cfg.Now, MaxBody: 1 << 20},
		},
	}
	if a.pageSize == 0 {
		a.pageSize = largestPage
	}
	if a.skip != "" {
		a.codes = append(a.codes, a.skip)
	}
	for _, f := range cfg.CustomFields {
		for part := range strings.SplitSeq(f, ".") {
			if extensionCode.MatchString(part) && !slices.Contains(a.codes, part) {
				a.codes = append(a.codes, part)
			}
		}
	}
	client.Header = http.Header{"Api-Version": {Latest}}
	client.Describe = invalidFields
	client.Authorize = func(ctx context.Context, r *http.Request) error {
		bearer, err := a.tokens.bearer(ctx)
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+bearer)
		return nil
	}
	return a, nil
}

var problemField = regexp.MustCompile(`^[A-Za-z][A-Za-z.\-]{0,40}$`)

// invalidFields names the fields that a validation problem complains about.
// Sentences of the service are not shown: they may quote people.
func invalidFields(_ int, body []byte) string {
	var problem struct {
		Errors map[string]json.RawMessage `json:"errors"`
	}
	if json.Unmarshal(body, &problem) != nil {
		return ""
	}
	var fields []string
	for name := range problem.Errors {
		if problemField.MatchString(name) {
			fields = append(fields, name)
		}
	}
	slices.Sort(fields)
	if len(fields) == 0 {
		return ""
	}
	return "Lucca complains about " + strings.Join(fields, ", ")
}

// Read implements [connectors.Source]. Its cursor is the query of the next page,
// with a token that Lucca made. The first page is read before anything it refers
// to, so that refused credentials cost one request.
func (a *latest) Read(ctx context.Context, from connectors.Cursor) iter.Seq2[connectors.Page, error] {
	return func(yield func(connectors.Page, error) bool) {
		w := a.walkFrom(from)
		yielded := map[string]bool{}
		told := announcements{}
		var dir *directory
		again := false
		for {
			list, err := w.next(ctx)
			var moved *driftError
			if errors.As(err, &moved) && !again {
				again = true
				w = a.walk()
				continue
			}
			if moved != nil {
				err = moved.asError()
			}
			if err == nil && dir == nil {
				dir, err = a.directory(ctx, scopeOfJoin{keepEmployments: !list.embeds("employment")})
			}
			page := connectors.Page{Last: w.ended, Total: max(w.total, 0), Notices: told.in(w.header)}
			if err == nil {
				page.People, err = w.people(ctx, list, dir, yielded)
			}
			page.Next = w.cursor() // only now does it know whether somebody's status was told
			if err == nil && w.ended {
				page.Notices = append(page.Notices, dir.notices(again)...)
				err = w.verdict()
			}
			if err != nil {
				yield(connectors.Page{}, err)
				return
			}
			if !yield(page, nil) || w.ended {
				return
			}
		}
	}
}

// collection is the body of every list of the new API.
type collection struct {
	Type       string
	Items      *[]object
	TotalCount *json.Number
	Links      *struct {
		Next *struct{ Href string }
	}
	Embedded any // an object of objects by id; whatever else is taken for none
}

// embedded returns what was embedded under a kind and an id. The kind is spelt
// "employment" and "job-position" in the documentation.
func (c collection) embedded(kind, id string) (object, bool) {
	kinds, _ := c.Embedded.(map[string]any)
	v, _ := object(kinds).get(kind)
	byID, _ := v.(map[string]any)
	found, ok := byID[id].(map[string]any)
	return found, ok
}

func (c collection) embeds(kind string) bool {
	kinds, _ := c.Embedded.(map[string]any)
	v, _ := object(kinds).get(kind)
	byID, _ := v.(map[string]any)
	return len(byID) > 0
}

// list asks for one page of a resource. A token that was taken before and is
// refused now is replaced once.
func (a *latest) list(ctx context.Context, op, resource, query string) (collection, http.Header, error) {
	request := wire.Request{Op: op, Method: http.MethodGet, Path: "lucca-api/" + resource, RawQuery: query}
	var c collection
	resp, err := a.client.JSON(ctx, request, &c)
	if statusOf(err) == http.StatusUnauthorized && a.tokens.Renewable() {
		c = collection{}
		resp, err = a.client.JSON(ctx, request, &c)
	}
	if err != nil {
		return c, nil, adviseLatest(err, resource)
	}
	a.tokens.Accept()
	if c.Items == nil || c.Type != "" && c.Type != resource {
		return c, nil, a.undocumented(op, "there is no list of "+resource+" in it")
	}
	return c, resp.Header, nil
}

// next returns the query of the page after c, "" at the end.
func (a *latest) next(c collection, op, resource string) (query string, err error) {
	switch {
	case c.Links == nil:
		return "", a.undocumented(op, "it does not say whether more follows")
	case c.Links.Next == nil || c.Links.Next.Href == "":
		return "", nil
	}
	want := a.client.Base.JoinPath("lucca-api", resource)
	to, err := a.client.Base.Parse(c.Links.Next.Href)
	if err != nil || !strings.EqualFold(to.Host, want.Host) || to.Scheme != want.Scheme || strings.Trim(to.Path, "/") != strings.Trim(want.Path, "/") {
		return "", a.undocumented(op, "the next page is said to be somewhere else")
	}
	return to.RawQuery, nil
}

// each visits every item of a resource.
func (a *latest) each(ctx context.Context, resource string, q url.Values, visit func(o object)) error {
	op := "read " + resource
	q.Set("include", "links")
	q.Set("limit", strconv.Itoa(largestPage))
	asked := map[string]bool{}
	for query := q.Encode(); query != ""; {
		if asked[query] || len(asked) > mostPages {
			return a.undocumented(op, "a page leads back to one before it")
		}
		asked[query] = true
		c, _, err := a.list(ctx, op, resource, query)
		if err != nil {
			return err
		}
		for _, o := range *c.Items {
			if o == nil {
				return a.undocumented(op, "an item is null")
			}
			visit(o)
		}
		if query, err = a.next(c, op, resource); err != nil {
			return err
		}
	}
	return nil
}

func (a *latest) undocumented(op, detail string) error {
	return &connectors.Error{Class: connectors.Transient, Op: a.client.Name + ": " + op, Detail: "the answer is not the documented JSON: " + detail}
}

func statusOf(err error) int {
	var e *connectors.Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// adviseLatest tells the operator what to do about an error of the new API.
func adviseLatest(err error, resource string) error {
	var e *connectors.Error
	if !errors.As(err, &e) || e.Next != "" {
		return err
	}
	advised := *e
	switch {
	case e.Status == http.StatusUnauthorized:
		advised.Next = "Check client_id and client_secret, and in Lucca that the integration key was not revoked"
	case e.Class == connectors.Denied:
		advised.Next = "Grant the integration key the scope " + resource + ".readonly"
	case e.Class == connectors.Gone && resource == "employees":
		advised.Class = connectors.Misconfigured
		advised.Next = "Check account or base_url: there is no Lucca API of version " + Latest
	default:
		return err
	}
	return &advised
}
