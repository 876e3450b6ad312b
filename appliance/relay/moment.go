package relay

// Moment is a place in a delivery behind which the process may end: what is on
// disk there, and what the target did by then, is all that the next process has.
type Moment string

const (
	// AccountsListed: the last page arrived, nothing of it is on disk.
	AccountsListed Moment = "accounts listed"
	// ListingStored: the accounts are on disk, and who is adopted is decided.
	ListingStored Moment = "listing stored"
	// AttemptStored: the job says that a request may have left. None has.
	AttemptStored Moment = "attempt stored"
	// RequestCounted: the budget on disk counts the request. It has not left.
	RequestCounted Moment = "request counted"
	// Answered: the target did what it did, and nothing of that is on disk.
	Answered Moment = "answered"
	// AccountClaimed: an account found under the login is this person's; the write
	// to it has not left.
	AccountClaimed Moment = "account claimed"
	// OutcomeStored: what the target accepted is on disk, and the job is gone or new.
	OutcomeStored Moment = "outcome stored"
	// FailureStored: why the attempt failed is on disk; the lane is not closed yet.
	FailureStored Moment = "failure stored"
	// GroupAttemptStored: a group is about to be written, and may have been.
	GroupAttemptStored Moment = "group attempt stored"
	// GroupAnswered: the target made a group, and nothing of that is on disk.
	GroupAnswered Moment = "group answered"
	// GroupStored: what the target accepted of a group is on disk.
	GroupStored Moment = "group stored"
	// FileAnnounced: what is on disk says that nobody knows which file is there. It is
	// still the old one.
	FileAnnounced Moment = "file announced"
	// FilePut: the new file is there, and what it holds is not on disk.
	FilePut Moment = "file put"
	// FileStored: what the file holds is on disk.
	FileStored Moment = "file stored"
)

// Moments lists them all.
var Moments = []Moment{AccountsListed, ListingStored, AttemptStored, RequestCounted, Answered, AccountClaimed, OutcomeStored, FailureStored,
	GroupAttemptStored, GroupAnswered, GroupStored, FileAnnounced, FilePut, FileStored}

func (l *Lane) pass(m Moment) {
	l.log.Trace("delivering", "target", l.name, "moment", string(m))
	if l.Watch != nil {
		l.Watch(m)
	}
}
