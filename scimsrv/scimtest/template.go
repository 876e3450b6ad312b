package scimtest

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// variables are the values of templates in one conversation.
type variables struct {
	known map[string]string
	uuids map[string]string
}

func newVariables(c Client) *variables {
	run := make([]byte, 4)
	_, _ = rand.Read(run) // never fails
	return &variables{
		known: map[string]string{"run": hex.EncodeToString(run), "token": c.Token, "baseUrl": c.BaseURL},
		uuids: map[string]string{},
	}
}

// resolve renders the declared variables in the order of their declaration.
func (v *variables) resolve(declared json.RawMessage) error {
	if len(declared) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(declared))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var template string
		if err := d.Decode(&template); err != nil {
			return err
		}
		if v.known[name.(string)], err = v.render(template, plain); err != nil {
			return err
		}
	}
	return nil
}

// encoding is how a value is put into its surroundings.
type encoding func(string) string

func plain(s string) string { return s }

// quoted is for the inside of a JSON string.
func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return s
	}
	return string(b[1 : len(b)-1])
}

var placeholder = regexp.MustCompile(`\{\{([^{}]+)\}\}`)

// render replaces the placeholders in text.
func (v *variables) render(text string, encode encoding) (string, error) {
	var failed error
	out := placeholder.ReplaceAllStringFunc(text, func(m string) string {
		name, form, _ := strings.Cut(m[2:len(m)-2], "|")
		value, ok := v.known[name]
		if uuid, isUUID := strings.CutPrefix(name, "uuid:"); isUUID {
			value, ok = v.uuid(uuid), true
		}
		if !ok {
			failed = fmt.Errorf("unknown variable %s", name)
		}
		switch form {
		case "":
		case "upper":
			value = strings.ToUpper(value)
		case "lower":
			value = strings.ToLower(value)
		case "query":
			value = url.QueryEscape(value)
		default:
			failed = fmt.Errorf("unknown form %s", form)
		}
		return encode(value)
	})
	return out, failed
}

// value renders a JSON value.
func (v *variables) value(raw json.RawMessage) (any, error) {
	text, err := v.render(string(raw), quoted)
	if err != nil {
		return nil, err
	}
	return decode([]byte(text))
}

func (v *variables) uuid(name string) string {
	if v.uuids[name] == "" {
		b := make([]byte, 16)
		_, _ = rand.Read(b)
		b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // RFC 9562 §5.4: version 4
		v.uuids[name] = fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	}
	return v.uuids[name]
}
