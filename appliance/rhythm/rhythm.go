// Package rhythm learns how often a sender is heard, and tells when it has been
// silent for longer than that explains.
//
// Entra comes every forty minutes whatever happened; Okta comes when somebody
// changed, and not at all over a weekend. So nothing is assumed: the lengths of
// the last silences are kept, and a silence is remarkable only beside those. The
// package is pure; times are handed in, and what is learnt is a [model.Rhythm].
package rhythm

import (
	"slices"
	"time"

	"rollcall/appliance/model"
)

const (
	// visit is how long a sender may rest and still be on the same visit: one
	// provisioning cycle is many requests.
	visit = 10 * time.Minute
	// kept is how many silences are remembered: a day and a third of Entra's.
	kept = 48
	// enough is how many must be known before any is remarkable.
	enough = 6
	// steadyFactor bounds how much longer than the usual the longer silences of a
	// steady sender are, and patience is after how many missed visits it is silent.
	steadyFactor, patience = 2, 3
	// unsteady is the least silence of a sender without a beat that is remarkable:
	// a long weekend is not.
	unsteady = 4 * 24 * time.Hour
)

// Learn adds the silence between two times at which a sender was heard. It returns
// r itself when both belong to one visit, or when the clock was set back.
func Learn(r model.Rhythm, last, heard time.Time) model.Rhythm {
	silence := heard.Sub(last)
	if last.IsZero() || silence <= visit {
		return r
	}
	silences := append(slices.Clone(r.Silences), int(silence/time.Minute))
	if n := len(silences); n > kept {
		silences = silences[n-kept:]
	}
	return model.Rhythm{Silences: silences}
}

// Patience returns for how long a sender may be silent before it is remarkable,
// and how often it is usually heard when it is steady, 0 when it has no beat. Both
// are 0 while too little is known.
func Patience(r model.Rhythm) (silence, beat time.Duration) {
	n := len(r.Silences)
	if n < enough {
		return 0, 0
	}
	sorted := slices.Sorted(slices.Values(r.Silences))
	usual := sorted[n/2]
	// One silence in ten may be out of the ordinary: an outage, a pause.
	if long := sorted[(n-1)*9/10]; long <= steadyFactor*usual {
		beat = time.Duration(usual) * time.Minute
		return max(patience*beat, beat+time.Hour), beat
	}
	return max(2*time.Duration(sorted[n-1])*time.Minute, unsteady), 0
}
