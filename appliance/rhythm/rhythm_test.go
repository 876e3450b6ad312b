package rhythm

import (
	"testing"
	"time"

	"rollcall/appliance/model"
)

// heard learns from the times at which a sender was heard.
func heard(at ...time.Time) model.Rhythm {
	var r model.Rhythm
	var last time.Time
	for _, t := range at {
		r = Learn(r, last, t)
		last = t
	}
	return r
}

var monday = time.Date(2026, 11, 16, 8, 0, 0, 0, time.UTC)

// entra visits every forty minutes for some minutes.
func entra(from time.Time, visits int) []time.Time {
	var out []time.Time
	for i := range visits {
		for m := range 4 {
			out = append(out, from.Add(time.Duration(i)*40*time.Minute+time.Duration(m)*time.Minute))
		}
	}
	return out
}

// okta comes with changes: some during office hours, none at the weekend.
func okta(from time.Time, days int) []time.Time {
	var out []time.Time
	for d := range days {
		day := from.AddDate(0, 0, d)
		if w := day.Weekday(); w == time.Saturday || w == time.Sunday {
			continue
		}
		for _, h := range []time.Duration{0, 25 * time.Minute, 3 * time.Hour, 7*time.Hour + 40*time.Minute} {
			out = append(out, day.Add(h))
		}
	}
	return out
}

func TestSteadySenderIsMissedAfterThreeVisits(t *testing.T) {
	silence, beat := Patience(heard(entra(monday, 30)...))
	if beat < 35*time.Minute || beat > 40*time.Minute || silence < 90*time.Minute || silence > 2*time.Hour {
		t.Errorf("patience %v with a beat of %v", silence, beat)
	}
}

func TestSenderWithoutABeatMayRestOverAWeekend(t *testing.T) {
	silence, beat := Patience(heard(okta(monday, 14)...))
	if beat != 0 {
		t.Errorf("a beat of %v was heard where there is none", beat)
	}
	friday := monday.AddDate(0, 0, 4).Add(8 * time.Hour)
	if easter := friday.AddDate(0, 0, 4).Sub(friday); silence < easter {
		t.Errorf("patience %v is less than a long weekend", silence)
	}
	if silence > 10*24*time.Hour {
		t.Errorf("patience %v: a sender that stopped is noticed too late", silence)
	}
}

func TestOneOutageDoesNotMakeASteadySenderUnsteady(t *testing.T) {
	at := append(entra(monday, 20), entra(monday.Add(70*time.Hour), 20)...)
	silence, beat := Patience(heard(at...))
	if beat == 0 || silence > 3*time.Hour {
		t.Errorf("patience %v with a beat of %v after one outage", silence, beat)
	}
}

func TestTooLittleIsKnownAtFirst(t *testing.T) {
	if silence, _ := Patience(heard(entra(monday, enough)...)); silence != 0 {
		t.Errorf("patience %v after %d visits", silence, enough)
	}
	if silence, _ := Patience(heard(entra(monday, enough+1)...)); silence == 0 {
		t.Error("nothing is learnt from seven visits")
	}
}

func TestAClockSetBackTeachesNothing(t *testing.T) {
	r := heard(entra(monday, 10)...)
	if again := Learn(r, monday.Add(time.Hour), monday); len(again.Silences) != len(r.Silences) {
		t.Errorf("%v", again.Silences)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	if r := heard(entra(monday, 500)...); len(r.Silences) != kept {
		t.Errorf("%d silences are kept", len(r.Silences))
	}
}
