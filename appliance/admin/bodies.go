package admin

import (
	"time"

	"rollcall/appliance/model"
)

// VersionHeader is in every reply: the version of the appliance that answers.
const VersionHeader = "Rollcall-Version"

// LongPoll is the longest that one request waits for news. A client that wants
// to wait longer asks again.
const LongPoll = 30 * time.Second

// MaxPage is the largest number of entries one reply lists.
const MaxPage = 1000

// The bodies of requests and replies that are more than one of the types above.
type (
	// Activated answers an activation: the run whose plan is now being relayed.
	Activated struct {
		Run uint64 `json:"run"`
	}
	// ActivateRequest may ask for waves; without a body there are none.
	ActivateRequest struct {
		Waves bool `json:"waves,omitempty"`
	}
	// SyncRequest names the sources to read now; none means all polled ones.
	SyncRequest struct {
		Sources []string `json:"sources,omitempty"`
	}
	// Waited answers a wait. Done is false when [LongPoll] ended first.
	Waited struct {
		Done bool `json:"done"`
	}
	// RunDetail is one run with its deliveries. Tag is what an approval or a
	// rejection of exactly this names: it changes when its holds do, or who is held for
	// which change.
	// Causes and Changes are those of the run's plan, where it is shown with them.
	// Held is how many deliveries wait for an answer.
	RunDetail struct {
		Run        model.Run    `json:"run"`
		Held       int          `json:"held"`
		Deliveries []Delivery   `json:"deliveries"`
		Tag        string       `json:"tag"`
		Causes     []Cause      `json:"causes,omitempty"`
		Changes    []PlanChange `json:"changes,omitempty"`
	}
	// ApproveRequest may name the part of a hold to release; without a body, or
	// without Only, it is all of it.
	ApproveRequest struct {
		Only *Only `json:"only,omitempty"`
	}
	// Settled answers an approval or a rejection: how many deliveries it concerned,
	// and after a partial one how many go on waiting and who was left out although
	// something of them was named.
	Settled struct {
		Deliveries int       `json:"deliveries"`
		Waiting    int       `json:"waiting,omitempty"`
		Left       []LeftOut `json:"left,omitempty"`
	}
	// PeoplePage is part of the roster. Next is the cursor of the next page,
	// empty after the last. At is set when it is the roster of an instant, and
	// Notices say what could not be told of it.
	PeoplePage struct {
		People  []Person  `json:"people"`
		Next    string    `json:"next,omitempty"`
		At      time.Time `json:"at,omitzero"`
		Notices []string  `json:"notices,omitempty"`
	}
	// LaneRequest says what a target shall do: "paused" or "open".
	LaneRequest struct {
		State string `json:"state"`
	}
	// TokenRequest asks for a bearer token. TTLSeconds 0 is a token without end.
	TokenRequest struct {
		Source     string `json:"source"`
		Label      string `json:"label,omitempty"`
		TTLSeconds int64  `json:"ttl_seconds,omitempty"`
	}
	// Verified answers a check of the journal's chain.
	Verified struct {
		Events int `json:"events"`
		// Head is the end of the journal as NUMBER:HASH. Kept elsewhere, it proves
		// later that nothing before it was changed.
		Head string `json:"head"`
	}
	// CheckRequest names the sources and targets to check; none means all.
	CheckRequest struct {
		Names []string `json:"names,omitempty"`
	}
	// BackupRequest names the file to write, as an absolute path on the
	// appliance's machine.
	BackupRequest struct {
		Path string `json:"path"`
	}
	// ShownConfig is the effective configuration as TOML.
	ShownConfig struct {
		Config string `json:"config"`
	}
)
