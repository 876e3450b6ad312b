package connectortest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/cast"
	"rollcall/connectors/wire"
)

const sampleSecret = "canary-sample-key"

// sampleService lists people at GET /people?after=, five to a page.
func sampleService(people []cast.Person) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		after, _ := strconv.Atoi(r.URL.Query().Get("after"))
		page := people[min(after, len(people)):min(after+5, len(people))]
		rows := []map[string]any{}
		for _, p := range page {
			rows = append(rows, map[string]any{"id": strconv.Itoa(p.Index), "mail": p.Email})
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{"count": len(people), "people": rows})
	})
}

// sampleSource reads sampleService; its flaws are switched on one by one.
type sampleSource struct {
	client wire.Client
	flaw   string
}

func (s *sampleSource) Read(ctx context.Context, from connectors.Cursor) iter.Seq2[connectors.Page, error] {
	return func(yield func(connectors.Page, error) bool) {
		offset, _ := strconv.Atoi(string(from))
		if s.flaw == "forgets the cursor" {
			offset = 0
		}
		seen := map[string]bool{}
		for {
			page, err := s.page(ctx, offset, seen)
			if err != nil {
				yield(connectors.Page{}, err)
				if s.flaw == "goes on after an error" {
					yield(page, nil)
				}
				return
			}
			offset += len(page.People)
			page.Next = connectors.Cursor(strconv.Itoa(offset))
			if s.flaw == "never says last" {
				page.Last = false
				if len(page.People) == 0 {
					return
				}
			}
			if !yield(page, nil) {
				return
			}
			if page.Last {
				if s.flaw == "goes on after the last page" {
					yield(page, nil)
				}
				return
			}
		}
	}
}

func (s *sampleSource) page(ctx context.Context, offset int, seen map[string]bool) (connectors.Page, error) {
	req := wire.Request{Op: "list people", Method: http.MethodGet, Path: "people", Query: url.Values{"after": {strconv.Itoa(offset)}}}
	var doc struct {
		Count  *int
		People []struct{ ID, Mail string }
	}
	var err error
	if s.flaw == "decodes without looking" {
		err = s.careless(ctx, offset, &doc)
	} else {
		_, err = s.client.JSON(ctx, req, &doc)
	}
	switch {
	case s.flaw == "retries" && err != nil && ctx.Err() == nil:
		_, err = s.client.JSON(ctx, req, &doc)
	case s.flaw == "takes any JSON" && errors.As(err, new(*connectors.Error)) && connectors.ClassOf(err) == connectors.Transient:
		return connectors.Page{Last: true}, nil
	case s.flaw == "says empty is an error" && doc.Count != nil && *doc.Count == 0:
		err = &connectors.Error{Op: "sample: list people", Detail: "nobody"}
	}
	if err != nil {
		return connectors.Page{}, err
	}
	if doc.Count == nil {
		if s.flaw == "takes any JSON" {
			return connectors.Page{Last: true}, nil
		}
		return connectors.Page{}, &connectors.Error{Class: connectors.Transient, Op: "sample: list people", Detail: "no count in the answer"}
	}
	page := connectors.Page{Total: *doc.Count}
	for _, row := range doc.People {
		if seen[row.ID] && s.flaw != "loops on a repeated page" {
			return connectors.Page{}, &connectors.Error{Class: connectors.Transient, Op: "sample: list people", Detail: "a page repeats"}
		}
		seen[row.ID] = true
		page.People = append(page.People, s.observe(row.ID, row.Mail))
	}
	page.Last = offset+len(doc.People) >= *doc.Count
	if s.flaw == "tells too many" {
		page.Total++
	}
	switch {
	case s.flaw == "drops somebody" && page.Last && len(page.People) > 1:
		page.People = page.People[1:]
	case s.flaw == "yields somebody twice" && len(page.People) > 0:
		page.People = append(page.People, page.People[0])
	}
	return page, nil
}

// careless decodes a prefix of whatever came and ignores what is wrong with it.
func (s *sampleSource) careless(ctx context.Context, offset int, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.client.Base.String()+"/people?after="+strconv.Itoa(offset), nil)
	if err != nil {
		return err
	}
	resp, err := s.client.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("sample %s: %w", sampleSecret, err)
	}
	defer resp.Body.Close()
	raw, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 200 {
		return fmt.Errorf("sample: %s", raw)
	}
	if json.Unmarshal(raw, into) != nil {
		return json.Unmarshal([]byte(`{"count":0}`), into)
	}
	return nil
}

func (s *sampleSource) observe(id, mail string) model.Observation {
	o := model.Observation{
		Native: id, Document: json.RawMessage(`{"id":"` + id + `"}`), Status: model.Active,
		Attributes: model.Attributes{model.Email: model.Text(mail)},
		Fields:     map[model.Name]string{model.Email: "mail"},
	}
	switch s.flaw {
	case "no native id":
		o.Native = ""
	case "no status":
		o.Status = ""
	case "document is not JSON":
		o.Document = json.RawMessage(`{"id":`)
	case "made-up attribute":
		o.Attributes["shoe_size"], o.Fields["shoe_size"] = model.Text("42"), "shoe"
	case "value in a null":
		o.Attributes[model.Title] = model.Value{Null: true, Text: "x"}
	case "empty value":
		o.Attributes[model.Title], o.Fields[model.Title] = model.Value{}, "title"
	case "unexplained value":
		delete(o.Fields, model.Email)
	case "bad date":
		o.Attributes[model.StartDate], o.Fields[model.StartDate] = model.Text("22/11/2026"), "start"
	case "manager nobody can find":
		o.Attributes[model.Manager], o.Fields[model.Manager] = model.Text("Ada"), "boss"
	case "volatile document":
		o.Document = json.RawMessage(fmt.Sprintf(`{"id":%q,"avatar":"%p"}`, id, s))
	}
	return o
}

func sampleSuite(flaw string) SourceSuite {
	return SourceSuite{
		People: 17,
		Open: func(_ testing.TB, people []cast.Person) SourceService {
			return SourceService{
				Handler: sampleService(people),
				Secrets: []string{sampleSecret},
				New: func(base *url.URL, client *http.Client) (connectors.Source, error) {
					return &sampleSource{flaw: flaw, client: wire.Client{
						Name: "sample", Base: base, HTTP: client, Header: http.Header{"X-Key": {sampleSecret}}, MaxBody: 8 << 20,
					}}, nil
				},
			}
		},
	}
}

func TestGoodSourcePasses(t *testing.T) { RunSource(t, sampleSuite("")) }

// Each flaw must be caught by the promise that it breaks.
func TestFlawedSourcesAreCaught(t *testing.T) {
	for flaw, promises := range map[string][]string{
		"drops somebody":              {"every person once per read"},
		"yields somebody twice":       {"every person once per read"},
		"tells too many":              {"a total is that of all people"},
		"never says last":             {"every person once per read", "an empty service is an empty last page"},
		"goes on after the last page": {"the last page ends the read"},
		"goes on after an error":      {"a web page is an error whatever its status"},
		"forgets the cursor":          {"a read resumes after each page"},
		"says empty is an error":      {"an empty service is an empty last page"},
		"retries":                     {"refused credentials are not tried again", "throttled answers say when", "server errors are transient"},
		"takes any JSON":              {"undocumented JSON is an error", "a cut off body is never complete", "a web page is an error whatever its status"},
		"decodes without looking":     {"a cut off body is never complete", "an endless body is cut off", "errors hold no secret and nobody's data", "throttled answers say when", "refused credentials are not tried again"},
		"loops on a repeated page":    {"a repeated page ends in an error"},
		"no native id":                {"observations are well formed"},
		"no status":                   {"observations are well formed"},
		"document is not JSON":        {"observations are well formed"},
		"made-up attribute":           {"observations are well formed"},
		"value in a null":             {"observations are well formed"},
		"empty value":                 {"observations are well formed"},
		"unexplained value":           {"observations are well formed"},
		"bad date":                    {"observations are well formed"},
		"manager nobody can find":     {"observations are well formed"},
		"volatile document":           {"equal reads give equal observations"},
	} {
		for _, name := range promises {
			i := slices.IndexFunc(sourcePromises, func(p sourcePromise) bool { return p.name == name })
			if i < 0 {
				t.Fatalf("there is no promise %q", name)
			}
			err := sourcePromises[i].check(t, sampleSuite(flaw))
			if err == nil {
				t.Errorf("a source that %s keeps the promise %q", flaw, name)
			} else if strings.Contains(err.Error(), "healthy") && flaw != "never says last" {
				t.Errorf("a source that %s is caught for another reason: %v", flaw, err)
			}
		}
	}
}

// A source that waits for something else than its context is caught.
type deafSource struct{ connectors.Source }

func (d deafSource) Read(ctx context.Context, from connectors.Cursor) iter.Seq2[connectors.Page, error] {
	return func(yield func(connectors.Page, error) bool) {
		for range d.Source.Read(ctx, from) {
		}
		yield(connectors.Page{}, errors.New("sample: something went wrong"))
	}
}

func TestSourceThatHidesItsCancellationIsCaught(t *testing.T) {
	s := sampleSuite("")
	inner := s.Open
	s.Open = func(t testing.TB, people []cast.Person) SourceService {
		service := inner(t, people)
		good := service.New
		service.New = func(base *url.URL, client *http.Client) (connectors.Source, error) {
			src, err := good(base, client)
			return deafSource{src}, err
		}
		return service
	}
	if cancellationIsPrompt(t, s) == nil {
		t.Error("a source that hides context.Canceled keeps the promise")
	}
}
