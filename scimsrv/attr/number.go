package attr

import (
	"strconv"
	"strings"
)

// Number is a JSON number as it was written.
type Number string

// maxNumber is the length, in bytes, of the longest number that is decoded, and
// maxExponent its greatest exponent: RFC 8259 §6 lets a receiver choose. They
// keep a comparison from costing more than the digits that were sent.
const (
	maxNumber   = 100
	maxExponent = 9999
)

// Int64 returns the number if it is a whole one that fits, also when it was
// written as 5.0 or 50e-1.
func (n Number) Int64() (int64, bool) {
	d, ok := n.decimal()
	if !ok {
		return 0, false
	}
	if d.digits == "" {
		return 0, true
	}
	if d.exp < int64(len(d.digits)) || d.exp > 19 {
		return 0, false
	}
	text := d.digits + strings.Repeat("0", int(d.exp)-len(d.digits))
	if d.neg {
		text = "-" + text
	}
	i, err := strconv.ParseInt(text, 10, 64)
	return i, err == nil
}

// IsInteger reports whether the number has no fraction, however it was written.
func (n Number) IsInteger() bool {
	d, ok := n.decimal()
	return ok && d.exp >= int64(len(d.digits))
}

// Valid reports whether n is a number as JSON writes it, within the limits that
// decoding keeps: 100 bytes, exponent up to 9999.
func (n Number) Valid() bool {
	_, ok := n.decimal()
	return ok
}

// Compare orders numbers by what they are worth: 1, 1.0 and 10e-1 are the same.
// No float is involved, so nothing is rounded. Texts that are no numbers come
// first, in the order of their bytes.
func (n Number) Compare(m Number) int {
	a, aok := n.decimal()
	b, bok := m.decimal()
	switch {
	case !aok && !bok:
		return strings.Compare(string(n), string(m))
	case !aok:
		return -1
	case !bok:
		return 1
	}
	if c := a.sign() - b.sign(); c != 0 {
		return c / abs(c)
	}
	c := a.magnitude(b)
	if a.neg {
		return -c
	}
	return c
}

// decimal is the value 0.digits × 10^exp. Digits neither begin nor end with a
// zero; zero has none.
type decimal struct {
	neg    bool
	digits string
	exp    int64
}

func (d decimal) sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.neg:
		return -1
	default:
		return 1
	}
}

func (d decimal) magnitude(e decimal) int {
	switch {
	case d.exp < e.exp:
		return -1
	case d.exp > e.exp:
		return 1
	default:
		// Without leading zeros digits compare from the left, as text does.
		return strings.Compare(d.digits, e.digits)
	}
}

func (d decimal) String() string {
	if d.digits == "" {
		return "0"
	}
	s := "0." + d.digits + "e" + strconv.FormatInt(d.exp, 10)
	if d.neg {
		return "-" + s
	}
	return s
}

func (n Number) decimal() (decimal, bool) {
	s := string(n)
	if len(s) > maxNumber {
		return decimal{}, false
	}
	var d decimal
	s, d.neg = strings.CutPrefix(s, "-")
	whole, s := cutDigits(s)
	if whole == "" || len(whole) > 1 && whole[0] == '0' {
		return decimal{}, false
	}
	fraction := ""
	if rest, ok := strings.CutPrefix(s, "."); ok {
		if fraction, s = cutDigits(rest); fraction == "" {
			return decimal{}, false
		}
	}
	if s != "" {
		if s[0] != 'e' && s[0] != 'E' {
			return decimal{}, false
		}
		digits := strings.TrimLeft(s[1:], "+-")
		if only, rest := cutDigits(digits); only == "" || rest != "" || len(s)-1-len(digits) > 1 {
			return decimal{}, false
		}
		e, err := strconv.ParseInt(s[1:], 10, 64)
		if err != nil || e > maxExponent || e < -maxExponent {
			return decimal{}, false
		}
		d.exp = e
	}
	d.exp += int64(len(whole))
	digits := whole + fraction
	trimmed := strings.TrimLeft(digits, "0")
	d.exp -= int64(len(digits) - len(trimmed))
	d.digits = strings.TrimRight(trimmed, "0")
	if d.digits == "" {
		return decimal{}, true
	}
	return d, true
}

func cutDigits(s string) (digits, rest string) {
	i := 0
	for i < len(s) && '0' <= s[i] && s[i] <= '9' {
		i++
	}
	return s[:i], s[i:]
}

func abs(i int) int {
	if i < 0 {
		return -i
	}
	return i
}
