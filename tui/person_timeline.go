package tui

import (
	"strings"
	"time"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/tui/kit"
)

// stretch is a time in which a source or a target had the person: from the day
// it begins to the day it ends, zero where it goes on.
type stretch struct {
	label    string
	from, to time.Time
	account  bool
	about    string
}

// timeline draws the person in time: one bar for each record, by the dates it
// states, and one for each account, by what the history says was delivered, on
// one axis with today marked. A rehire, a late leaver or an account that outlives
// its records is seen at once.
func (d *personDetail) timeline(p admin.Person, w int) kit.Block {
	if !d.history.loaded {
		return asOf(d.env, &d.history, "the history", w)
	}
	today := d.env.now
	bars := append(employments(p), tenures(p, d.history.value)...)
	first, last := today, today
	for _, b := range bars {
		if !b.from.IsZero() && b.from.Before(first) {
			first = b.from
		}
		if b.from.After(last) {
			last = b.from
		}
		if b.to.After(last) {
			last = b.to
		}
	}
	if last.Sub(first) < 24*time.Hour {
		first = first.AddDate(0, -1, 0)
	}
	const label, about = 18, 25
	axis := timeAxis{first: first, last: last.AddDate(0, 0, 1), w: max(w-label-about-2, 12)}
	theme := d.env.theme
	block := kit.Block{
		kit.L(kit.Text(kit.Faint, strings.Repeat(" ", label)+axis.years())),
		kit.L(kit.Text(kit.Accent, strings.Repeat(" ", label+axis.column(today))+"v today")),
	}
	for _, b := range bars {
		name := kit.Truncate(b.label, label-3, theme.Signs.Ellipsis)
		line := kit.L(kit.Text(kit.Strong, "  "+name+strings.Repeat(" ", label-2-kit.Width(name))))
		line.Spans = append(line.Spans, axis.bar(theme, b, today)...)
		line.Spans = append(line.Spans, kit.Text(kit.Faint, "  "+b.about))
		block = append(block, line)
	}
	if len(bars) == 0 {
		return kit.Block{kit.L(kit.Text(kit.Faint, "  No record states a date, and no account was delivered."))}
	}
	full, account := barRunes(theme)
	return append(block, kit.Line{}, kit.L(kit.Text(kit.Faint, "  "+strings.Repeat(full, 2)+" employed, says the source   "+
		strings.Repeat(account, 2)+" active account, as delivered")))
}

// barRunes are what bars are drawn with: of records, and of accounts.
func barRunes(theme *kit.Theme) (record, account string) {
	if theme.ASCII {
		return "=", "#"
	}
	return "━", "█"
}

// employments are the times that the records of a person state.
func employments(p admin.Person) []stretch {
	var out []stretch
	for _, r := range p.Records {
		b := stretch{label: r.Source}
		b.from = dateOf(r.Attributes[string(model.StartDate)])
		if b.from.IsZero() {
			b.from = dateOf(r.Attributes[string(model.FirstHiredOn)])
		}
		b.to = dateOf(r.Attributes[string(model.EndDate)])
		switch {
		case r.Gone:
			b.about = "not listed any more"
		case b.from.IsZero():
			b.about = "states no dates; " + r.Status
		case b.to.IsZero():
			b.about = "since " + b.from.Format(time.DateOnly)
		default:
			b.about = b.from.Format("2006-01") + " to " + b.to.Format(time.DateOnly)
		}
		out = append(out, b)
	}
	return out
}

// tenures are the times in which accounts were active, as far as the history
// goes back.
func tenures(p admin.Person, history []admin.HistoryEntry) []stretch {
	var out []stretch
	running := map[string]int{} // target → index in out
	for _, entry := range history {
		ev := entry.Event
		target, _, _ := strings.Cut(ev.Reason, " account ")
		switch ev.Verb {
		case "created", "adopted", "reactivated":
			if _, ok := running[target]; !ok {
				running[target] = len(out)
				out = append(out, stretch{label: target, account: true, from: ev.At, about: ev.Verb + " " + ev.At.Format(time.DateOnly)})
			}
		case "deactivated", "account_gone":
			if i, ok := running[target]; ok {
				out[i].to = ev.At
				out[i].about = ev.Verb + " " + ev.At.Format(time.DateOnly)
				delete(running, target)
			}
		}
	}
	for _, a := range p.Accounts { // from before the history begins
		known := false
		for _, b := range out {
			known = known || b.label == a.Target
		}
		if !known && a.Active {
			out = append(out, stretch{label: a.Target, account: true, from: a.At, about: "last written " + a.At.Format(time.DateOnly)})
		}
	}
	return out
}

func dateOf(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

// timeAxis maps days to columns.
type timeAxis struct {
	first, last time.Time
	w           int
}

func (a timeAxis) column(t time.Time) int {
	whole := a.last.Sub(a.first)
	return max(min(int(float64(t.Sub(a.first))/float64(whole)*float64(a.w)), a.w-1), 0)
}

// years marks where years begin, as many as are readable.
func (a timeAxis) years() string {
	line := []byte(strings.Repeat(" ", a.w+4))
	free := 0
	put := func(at int, text string) {
		if at >= free && at+len(text) <= len(line) {
			copy(line[at:], text)
			free = at + len(text) + 2
		}
	}
	put(0, a.first.Format("2006"))
	for y := a.first.Year() + 1; y <= a.last.Year(); y++ {
		put(a.column(time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC)), time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC).Format("2006"))
	}
	return string(line[:a.w])
}

// bar draws one stretch: what lies ahead of today is fainter.
func (a timeAxis) bar(theme *kit.Theme, b stretch, today time.Time) []kit.Span {
	record, account := barRunes(theme)
	r, role := record, kit.Good
	if b.account {
		r, role = account, kit.Accent
	}
	if b.from.IsZero() {
		return []kit.Span{kit.Text(kit.Faint, strings.Repeat(" ", a.w))}
	}
	end := b.to
	if end.IsZero() {
		end = a.last
	}
	from, to, now := a.column(b.from), max(a.column(end), a.column(b.from)), a.column(today)
	past := max(min(to, now)-from+1, 0)
	if from > now {
		past = 0
	}
	ahead := to - from + 1 - past
	return []kit.Span{
		kit.Text(kit.Plain, strings.Repeat(" ", from)), kit.Text(role, strings.Repeat(r, past)),
		kit.Text(kit.Faint, strings.Repeat(theme.Signs.Bullet, ahead)), kit.Text(kit.Plain, strings.Repeat(" ", a.w-to-1)),
	}
}
