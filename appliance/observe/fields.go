package observe

import (
	"io"
	"log"

	"github.com/hashicorp/go-hclog"
)

// Class says who may read a field of the log.
type Class int

const (
	// Secret is a credential, and whatever nobody has classified: its value never
	// leaves.
	Secret Class = iota
	// Personal is what is said of a human: the log has the name of the field, not
	// its value.
	Personal
	// Operational is what operating the appliance takes: names from the
	// configuration, rollcall's own ids, numbers, states, and errors, which hold
	// neither secrets nor values of people by the rule of this house.
	Operational
)

const hiddenPersonal = "[personal]"

// fields are all fields that may be logged, with their class. A test walks every
// logging call of the program: one that names another field fails it.
var fields = map[string]Class{
	"accounts": Operational, "actor": Operational, "added": Operational, "admin": Operational, "attempt": Operational, "bytes": Operational,
	"channel": Operational,
	"changed": Operational, "changes": Operational, "class": Operational, "deliveries": Operational, "dir": Operational, "effect": Operational,
	"error": Operational, "event": Operational, "events": Operational, "free_mib": Operational, "from_schema": Operational, "gone": Operational,
	"group": Operational, "held": Operational, "kept_days": Operational, "key": Operational, "matters": Operational, "method": Operational,
	"metrics": Operational, "mib": Operational, "missing": Operational, "moment": Operational, "note": Operational, "panic": Operational,
	"others_since": Operational, "people": Operational, "person": Operational, "planned_anew": Operational, "reason": Operational, "route": Operational, "run": Operational, "scim": Operational,
	"source": Operational, "sources": Operational, "stack": Operational, "step": Operational, "target": Operational, "to_schema": Operational,
	"try": Operational, "values": Operational,
}

// ClassOf returns the class of a field, which is Secret unless somebody said
// otherwise.
func ClassOf(field string) Class { return fields[field] }

// classified hands on to a logger what the classes of its fields allow.
type classified struct{ to hclog.Logger }

// allowed returns key and value pairs with what must not leave replaced. A value
// without a key, or with one that is no text, has no class.
func allowed(args []any) []any {
	out := make([]any, 0, len(args))
	for i := 0; i+1 < len(args); i += 2 {
		name, ok := args[i].(string)
		if !ok {
			out = append(out, "unnamed", hiddenSecret)
			continue
		}
		value := args[i+1]
		switch ClassOf(name) {
		case Secret:
			value = hiddenSecret
		case Personal:
			value = hiddenPersonal
		}
		out = append(out, name, value)
	}
	if len(args)%2 == 1 {
		out = append(out, "unnamed", hiddenSecret)
	}
	return out
}

// Log and the methods below implement hclog.Logger.
func (c classified) Log(level hclog.Level, msg string, args ...any) {
	c.to.Log(level, msg, allowed(args)...)
}

// Trace logs at the level of that name, as do the next four.
func (c classified) Trace(msg string, args ...any) { c.to.Trace(msg, allowed(args)...) }
func (c classified) Debug(msg string, args ...any) { c.to.Debug(msg, allowed(args)...) }
func (c classified) Info(msg string, args ...any)  { c.to.Info(msg, allowed(args)...) }
func (c classified) Warn(msg string, args ...any)  { c.to.Warn(msg, allowed(args)...) }
func (c classified) Error(msg string, args ...any) { c.to.Error(msg, allowed(args)...) }

// IsTrace reports whether the level of that name is logged, as do the next four.
func (c classified) IsTrace() bool { return c.to.IsTrace() }
func (c classified) IsDebug() bool { return c.to.IsDebug() }
func (c classified) IsInfo() bool  { return c.to.IsInfo() }
func (c classified) IsWarn() bool  { return c.to.IsWarn() }
func (c classified) IsError() bool { return c.to.IsError() }

// ImpliedArgs returns what With was given, as far as it may leave.
func (c classified) ImpliedArgs() []any { return c.to.ImpliedArgs() }

// With returns a logger that adds fields to every line.
func (c classified) With(args ...any) hclog.Logger { return classified{c.to.With(allowed(args)...)} }

// Name returns the name of the logger.
func (c classified) Name() string { return c.to.Name() }

// Named returns a logger whose name is longer by a part.
func (c classified) Named(name string) hclog.Logger { return classified{c.to.Named(name)} }

// ResetNamed returns a logger of another name.
func (c classified) ResetNamed(name string) hclog.Logger { return classified{c.to.ResetNamed(name)} }

// SetLevel changes the level of all loggers that were named after one another.
func (c classified) SetLevel(level hclog.Level) { c.to.SetLevel(level) }

// GetLevel returns the level.
func (c classified) GetLevel() hclog.Level { return c.to.GetLevel() }

// StandardLogger returns a logger of the standard library, whose lines have no
// fields.
func (c classified) StandardLogger(o *hclog.StandardLoggerOptions) *log.Logger {
	return c.to.StandardLogger(o)
}

// StandardWriter is like StandardLogger, as a writer.
func (c classified) StandardWriter(o *hclog.StandardLoggerOptions) io.Writer {
	return c.to.StandardWriter(o)
}
