package attr

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits bound what is decoded. A zero field takes the default beside it, which
// suits one resource or one PATCH of a stranger.
type Limits struct {
	Bytes   int64 // of the whole document: 1 MiB
	Depth   int   // of objects and lists within each other: 16; a resource needs 4
	Members int   // of one object: 1,000
	Values  int   // of the whole document, the containers included: 100,000
}

// Stored returns the limits for what was checked before it was written.
func Stored() Limits {
	return Limits{Bytes: 1 << 30, Depth: 64, Members: 1 << 20, Values: 1 << 26}
}

// ErrTooLarge is wrapped by errors that say a document exceeds [Limits].Bytes;
// an HTTP server answers 413 to it and 400 to every other error.
var ErrTooLarge = errors.New("document too large")

// Error says why a document was refused. Its text names the place and never
// repeats a value.
type Error struct {
	Offset int64  // in bytes into the document, where reading had got to
	Path   string // the member being read, as in "emails[1].value"; empty at the top
	Err    error
}

func (e *Error) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("offset %d: %v", e.Offset, e.Err)
	}
	return fmt.Sprintf("offset %d, %s: %v", e.Offset, e.Path, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Read decodes one object from r; see [Decode]. An error of r is returned as it
// is, wrapped.
func Read(r io.Reader, lim Limits) (*Object, error) {
	lim = lim.withDefaults()
	var buf bytes.Buffer
	n, err := buf.ReadFrom(io.LimitReader(r, lim.Bytes+1))
	if err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	if n > lim.Bytes {
		return nil, tooLarge(lim)
	}
	return Decode(buf.Bytes(), lim)
}

// Decode decodes data, which must be one JSON object and nothing after it; a
// byte order mark before it is skipped. It refuses, with an [*Error], two
// members of one object whose names differ by case only, invalid UTF-8 and
// half surrogate pairs, and whatever exceeds the limits.
func Decode(data []byte, lim Limits) (*Object, error) {
	lim = lim.withDefaults()
	if int64(len(data)) > lim.Bytes {
		return nil, tooLarge(lim)
	}
	body, _ := bytes.CutPrefix(data, []byte("\xef\xbb\xbf"))
	d := decoder{data: body, text: string(body), base: len(data) - len(body), lim: lim}
	if i := invalidUTF8(body); i >= 0 {
		d.pos = i
		return nil, d.fail("invalid UTF-8")
	}
	d.space()
	if d.peek() != '{' && d.peek() != 0 {
		return nil, d.fail("an object is expected")
	}
	v, err := d.value()
	if err != nil {
		return nil, err
	}
	if d.space(); d.pos < len(body) {
		return nil, d.fail("there is something after the object")
	}
	return v.(*Object), nil
}

func (l Limits) withDefaults() Limits {
	if l.Bytes <= 0 {
		l.Bytes = 1 << 20
	}
	if l.Depth <= 0 {
		l.Depth = 16
	}
	if l.Members <= 0 {
		l.Members = 1000
	}
	if l.Values <= 0 {
		l.Values = 100_000
	}
	return l
}

func tooLarge(lim Limits) error {
	return &Error{Offset: lim.Bytes, Err: fmt.Errorf("%w: more than %d bytes", ErrTooLarge, lim.Bytes)}
}

// decoder reads data from pos on. It is written out because the tokens of
// encoding/json cost six times as much, hide where a name began, and turn half
// surrogate pairs into U+FFFD, and with that two names or ids into one.
type decoder struct {
	data   []byte
	text   string // a copy of data, of which all strings are parts: one allocation instead of many
	pos    int
	base   int // bytes skipped before data
	lim    Limits
	path   []step
	values int
}

// step is one way down: a member name, or a list index, which is -1 otherwise.
type step struct {
	name  string
	index int
}

// peek returns the byte at pos, or 0 at the end: no JSON outside of a string has
// that byte.
func (d *decoder) peek() byte {
	if d.pos < len(d.data) {
		return d.data[d.pos]
	}
	return 0
}

func (d *decoder) space() {
	for d.pos < len(d.data) {
		switch d.data[d.pos] {
		case ' ', '\t', '\r', '\n':
			d.pos++
		default:
			return
		}
	}
}

// value reads a value; pos is at its first byte.
func (d *decoder) value() (Value, error) {
	if d.values++; d.values > d.lim.Values {
		return nil, d.fail("more than %d values", d.lim.Values)
	}
	switch c := d.peek(); c {
	case '{', '[':
		if len(d.path) >= d.lim.Depth {
			return nil, d.fail("nested deeper than %d levels", d.lim.Depth)
		}
		d.pos++
		if c == '{' {
			return d.object()
		}
		return d.array()
	case '"':
		d.pos++
		return d.str()
	case 't':
		return true, d.word("true")
	case 'f':
		return false, d.word("false")
	case 'n':
		return nil, d.word("null")
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return d.number()
	default:
		return nil, d.expected("a value")
	}
}

func (d *decoder) object() (Value, error) {
	o := &Object{}
	var seen map[string]bool // of folded names, once the object is too big to be searched
	if d.space(); d.peek() == '}' {
		d.pos++
		return o, nil
	}
	o.members = make([]Member, 0, 4)
	d.path = append(d.path, step{index: -1})
	for {
		d.space()
		name, err := d.name(o, seen)
		if err != nil {
			return nil, err
		}
		v, err := d.value()
		if err != nil {
			return nil, err
		}
		o.members = append(o.members, Member{Name: name, Value: v})
		if len(o.members) == 32 {
			seen = make(map[string]bool, 64)
			for _, m := range o.members {
				seen[FoldName(m.Name)] = true
			}
		} else if seen != nil {
			seen[FoldName(name)] = true
		}
		d.space()
		switch d.peek() {
		case ',':
			d.pos++
		case '}':
			d.pos++
			d.path = d.path[:len(d.path)-1]
			return o, nil
		default:
			return nil, d.expected("a comma or the end of the object")
		}
	}
}

// name reads the name of the next member of o and goes to its value.
func (d *decoder) name(o *Object, seen map[string]bool) (string, error) {
	d.path[len(d.path)-1].name = ""
	if d.peek() != '"' {
		return "", d.expected("the name of a member")
	}
	begin := d.pos
	d.pos++
	name, err := d.str()
	if err != nil {
		return "", err
	}
	d.path[len(d.path)-1].name = name
	duplicate := seen[FoldName(name)]
	if seen == nil {
		duplicate = o.index(name) >= 0
	}
	if duplicate {
		d.pos = begin
		return "", d.fail("the member is there twice; names are compared without regard to case")
	}
	if len(o.members) >= d.lim.Members {
		return "", d.fail("an object has more than %d members", d.lim.Members)
	}
	if d.space(); d.peek() != ':' {
		return "", d.expected("a colon")
	}
	d.pos++
	d.space()
	return name, nil
}

func (d *decoder) array() (Value, error) {
	a := Array{}
	if d.space(); d.peek() == ']' {
		d.pos++
		return a, nil
	}
	d.path = append(d.path, step{})
	for {
		d.path[len(d.path)-1].index = len(a)
		d.space()
		v, err := d.value()
		if err != nil {
			return nil, err
		}
		a = append(a, v)
		d.space()
		switch d.peek() {
		case ',':
			d.pos++
		case ']':
			d.pos++
			d.path = d.path[:len(d.path)-1]
			return a, nil
		default:
			return nil, d.expected("a comma or the end of the list")
		}
	}
}

func (d *decoder) word(w string) error {
	if !bytes.HasPrefix(d.data[d.pos:], []byte(w)) {
		return d.expected("a value")
	}
	d.pos += len(w)
	return nil
}

func (d *decoder) number() (Value, error) {
	begin := d.pos
	for d.pos < len(d.data) && strings.IndexByte("+-.0123456789Ee", d.data[d.pos]) >= 0 {
		d.pos++
	}
	n := Number(d.text[begin:d.pos])
	if !n.Valid() {
		d.pos = begin
		return nil, d.fail("not a number, or one of more than %d characters or with an exponent beyond %d", maxNumber, maxExponent)
	}
	return n, nil
}

func (d *decoder) expected(what string) error {
	if d.pos >= len(d.data) {
		return d.fail("the document ends too early: %s is expected", what)
	}
	return d.fail("%s is expected", what)
}

func (d *decoder) fail(format string, args ...any) error {
	return &Error{Offset: int64(d.base + d.pos), Path: d.where(), Err: fmt.Errorf(format, args...)}
}

// where writes the path of the value being read. Names come from the sender:
// they are cut, and what does not print is replaced.
func (d *decoder) where() string {
	var b strings.Builder
	for _, s := range d.path {
		if s.index >= 0 {
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(printable(s.name))
	}
	return strings.TrimSuffix(b.String(), ".")
}

func printable(name string) string {
	n := 0
	return strings.Map(func(r rune) rune {
		n++
		switch {
		case n > 80:
			return -1
		case !unicode.IsPrint(r):
			return '?'
		default:
			return r
		}
	}, name)
}

func invalidUTF8(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}
