package observe

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

const (
	hiddenSecret = "[secret]"
	hiddenEmail  = "[email]"
	// minSecret is the shortest secret that is looked for, in bytes; a shorter
	// one would blank ordinary words, and protects nothing.
	minSecret = 4
)

// emailPattern finds addresses between the quotes, equal signs and brackets that
// a log line has around values.
var emailPattern = regexp.MustCompile(`[^\s"'\\<>,;:=()\[\]{}|/]+@[^\s"'\\<>,;:=()\[\]{}|/@]+\.[^\s"'\\<>,;:=()\[\]{}|/@.]+`)

// Redactor takes registered secrets and anything that looks like an email
// address out of text. It is the net under the rule that neither is logged in
// the first place. Safe for concurrent use.
type Redactor struct {
	mu       sync.Mutex // serialises Register
	secrets  []string   // guarded by mu
	replacer atomic.Pointer[strings.Replacer]
}

// Register adds secrets to take out from now on, in every spelling a log may
// give them. Secrets registered before stay: after a rotation the old one is
// still worth hiding.
func (r *Redactor) Register(secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range secrets {
		for _, spelling := range spellings(s) {
			if len(spelling) >= minSecret && !slices.Contains(r.secrets, spelling) {
				r.secrets = append(r.secrets, spelling)
			}
		}
	}
	// The replacer tries pairs in order: a secret that contains another goes first.
	slices.SortFunc(r.secrets, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(r.secrets))
	for _, s := range r.secrets {
		pairs = append(pairs, s, hiddenSecret)
	}
	r.replacer.Store(strings.NewReplacer(pairs...))
}

// spellings returns a secret as it is, as quoting, JSON and hclog write it, and
// as bytes are printed. The lines of a longer secret, such as a private key,
// count each for itself.
func spellings(s string) []string {
	out := []string{base64.StdEncoding.EncodeToString([]byte(s)), strings.ReplaceAll(strings.Trim(fmt.Sprint([]byte(s)), "[]"), " ", ", ")}
	if len(s) < minSecret {
		return nil
	}
	for _, part := range append(strings.Split(s, "\n"), s) {
		part = strings.TrimSpace(part)
		if strings.HasPrefix(part, "-----") {
			continue // the frame of a PEM block is no secret
		}
		out = append(out, part, unquoted(strconv.Quote(part)), strings.ReplaceAll(part, `"`, `\"`))
		if b, err := json.Marshal(part); err == nil {
			out = append(out, unquoted(string(b)))
		}
	}
	return out
}

func unquoted(s string) string { return s[1 : len(s)-1] }

// String returns s without secrets and addresses.
func (r *Redactor) String(s string) string {
	if p := r.replacer.Load(); p != nil {
		s = p.Replace(s)
	}
	if strings.Contains(s, "@") {
		s = emailPattern.ReplaceAllString(s, hiddenEmail)
	}
	return s
}

// Writer returns a writer that redacts what passes through to w. Each Write must
// be a whole line, as hclog's are.
func (r *Redactor) Writer(w io.Writer) io.Writer { return redactingWriter{r, w} }

type redactingWriter struct {
	redactor *Redactor
	to       io.Writer
}

func (w redactingWriter) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.to, w.redactor.String(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil // the caller counts what it wrote, not what became of it
}
