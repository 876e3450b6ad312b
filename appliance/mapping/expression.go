package mapping

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"rollcall/appliance/model"
)

const (
	// memoryBudget is how many list elements one evaluation may make.
	memoryBudget = 100_000
	// maxResult is the longest text an expression may give, in bytes.
	maxResult = 4 << 10
)

// expression is one compiled expression.
type expression struct {
	source  string
	paths   []string
	plain   []any // the steps of a plain path: string or int; nil when it is more
	program *vm.Program
}

// absentError ends an evaluation that read a path the record does not have.
type absentError struct{ path string }

func (e *absentError) Error() string { return e.path + " is not in the record" }

// evaluation is the state of one evaluation, reached by the functions that
// member accesses were turned into.
type evaluation struct {
	sawNull bool
}

// value evaluates the expression. Nil is absent; a nil *null is null.
func (x *expression) value(doc *document) (any, error) {
	if x.plain != nil {
		return follow(doc.raw, x.plain, x.source)
	}
	state := &evaluation{}
	machine := vm.VM{MemoryBudget: memoryBudget}
	v, err := machine.Run(x.program, map[string]any{nameState: state, nameRecord: doc.soften()})
	if err == nil {
		return v, nil
	}
	var absent *absentError
	if errors.As(err, &absent) {
		return nil, absent
	}
	if state.sawNull {
		// What is computed from something known to be empty is known to be empty.
		return (*null)(nil), nil
	}
	return nil, safeError(err)
}

// follow walks a plain path through the decoded record, so that numbers keep
// the spelling they came in.
func follow(doc map[string]any, steps []any, path string) (any, error) {
	var at any = doc
	for i, step := range steps {
		next, present, err := member(at, step)
		if err != nil {
			return nil, fmt.Errorf("%s %w", pathOf(steps[:i]), err)
		}
		if !present {
			return nil, &absentError{path: path}
		}
		if at = next; at == nil {
			return (*null)(nil), nil
		}
	}
	return at, nil
}

func pathOf(steps []any) string {
	path := ""
	for _, s := range steps {
		path = join(path, s)
	}
	return path
}

// member returns one member of an object or list. Its errors begin with what
// the parent is, for the caller to put the path before.
func member(parent, key any) (v any, present bool, err error) {
	switch p := parent.(type) {
	case *null:
		return (*null)(nil), true, nil
	case map[string]any:
		name, ok := key.(string)
		if !ok {
			return nil, false, errors.New("is an object: name a member, not a position")
		}
		v, present = p[name]
		return v, present, nil
	case []any:
		i, ok := key.(int)
		if !ok {
			return nil, false, errors.New("is a list: name a position as in [0]")
		}
		if i < 0 {
			i += len(p)
		}
		if i < 0 || i >= len(p) {
			return nil, false, nil
		}
		return p[i], true, nil
	}
	return nil, false, errors.New("is " + kindOf(parent) + " and has no members")
}

// text evaluates the expression to an attribute's value.
func (x *expression) text(doc *document) (v model.Value, present bool, err error) {
	raw, err := x.value(doc)
	var absent *absentError
	if errors.As(err, &absent) {
		return model.Value{}, false, nil
	}
	if err != nil || raw == nil {
		return model.Value{}, false, err
	}
	text, err := textOf(raw)
	if err != nil {
		return model.Value{}, false, err
	}
	if len(text) > maxResult {
		return model.Value{}, false, fmt.Errorf("the result is longer than %d bytes", maxResult)
	}
	return model.Text(text), true, nil
}

// truth evaluates a scope. Null is false; what is absent is an error.
func (x *expression) truth(doc *document) (bool, error) {
	raw, err := x.value(doc)
	if err != nil {
		return false, err
	}
	switch v := raw.(type) {
	case bool:
		return v, nil
	case *null:
		return false, nil
	case nil:
		return false, &absentError{path: x.source}
	}
	return false, errors.New("the result is " + kindOf(raw) + ", not true or false")
}

// textOf spells a result: a list as its elements with commas between. Space
// around a text means nothing.
func textOf(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v), nil
	case json.Number:
		return string(v), nil
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.Itoa(v), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case *null, nil:
		return "", nil
	case []any:
		var parts []string
		for _, e := range v {
			if _, nested := e.([]any); nested {
				return "", errors.New("the result is a list of lists")
			}
			text, err := textOf(e)
			if err != nil {
				return "", fmt.Errorf("in a list: %w", err)
			}
			if text != "" {
				parts = append(parts, text)
			}
		}
		return strings.Join(parts, ", "), nil
	}
	return "", errors.New("the result is " + kindOf(v) + ": name one of its members")
}

func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "a text"
	case bool:
		return "true or false"
	case int, float64, json.Number:
		return "a number"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	case *null, nil:
		return "null"
	}
	return "something without a spelling"
}

// safeError keeps the place of a run-time error and says what may have caused
// it. The language's own words are not kept: they may quote a value.
func safeError(err error) error {
	var own *memberError
	if errors.As(err, &own) {
		return own
	}
	var at *file.Error
	if errors.As(err, &at) {
		return fmt.Errorf("line %d, column %d: not possible with what this record holds", at.Line, at.Column+1)
	}
	return errors.New("not possible with what this record holds")
}

// memberError is an error of a member access; it names paths and no values.
type memberError struct{ text string }

func (e *memberError) Error() string { return e.text }
