package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// None is the part of a [Limit] that does not limit.
const None = -1

// Limit is a number, a percentage, or both, of which the smaller allows. In the
// file: 20, "5%", or ["5%", 20]. The zero Limit allows nothing.
type Limit struct {
	Share int // in hundredths of a percent, 500 is 5 %; None
	Count int // None
}

func percent(n int) Limit { return Limit{Share: n * 100, Count: None} }

// Allowed says what may be written.
func (Limit) Allowed() string {
	return `a number such as 20, a percentage such as "5%", or both as ["5%", 20]`
}

// Of returns how many out of total the limit allows. A percentage other than
// 0 % always allows at least least; a number means what it says.
func (l Limit) Of(total, least int) int {
	allowed := math.MaxInt
	if l.Share > 0 {
		allowed = max(int(int64(max(total, 0))*int64(l.Share)/10000), least)
	}
	if l.Share == 0 {
		allowed = 0
	}
	if l.Count >= 0 {
		allowed = min(allowed, l.Count)
	}
	return allowed
}

// UnmarshalTOML takes an integer, a text, or a list of one of each.
func (l *Limit) UnmarshalTOML(v any) error {
	out := Limit{Share: None, Count: None}
	parts, ok := v.([]any)
	if !ok {
		parts = []any{v}
	}
	if len(parts) == 0 || len(parts) > 2 {
		return errors.New("not one number, one percentage, or one of each")
	}
	for _, p := range parts {
		switch p := p.(type) {
		case int64:
			if p < 0 || p > math.MaxInt32 {
				return errors.New("the number is negative or too large")
			}
			if out.Count != None {
				return errors.New("two numbers")
			}
			out.Count = int(p)
		case string:
			share, err := parsePercent(p)
			if err != nil {
				return err
			}
			if out.Share != None {
				return errors.New("two percentages")
			}
			out.Share = share
		default:
			return errors.New("neither a number nor a percentage")
		}
	}
	*l = out
	return nil
}

// MarshalTOML returns the value as the file spells it.
func (l Limit) MarshalTOML() ([]byte, error) {
	share := `"` + spellPercent(l.Share) + `"`
	switch {
	case l.Share == None:
		return strconv.AppendInt(nil, int64(l.Count), 10), nil
	case l.Count == None:
		return []byte(share), nil
	}
	return fmt.Appendf(nil, "[%s, %d]", share, l.Count), nil
}

// String returns "5 %", "20" or "5 % or 20" for sentences.
func (l Limit) String() string {
	switch {
	case l.Share == None:
		return strconv.Itoa(l.Count)
	case l.Count == None:
		return spellPercent(l.Share)
	}
	return spellPercent(l.Share) + " or " + strconv.Itoa(l.Count)
}

func parsePercent(s string) (int, error) {
	digits, ok := strings.CutSuffix(s, "%")
	whole, fraction, hasFraction := strings.Cut(strings.TrimSpace(digits), ".")
	n, err := strconv.ParseUint(whole, 10, 16)
	if !ok || err != nil || hasFraction && (len(fraction) < 1 || len(fraction) > 2) {
		return 0, errors.New("not a percentage")
	}
	hundredths := int(n) * 100
	if hasFraction {
		f, err := strconv.ParseUint((fraction + "0")[:2], 10, 16)
		if err != nil {
			return 0, errors.New("not a percentage")
		}
		hundredths += int(f)
	}
	if hundredths > 10000 {
		return 0, errors.New("more than 100%")
	}
	return hundredths, nil
}

func spellPercent(hundredths int) string {
	s := strconv.Itoa(hundredths / 100)
	if f := hundredths % 100; f != 0 {
		s += "." + strings.TrimRight(fmt.Sprintf("%02d", f), "0")
	}
	return s + "%"
}
