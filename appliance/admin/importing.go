package admin

// ImportRequest brings rows of a people file, as package peoplefile reads them.
type ImportRequest struct {
	Rows []ImportRow `json:"rows"`
	// AllowIdentifierChanges lets emails and employee numbers change too.
	AllowIdentifierChanges bool   `json:"allow_identifier_changes,omitempty"`
	DryRun                 bool   `json:"dry_run,omitempty"`
	Reason                 string `json:"reason,omitempty"` // for the journal
	// Tag, when set, is that of the dry run that was looked at: if the import would
	// set anything else by now it is refused as [CodeStale].
	Tag string `json:"tag,omitempty"`
}

// ImportRow is one row: its number in the file, and its cells by column without the
// empty ones, of which a row has no opinion. A cell "-" clears.
type ImportRow struct {
	Row   int               `json:"row"`
	Cells map[string]string `json:"cells"`
}

// Imported is what an import set, or with DryRun would set.
type Imported struct {
	DryRun bool         `json:"dry_run,omitempty"`
	Edits  []ImportEdit `json:"edits"`
	// Unknown are rows of nobody in the roster, which were left out.
	Unknown []ImportUnknown `json:"unknown"`
	// Plan is what follows in accounts, with what guards hold of it.
	Plan Plan   `json:"plan"`
	Tag  string `json:"tag"` // pins Edits
	// Batch takes all of it back: "rollcall conflicts undo BATCH". Run relays it. Both
	// are empty for a dry run, and when nothing differs.
	Batch string `json:"batch,omitempty"`
	Run   uint64 `json:"run,omitempty"`
}

// ImportEdit is one value that differs. A manager is named by email.
type ImportEdit struct {
	Row       int       `json:"row"`
	Person    PersonRef `json:"person"`
	Attribute string    `json:"attribute"`
	Old       string    `json:"old,omitempty"`
	New       string    `json:"new,omitempty"`
}

// ImportUnknown is a row of nobody in the roster.
type ImportUnknown struct {
	Row int    `json:"row"`
	Who string `json:"who"` // as the row names them
}
