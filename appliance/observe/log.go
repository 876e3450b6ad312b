package observe

import (
	"fmt"
	"io"

	"github.com/hashicorp/go-hclog"
)

// LogOptions say how to log; see [log] in the configuration.
type LogOptions struct {
	Level  string // trace, debug, info, warn or error
	Format string // text or json
	Output io.Writer
	// Redactor must not be nil: there is no log without one.
	Redactor *Redactor
	// Journal leaves out the time, because systemd's journal adds it: set it when
	// $JOURNAL_STREAM is set.
	Journal bool
}

// NewLog returns the root logger, "rollcall". Components take theirs from it:
// log.Named("poll"). They share its level. What a line says beside its text is a
// matter of the classes of its fields, see [ClassOf]; then everything passes the
// redactor.
func NewLog(o LogOptions) (hclog.Logger, error) {
	level, err := parseLevel(o.Level)
	if err != nil {
		return nil, err
	}
	switch {
	case o.Format != "text" && o.Format != "json":
		return nil, fmt.Errorf("log format %q: neither text nor json", o.Format)
	case o.Output == nil || o.Redactor == nil:
		return nil, fmt.Errorf("log: no output or no redactor")
	}
	return classified{hclog.New(&hclog.LoggerOptions{
		Name:        "rollcall",
		Level:       level,
		Output:      o.Redactor.Writer(o.Output),
		JSONFormat:  o.Format == "json",
		DisableTime: o.Journal && o.Format == "text",
	})}, nil
}

// SetLevel changes the level of log and of all that were named after it, as a
// reload of the configuration does.
func SetLevel(log hclog.Logger, level string) error {
	l, err := parseLevel(level)
	if err != nil {
		return err
	}
	log.SetLevel(l)
	return nil
}

func parseLevel(s string) (hclog.Level, error) {
	switch l := hclog.LevelFromString(s); l {
	case hclog.Trace, hclog.Debug, hclog.Info, hclog.Warn, hclog.Error:
		return l, nil
	default:
		return l, fmt.Errorf("log level %q: not one of trace, debug, info, warn, error", s)
	}
}
