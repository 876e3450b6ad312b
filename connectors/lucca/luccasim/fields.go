package luccasim

import (
	"errors"
	"strings"
)

// selection is a parsed "fields" parameter: attribute names, folded to lower
// case, each with what was selected inside of it (empty: its default).
type selection map[string]selection

var errFields = errors.New("malformed fields")

// parseFields reads "id,manager[id,name],manager.mail,collection.count".
func parseFields(text string) (selection, error) {
	sel := selection{}
	rest, err := sel.parse(text, 0)
	if err != nil {
		return nil, err
	}
	if rest != "" {
		return nil, errFields
	}
	return sel, nil
}

// parse reads one list and returns what follows it: nothing, or the bracket
// that closes it.
func (sel selection) parse(text string, depth int) (rest string, err error) {
	if depth > 8 {
		return "", errFields
	}
	for {
		name := text
		if end := strings.IndexAny(text, ",[]"); end >= 0 {
			name = text[:end]
		}
		text = text[len(name):]
		inner := sel.at(strings.TrimSpace(name))
		if strings.HasPrefix(text, "[") {
			if inner == nil {
				return "", errFields
			}
			text, err = inner.parse(text[1:], depth+1)
			if err != nil {
				return "", err
			}
			if !strings.HasPrefix(text, "]") {
				return "", errFields
			}
			text = text[1:]
		}
		if !strings.HasPrefix(text, ",") {
			return text, nil
		}
		text = text[1:]
	}
}

// at adds the dotted name and returns what is selected inside of it, nil when
// there is no name.
func (sel selection) at(name string) selection {
	if name == "" {
		return nil
	}
	for part := range strings.SplitSeq(strings.ToLower(name), ".") {
		if sel[part] == nil {
			sel[part] = selection{}
		}
		sel = sel[part]
	}
	return sel
}

// count returns how many attributes are selected, nested ones included.
func (sel selection) count() int {
	n := 0
	for _, inner := range sel {
		n += max(1, inner.count())
	}
	return n
}
