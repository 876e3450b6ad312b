package connectortest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/javelo"
	"rollcall/connectors/javelo/javelosim"
)

const targetKey = "canary-target-key-31"

// goodTarget is the suite for a target that keeps its promises, with a way to
// spoil it: the transport it sends through, and the target itself.
func goodTarget(transport func(http.RoundTripper) http.RoundTripper, spoil func(connectors.Target) connectors.Target) TargetSuite {
	return TargetSuite{
		Attributes: []model.Name{model.GivenName, model.FamilyName, model.Title, model.Department, model.EmployeeNumber},
		UnknownID:  "00000000-0000-4000-8000-000000000000",
		Start:      []string{"start_index", "startIndex"},
		Open: func(testing.TB) TargetService {
			return TargetService{
				Handler: javelosim.New(javelosim.Options{Token: targetKey, Limit: -1}),
				Secrets: []string{targetKey},
				New: func(base *url.URL, client *http.Client) (connectors.Target, error) {
					if transport != nil {
						client = &http.Client{Transport: transport(client.Transport)}
					}
					target, err := javelo.New(javelo.Config{BaseURL: base.JoinPath(javelosim.Prefix), Token: targetKey, HTTP: client, PageSize: 2})
					if err != nil || spoil == nil {
						return target, err
					}
					return spoil(target), nil
				},
			}
		},
	}
}

func TestGoodTargetPasses(t *testing.T) { RunTarget(t, goodTarget(nil, nil)) }

// flawed overrides methods of a good target.
type flawed struct {
	connectors.Target
	list   func(connectors.Target, context.Context) iter.Seq2[connectors.AccountPage, error]
	find   func(connectors.Target, context.Context, string) (model.Account, bool, error)
	create func(connectors.Target, context.Context, model.Desired) (model.Account, error)
	update func(connectors.Target, context.Context, string, *model.Desired, model.Desired) (model.Account, error)
}

func (f flawed) List(ctx context.Context) iter.Seq2[connectors.AccountPage, error] {
	if f.list != nil {
		return f.list(f.Target, ctx)
	}
	return f.Target.List(ctx)
}

func (f flawed) Find(ctx context.Context, email string) (model.Account, bool, error) {
	if f.find != nil {
		return f.find(f.Target, ctx, email)
	}
	return f.Target.Find(ctx, email)
}

func (f flawed) Create(ctx context.Context, want model.Desired) (model.Account, error) {
	if f.create != nil {
		return f.create(f.Target, ctx, want)
	}
	return f.Target.Create(ctx, want)
}

func (f flawed) Update(ctx context.Context, id string, have *model.Desired, want model.Desired) (model.Account, error) {
	if f.update != nil {
		return f.update(f.Target, ctx, id, have, want)
	}
	return f.Target.Update(ctx, id, have, want)
}

// rewriting is a transport that changes answers of status 200.
type rewriting struct {
	http.RoundTripper
	change func(r *http.Request, body []byte) []byte
}

func (rt rewriting) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := rt.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err == nil && resp.StatusCode == http.StatusOK {
		raw = rt.change(r, raw)
	}
	resp.Body = io.NopCloser(bytes.NewReader(raw))
	return resp, nil
}

// Every flaw is caught by the promise it breaks.
func TestFlawedTargetsAreCaught(t *testing.T) {
	type target = connectors.Target
	for _, tc := range []struct {
		flaw, promise string
		spoil         flawed
	}{
		{"Find returns the first account when there is none", "nobody else is found", flawed{find: func(to target, ctx context.Context, email string) (model.Account, bool, error) {
			a, ok, err := to.Find(ctx, email)
			if ok || err != nil {
				return a, ok, err
			}
			for page, err := range to.List(ctx) {
				if err == nil && len(page.Accounts) > 0 {
					return page.Accounts[0], true, nil
				}
			}
			return a, ok, err
		}}},
		{"Find is particular about letter case", "nobody else is found", flawed{find: func(to target, ctx context.Context, email string) (model.Account, bool, error) {
			a, ok, err := to.Find(ctx, email)
			return a, ok && a.Login == email, err
		}}},
		{"Find takes trouble for absence", "a web page is no answer", flawed{find: func(to target, ctx context.Context, email string) (model.Account, bool, error) {
			a, ok, err := to.Find(ctx, email)
			if connectors.ClassOf(err) == connectors.Transient {
				err = nil
			}
			return a, ok, err
		}}},
		{"Create makes another login when it is taken", "a login is created once", flawed{create: func(to target, ctx context.Context, want model.Desired) (model.Account, error) {
			a, err := to.Create(ctx, want)
			if connectors.ClassOf(err) == connectors.Taken {
				want.Email = "2" + want.Email
				return to.Create(ctx, want)
			}
			return a, err
		}}},
		{"Create tries again", "a lost answer makes no second account", flawed{create: func(to target, ctx context.Context, want model.Desired) (model.Account, error) {
			a, err := to.Create(ctx, want)
			if connectors.ClassOf(err) == connectors.Transient {
				return to.Create(ctx, want)
			}
			return a, err
		}}},
		{"Create forgets attributes", "a created account is found", flawed{create: func(to target, ctx context.Context, want model.Desired) (model.Account, error) {
			want.Attributes = nil
			return to.Create(ctx, want)
		}}},
		{"Create leaves the manager to a second request", "a create carries its manager", flawed{create: func(to target, ctx context.Context, want model.Desired) (model.Account, error) {
			bare := want
			bare.Manager = nil
			a, err := to.Create(ctx, bare)
			if err != nil || want.Manager == nil {
				return a, err
			}
			return to.Update(ctx, a.RemoteID, &bare, want)
		}}},
		{"a refused manager looks like any refusal", "a refused manager is told apart", flawed{create: func(to target, ctx context.Context, want model.Desired) (model.Account, error) {
			a, err := to.Create(ctx, want)
			if e, ok := errors.AsType[*connectors.Error](err); ok {
				e.Err = nil
			}
			return a, err
		}}},
		{"Update writes everything always", "no difference sends nothing", flawed{update: func(to target, ctx context.Context, id string, _ *model.Desired, want model.Desired) (model.Account, error) {
			return to.Update(ctx, id, nil, want)
		}}},
		{"Update writes all attributes when one differs", "only the difference is written", flawed{update: func(to target, ctx context.Context, id string, have *model.Desired, want model.Desired) (model.Account, error) {
			if have != nil && have.Attributes[model.Title] != want.Attributes[model.Title] {
				have = nil
			}
			return to.Update(ctx, id, have, want)
		}}},
		{"Update trusts that a nil have is empty", "an update can be repeated", flawed{update: func(to target, ctx context.Context, id string, have *model.Desired, want model.Desired) (model.Account, error) {
			if have == nil {
				have = &want
			}
			return to.Update(ctx, id, have, want)
		}}},
		{"Update creates who is not there", "an unknown account is gone", flawed{update: func(to target, ctx context.Context, id string, have *model.Desired, want model.Desired) (model.Account, error) {
			a, err := to.Update(ctx, id, have, want)
			if connectors.ClassOf(err) == connectors.Gone {
				_, _ = to.Create(ctx, want)
			}
			return a, err
		}}},
		{"Update does not clear", "an empty text clears and a missing one does not", flawed{update: func(to target, ctx context.Context, id string, have *model.Desired, want model.Desired) (model.Account, error) {
			kept := map[model.Name]string{}
			for n, v := range want.Attributes {
				if v != "" {
					kept[n] = v
				}
			}
			want.Attributes = kept
			return to.Update(ctx, id, have, want)
		}}},
		{"Update clears what is not mentioned", "an empty text clears and a missing one does not", flawed{update: func(to target, ctx context.Context, id string, have *model.Desired, want model.Desired) (model.Account, error) {
			return to.Update(ctx, id, have, with(want, model.Department, want.Attributes[model.Department]))
		}}},
		{"Update leaves the login", "an account can be renamed", flawed{update: func(to target, ctx context.Context, id string, have *model.Desired, want model.Desired) (model.Account, error) {
			if have != nil {
				want.Email = have.Email
			}
			return to.Update(ctx, id, have, want)
		}}},
		{"Update deactivates in two requests", "a deactivated account stays", flawed{update: func(to target, ctx context.Context, id string, have *model.Desired, want model.Desired) (model.Account, error) {
			if have != nil && have.Active && !want.Active {
				half := want
				half.Active, half.Manager = true, &model.ManagerLink{}
				if a, err := to.Update(ctx, id, have, half); err != nil {
					return a, err
				}
				have = &half
			}
			return to.Update(ctx, id, have, want)
		}}},
		{"Update leaves the account disabled", "a reactivated account is the same", flawed{update: func(to target, ctx context.Context, id string, have *model.Desired, want model.Desired) (model.Account, error) {
			if have != nil && !have.Active {
				want.Active = false
			}
			return to.Update(ctx, id, have, want)
		}}},
		{"List stops after the first page", "a listing has everybody once", flawed{list: func(to target, ctx context.Context) iter.Seq2[connectors.AccountPage, error] {
			return func(yield func(connectors.AccountPage, error) bool) {
				for page, err := range to.List(ctx) {
					page.Last = true
					yield(page, err)
					return
				}
			}
		}}},
		{"List never says that it is the last page", "an empty service lists nobody", flawed{list: func(to target, ctx context.Context) iter.Seq2[connectors.AccountPage, error] {
			return func(yield func(connectors.AccountPage, error) bool) {
				for page, err := range to.List(ctx) {
					page.Last = false
					if !yield(page, err) {
						return
					}
				}
			}
		}}},
		{"List reads ahead", "the consumer may stop a listing early", flawed{list: func(to target, ctx context.Context) iter.Seq2[connectors.AccountPage, error] {
			return func(yield func(connectors.AccountPage, error) bool) {
				var pages []connectors.AccountPage
				for page, err := range to.List(ctx) {
					if err != nil {
						yield(page, err)
						return
					}
					pages = append(pages, page)
				}
				for _, page := range pages {
					if !yield(page, nil) {
						return
					}
				}
			}
		}}},
		{"List ends quietly on trouble", "server errors of a target are transient", flawed{list: func(to target, ctx context.Context) iter.Seq2[connectors.AccountPage, error] {
			return func(yield func(connectors.AccountPage, error) bool) {
				for page, err := range to.List(ctx) {
					if err != nil || !yield(page, nil) {
						return
					}
				}
			}
		}}},
		{"refusals are tried again", "refused credentials are told once", flawed{find: func(to target, ctx context.Context, email string) (model.Account, bool, error) {
			a, ok, err := to.Find(ctx, email)
			if connectors.ClassOf(err) == connectors.Denied {
				return to.Find(ctx, email)
			}
			return a, ok, err
		}}},
		{"throttling is waited out of sight", "throttled answers of a target say when", flawed{update: func(to target, ctx context.Context, id string, have *model.Desired, want model.Desired) (model.Account, error) {
			a, err := to.Update(ctx, id, have, want)
			if e, ok := errors.AsType[*connectors.Error](err); ok {
				e.RetryAt = e.RetryAt.AddDate(1, 0, 0)
			}
			return a, err
		}}},
		{"cancellation is hidden", "cancelled calls return promptly", flawed{create: func(to target, ctx context.Context, want model.Desired) (model.Account, error) {
			a, err := to.Create(ctx, want)
			if errors.Is(err, context.Canceled) {
				err = errors.New("javelo: create account: stopped")
			}
			return a, err
		}}},
		{"errors name the person", "errors of a target hold no secret and nobody's data", flawed{create: func(to target, ctx context.Context, want model.Desired) (model.Account, error) {
			a, err := to.Create(ctx, want)
			if e, ok := errors.AsType[*connectors.Error](err); ok {
				e.Op += " " + want.Email
			}
			return a, err
		}}},
		{"errors show the key", "errors of a target hold no secret and nobody's data", flawed{find: func(to target, ctx context.Context, email string) (model.Account, bool, error) {
			a, ok, err := to.Find(ctx, email)
			if e, as := errors.AsType[*connectors.Error](err); as {
				e.Next = "Replace " + targetKey
			}
			return a, ok, err
		}}},
	} {
		caught(t, tc.flaw, tc.promise, goodTarget(nil, func(to target) target {
			tc.spoil.Target = to
			return tc.spoil
		}))
	}
}

// Flaws on the wire: what a connector gives in to that believes all it is told.
func TestTargetsMisledByTheWireAreCaught(t *testing.T) {
	for _, tc := range []struct {
		flaw, promise string
		change        func(r *http.Request, body []byte) []byte
	}{
		{"a body that is no user counts as one", "undocumented JSON is no answer", func(r *http.Request, body []byte) []byte {
			if r.Method == http.MethodPatch && !bytes.Contains(body, []byte("userName")) {
				return []byte(`{"id":"` + strings.TrimPrefix(r.URL.Path, "/scim/v2/Users/") + `"}`)
			}
			return body
		}},
		{"a listing is as long as what came", "ignored paging ends the listing in an error", func(r *http.Request, body []byte) []byte {
			return bytes.Replace(body, []byte(`"totalResults":7`), []byte(`"totalResults":2`), 1)
		}},
		{"an update is answered from the request", "an account can be renamed", func(r *http.Request, body []byte) []byte {
			return bytes.ReplaceAll(body, []byte("renamed."), nil)
		}},
	} {
		caught(t, tc.flaw, tc.promise, goodTarget(func(rt http.RoundTripper) http.RoundTripper { return rewriting{rt, tc.change} }, nil))
	}
}

// caught fails unless the named promise finds the flaw.
func caught(t *testing.T, flaw, promise string, s TargetSuite) {
	t.Helper()
	i := slices.IndexFunc(targetPromises, func(p targetPromise) bool { return p.name == promise })
	if i < 0 {
		t.Fatalf("no promise is called %q", promise)
	}
	t.Run(flaw, func(t *testing.T) {
		if err := targetPromises[i].check(t, s); err == nil {
			t.Errorf("the promise %q holds although %s", promise, flaw)
		}
	})
}
