package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/connectors/javelo/javelosim"
)

// journalPage is how many events are asked for at once.
const journalPage = 1000

// ledger counts what the appliance says it did to accounts, by its journal.
type ledger struct {
	Created     int `json:"created"`
	Adopted     int `json:"adopted"`
	Updated     int `json:"updated"`
	Deactivated int `json:"deactivated"`
	Reactivated int `json:"reactivated"`
}

func (l *ledger) add(verb string) {
	switch verb {
	case "created":
		l.Created++
	case "adopted":
		l.Adopted++
	case "updated":
		l.Updated++
	case "deactivated":
		l.Deactivated++
	case "reactivated":
		l.Reactivated++
	}
}

// ledger reads the journal from its beginning.
func (s *stage) ledger(ctx context.Context) (ledger, error) {
	var l ledger
	// Event 1 is never a delivery: a source has to be activated before.
	for after := int64(1); ; {
		events, err := s.client.Journal(ctx, after, journalPage, false)
		if err != nil {
			return l, err
		}
		for _, e := range events {
			l.add(e.Verb)
			after = int64(e.Seq)
		}
		if len(events) < journalPage {
			return l, nil
		}
	}
}

// traffic is what Javelo received since a mark.
type traffic struct {
	Reads, Writes int
	Created       int            // accounts made
	By            map[string]int // writes that were accepted, by account id
	Refused       int            // requests answered other than 2xx
}

// traffic reads the simulator's request log from mark on, which is a Total of
// before; false when the log does not reach back that far.
func (s *stage) traffic(mark int) (traffic, bool) {
	log, total := s.javelo.Requests(), s.javelo.Total()
	begin := mark - (total - len(log))
	if begin < 0 {
		return traffic{}, false
	}
	t := traffic{By: map[string]int{}}
	for _, r := range log[min(begin, len(log)):] {
		switch {
		case r.Status < 200 || r.Status > 299:
			t.Refused++
		case r.Method == http.MethodGet:
			t.Reads++
		default:
			t.Writes++
			t.By[s.written(r)]++
			if r.Status == http.StatusCreated {
				t.Created++
			}
		}
	}
	return t, true
}

// written returns the id of the account that a write was about.
func (s *stage) written(r javelosim.Request) string {
	if r.Method != http.MethodPost {
		return path.Base(r.Path)
	}
	var body struct{ UserName string }
	if json.Unmarshal(r.Body, &body) != nil {
		return ""
	}
	a, _ := s.javelo.Account(body.UserName)
	return a.ID
}

// activeAccounts counts the active accounts that Javelo has.
func (s *stage) activeAccounts() (n int) {
	for _, a := range s.javelo.Accounts() {
		if a.Active {
			n++
		}
	}
	return n
}

// roster lists everybody the appliance knows, by name.
func (s *stage) roster(ctx context.Context) ([]admin.Person, error) {
	var all []admin.Person
	for page := (admin.Page{Limit: journalPage}); ; {
		list, next, err := s.client.People(ctx, "", page)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
		if next == "" {
			break
		}
		page.After = next
	}
	slices.SortFunc(all, func(a, b admin.Person) int { return strings.Compare(a.Name+a.Email, b.Name+b.Email) })
	return all, nil
}

// wanted reports whether the appliance wants somebody to have an active account
// and nothing keeps it from seeing to it.
func wanted(p admin.Person) bool { return p.Access == "on" && p.Waiting == "" && len(p.Held) == 0 }

// source returns a source's status.
func source(st admin.Status, name string) admin.Source {
	for _, s := range st.Sources {
		if s.Name == name {
			return s
		}
	}
	return admin.Source{}
}

// firstReads waits until both HR systems were read whole and Javelo's accounts
// were listed, which the appliance does by itself once it runs.
func (s *stage) firstReads(ctx context.Context) (admin.Status, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		st, err := s.client.Status(ctx)
		if err != nil {
			return st, err
		}
		done := len(st.Targets) == 1 && !st.Targets[0].Listed.IsZero()
		for _, name := range []string{"hibob", "lucca"} {
			src := source(st, name)
			if src.Failures > 0 {
				return st, fmt.Errorf("demo: the first read of %s failed: %s", name, src.Error)
			}
			done = done && !src.LastGood.IsZero() && src.Reading == nil
		}
		if done {
			return st, nil
		}
		select {
		case <-ctx.Done():
			return st, ctx.Err()
		case <-tick.C:
		}
	}
}

// read asks for a read of the named sources and waits until all that follows is
// done. It returns the run of the first.
func (s *stage) read(ctx context.Context, sources ...string) (model.Run, error) {
	if err := s.client.Sync(ctx, sources); err != nil {
		return model.Run{}, err
	}
	if err := s.client.Wait(ctx, nil); err != nil {
		return model.Run{}, err
	}
	st, err := s.client.Status(ctx)
	if err != nil {
		return model.Run{}, err
	}
	detail, err := s.client.Run(ctx, source(st, sources[0]).LastRun)
	return detail.Run, err
}

// conflict finds the open conflict of a kind that concerns all these people.
func (s *stage) conflict(ctx context.Context, kind model.ConflictKind, concerned ...part) (admin.Conflict, error) {
	open, err := s.client.Conflicts(ctx)
	if err != nil {
		return admin.Conflict{}, err
	}
	for _, q := range open {
		all := q.Kind == string(kind)
		for _, p := range concerned {
			who := s.company.of(p)
			all = all && (slices.Contains(q.Names, who.Given+" "+who.Family) || slices.Contains(q.Names, who.Family+" "+who.Given))
		}
		if all {
			return q, nil
		}
	}
	return admin.Conflict{}, fmt.Errorf("no open conflict says %s about them", kind)
}

// name is what somebody with a part is called.
func (s *stage) name(p part) string {
	who := s.company.of(p)
	return who.Given + " " + who.Family
}

// account returns the Javelo account of somebody with a part, by the email that
// they have in the company.
func (s *stage) account(p part) (javelosim.Account, bool) {
	return s.javelo.Account(s.company.of(p).Email)
}
