package kit

import "time"

// Toast is what just happened, shown for a while. The zero value shows nothing.
type Toast struct {
	Text  string
	Role  Role
	until time.Time
}

// NewToast shows text from now on: longer when there is more to read, and an
// error twice as long.
func NewToast(role Role, text string, now time.Time) Toast {
	stay := 4*time.Second + time.Duration(len(text)/15)*time.Second
	if role == Bad {
		stay *= 2
	}
	return Toast{Text: text, Role: role, until: now.Add(stay)}
}

// Shown reports whether the toast is still to be seen.
func (t Toast) Shown(now time.Time) bool { return t.Text != "" && now.Before(t.until) }

// Line draws it, with a sign so that the role is not said by colour alone.
func (t Toast) Line(theme *Theme) Line {
	sign := theme.Signs.Bullet
	switch t.Role {
	case Good:
		sign = theme.Signs.Good
	case Warn:
		sign = theme.Signs.Warn
	case Bad:
		sign = theme.Signs.Bad
	}
	return L(Text(t.Role, sign+" "+t.Text))
}
