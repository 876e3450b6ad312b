// Package guide holds the setup guides that rollcall prints offline: one text
// per topic, for the administrator who connects a service, activates it, settles
// conflicts or runs the machine.
//
// It knows no command and no configuration: the texts are embedded as they are,
// and whoever prints them decides how. What the texts promise is checked by the
// tests, which run every command and parse every configuration that the guides
// show.
//
// Invariants, which the tests keep:
//   - each text begins with a title and a summary of one sentence;
//   - what this build cannot do is said in the guide of that topic, in the words
//     "This build does not yet", and only while it is so;
//   - a statement about somebody else's service that nobody could verify says so;
//   - people, domains and secrets in examples are made up.
package guide

import (
	"embed"
	"io/fs"
)

//go:embed *.md
var texts embed.FS

// Topics returns the guides as files named TOPIC.md at the root, UTF-8 markdown
// with lines of at most 100 columns. The topics are okta, azure, hibob, lucca,
// adp, scim, csv, javelo, elevo, first-activation, holds, conflicts, operations and
// security.
// The file system is read-only and safe for concurrent use.
func Topics() fs.FS { return texts }
