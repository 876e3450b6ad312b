package cli

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/appliance/admin/admintest"
	"rollcall/appliance/admin/client"
	"rollcall/appliance/demo"
	"rollcall/appliance/guide"
)

// particular is what differs from one run of the demo to the next: ids, digests, days,
// ages, numbers of runs (both HR systems are read at the start), and blanks in columns.
var particular = regexp.MustCompile(`[prcu]_[0-9a-z]{12,}|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{20,}|[0-9]{12,}|[0-9]{4}-[0-9]{2}-[0-9]{2}|(?:run|approve) [0-9]+|just now|[0-9]+ (?:s|min|h) ago|  +`)

func general(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		out = append(out, strings.TrimSpace(particular.ReplaceAllString(line, " ")))
	}
	return out
}

// shows reports where an output is not as a guide shows it: a line "…" stands for any
// lines left out.
func shows(shown, output []string) string {
	at := 0
	for len(shown) > 0 {
		n := slices.Index(shown, "…")
		if n < 0 {
			n = len(shown)
		}
		piece := shown[:n]
		found := -1
		for i := at; i+len(piece) <= len(output); i++ {
			if slices.Equal(output[i:i+len(piece)], piece) {
				found = i
				break
			}
		}
		if found < 0 {
			return fmt.Sprintf("nowhere after line %d:\n%s", at, strings.Join(piece, "\n"))
		}
		at = found + n
		shown = shown[min(n+1, len(shown)):]
	}
	return ""
}

// TestTheGuideShowsWhatTheDemoPrints fails when a guide shows a screen that the demo
// company does not get.
func TestTheGuideShowsWhatTheDemoPrints(t *testing.T) {
	dir, err := os.MkdirTemp("", "d") // short, for the paths of sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	t.Setenv("TMPDIR", dir)
	text, err := fs.ReadFile(guide.Topics(), "screens.md")
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	err = demo.Run(t.Context(), demo.Options{People: 120, Seed: 1, Version: admintest.Version, Out: io.Discard, TUI: func(ctx context.Context, socket string) error {
		c := client.New(socket)
		defer c.Close()
		conflicts, err := c.Conflicts(ctx)
		if err != nil {
			return err
		}
		for _, block := range strings.Split(string(text), "```text\n$ rollcall ")[1:] {
			block, _, _ = strings.Cut(block, "```")
			words, want, _ := strings.Cut(block, "\n")
			args := append(strings.Fields(words), "--socket", socket)
			for i, word := range args { // the conflict that is meant has another id today
				for _, k := range conflicts {
					if strings.HasPrefix(word, "c_") && strings.Contains(want, k.Names[0]) && strings.Contains(string(text), k.Kind+" "+word) {
						args[i] = k.ID
					}
				}
			}
			r := ends{width: 98, deps: Deps{Now: time.Now}}.call(t, args...)
			compared++
			if wrong := shows(general(want), general(r.out)); wrong != "" || r.err != "" {
				t.Errorf("%s: %s\nprinted:\n%s%s", words, wrong, r.out, r.err)
			}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if compared < 5 {
		t.Errorf("%d screens were compared", compared)
	}
}
