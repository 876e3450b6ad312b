package model

// Rhythm is what is known of how often a sender is heard.
type Rhythm struct {
	// Silences are the lengths of the last times without a request, in minutes,
	// the newest last.
	Silences []int `json:"silences,omitempty"`
}
