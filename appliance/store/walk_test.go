package store

import (
	"bytes"
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rollcall/appliance/model"
)

// TestWalksYieldWhatSortingWouldGive compares every way of walking a table with
// sorting its keys.
func TestWalksYieldWhatSortingWouldGive(t *testing.T) {
	s := open(t)
	part := rapid.SampledFrom([]string{"", "a", "aa", "a\x01", "b", "\U0010FFFF"})
	rapid.Check(t, func(t *rapid.T) {
		_ = s.Try(func(tx *Tx) error {
			var keys [][]byte
			for range rapid.IntRange(0, 25).Draw(t, "rows") {
				k := MemberKey{part.Draw(t, "source"), part.Draw(t, "group"), part.Draw(t, "member")}
				if err := Members.Put(tx, k, Member{Source: k.Source, Group: k.Group, Value: k.Member}); err != nil {
					t.Fatal(err)
				}
				keys = append(keys, Key(k.Source, k.Group, k.Member))
			}
			slices.SortFunc(keys, bytes.Compare)
			keys = slices.CompactFunc(keys, bytes.Equal)
			prefix := Prefix(part.Draw(t, "of"))
			pivot := Key(part.Draw(t, "x"), part.Draw(t, "y"), part.Draw(t, "z"))

			checkWalk(t, "Each", Members.Each(tx, prefix), keys, func(k []byte) bool { return bytes.HasPrefix(k, prefix) })
			if bytes.HasPrefix(pivot, prefix) {
				checkWalk(t, "From", Members.From(tx, prefix, pivot), keys, func(k []byte) bool { return bytes.HasPrefix(k, prefix) && bytes.Compare(k, pivot) > 0 })
			}
			slices.Reverse(keys)
			checkWalk(t, "Backward", Members.Backward(tx, nil), keys, func([]byte) bool { return true })
			checkWalk(t, "Backward from a key", Members.Backward(tx, pivot), keys, func(k []byte) bool { return bytes.Compare(k, pivot) < 0 })

			n := 0
			for _, k := range keys {
				if bytes.HasPrefix(k, prefix) {
					n++
				}
			}
			if got := Members.Count(tx, prefix); got != n {
				t.Fatalf("Count is %d, want %d", got, n)
			}
			last, found, err := Members.Last(tx)
			if err != nil || found != (len(keys) > 0) || found && !bytes.Equal(keys[0], Key(last.Source, last.Group, last.Value)) {
				t.Fatalf("Last is %v, %t, %v", last, found, err)
			}
			return nil
		})
	})
}

func checkWalk(t *rapid.T, what string, seq iter.Seq2[Member, error], keys [][]byte, keep func([]byte) bool) {
	want, got := []string{}, []string{}
	for _, k := range keys {
		if keep(k) {
			want = append(want, fmt.Sprintf("%q", k))
		}
	}
	for _, m := range collect(t, seq) {
		got = append(got, fmt.Sprintf("%q", Key(m.Source, m.Group, m.Value)))
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Fatalf("%s: %s", what, diff)
	}
}

func TestBackwardCrossesPages(t *testing.T) {
	const n = 3000
	s := open(t)
	update(t, s, func(tx *Tx) error {
		for seq := range uint64(n) {
			if err := Runs.Put(tx, seq+1, model.Run{Seq: seq + 1, Error: "a sentence that fills the page a little"}); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, s, func(tx *Tx) error {
		for _, before := range []uint64{1, 2, 57, 1500, n, n + 1, n + 1000} {
			want := min(before, n+1)
			for run, err := range Runs.Backward(tx, Seq(before)) {
				if want--; err != nil || run.Seq != want {
					t.Fatalf("before %d: run %d, %v where %d comes", before, run.Seq, err, want)
				}
			}
			if want != 1 {
				t.Errorf("before %d: the walk ended at %d", before, want)
			}
		}
		return nil
	})
}

func TestIndexWalkResumesBehindAnEntryThatWasDeletedMeanwhile(t *testing.T) {
	s := open(t)
	at := map[model.PersonID]model.Job{}
	update(t, s, func(tx *Tx) error {
		for i := range 10 {
			id := model.PersonID(fmt.Sprintf("p%02d", i))
			at[id] = model.Job{Target: "javelo", Person: id, State: model.JobReady, Effect: model.EffectUpdate, Run: 7}
			if err := Outbox.Put(tx, TargetPerson{"javelo", id}, at[id]); err != nil {
				return err
			}
		}
		return nil
	})
	var seen []model.PersonID
	var after []byte
	for range 20 {
		var part []model.Job
		view(t, s, func(tx *Tx) error {
			for job, err := range JobByRun.PrefixAfter(tx, append(Seq(7), 0), after) {
				if err != nil {
					return err
				}
				if part = append(part, job); len(part) == 3 {
					break
				}
			}
			return nil
		})
		if len(part) == 0 {
			break
		}
		update(t, s, func(tx *Tx) error {
			for _, job := range part {
				seen = append(seen, job.Person)
				if err := Outbox.Delete(tx, TargetPerson{"javelo", job.Person}); err != nil {
					return err
				}
			}
			return nil
		})
		after = JobByRun.Position(part[len(part)-1], TargetPerson{"javelo", part[len(part)-1].Person})
	}
	want := slices.SortedFunc(maps.Keys(at), cmp.Compare)
	if diff := gocmp.Diff(want, seen); diff != "" {
		t.Errorf("deleted while walking: %s", diff)
	}
}

func TestPartsOfAKeyCannotForgeItsBorders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.StringMatching("[a\x00]{0,3}")
		strip := func(s string) string { return string(bytes.ReplaceAll([]byte(s), []byte{0}, nil)) }
		a, b, c, d := part.Draw(t, "a"), part.Draw(t, "b"), part.Draw(t, "c"), part.Draw(t, "d")
		same := strip(a) == strip(c) && strip(b) == strip(d)
		if got := bytes.Equal(Key(a, b), Key(c, d)); got != same {
			t.Fatalf("Key(%q, %q) and Key(%q, %q) are equal: %t, want %t", a, b, c, d, got, same)
		}
		if got := bytes.HasPrefix(Key(a, b), Prefix(c)); got != (strip(a) == strip(c)) {
			t.Fatalf("Key(%q, %q) is under Prefix(%q): %t", a, b, c, got)
		}
	})
}

func TestSequencesSortAsNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Uint64().Draw(t, "a"), rapid.Uint64().Draw(t, "b")
		if got, want := bytes.Compare(Seq(a), Seq(b)), cmp.Compare(a, b); got != want {
			t.Fatalf("%d and %d compare as %d, want %d", a, b, got, want)
		}
	})
}
