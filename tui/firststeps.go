package tui

import (
	"errors"
	"io/fs"
	"strconv"
	"syscall"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/tui/kit"
)

// step is one thing to do before the appliance relays anything.
type step struct {
	text    string
	command string
	done    bool
	leads   *stop // where it can be done here, nil when only elsewhere
}

// firstSteps says what to do next until the first source is active; nil from
// then on. Looked says of which sources the plan was looked at.
func firstSteps(st admin.Status, looked map[string]bool) []step {
	var silent, failing, tokenless, ready string
	for _, s := range st.Sources {
		if s.State == "active" {
			return nil
		}
		heard := !s.LastGood.IsZero() || !s.LastHeard.IsZero()
		pushes := model.Kind(s.Kind).Pushes()
		first(&silent, s.Name, !heard)
		first(&failing, s.Name, s.Error != "")
		first(&tokenless, s.Name, pushes && s.Tokens == 0)
		first(&ready, s.Name, heard && s.Error == "")
	}
	configured := len(st.Sources) > 0 && len(st.Targets) > 0
	steps := []step{
		{text: "Name at least one source and one target in the configuration", command: "rollcall config check", done: configured},
		{text: "See that credentials and permissions are good: enter, then c", command: "rollcall check", done: configured && failing == ""},
		{text: "Give each sender a token", command: "rollcall token create SOURCE", done: configured && tokenless == ""},
		{text: "Wait until every source was read or heard once", command: "rollcall sync --wait", done: configured && silent == ""},
		{text: "Look at what would change; nothing is written yet", command: "rollcall plan SOURCE"},
		{text: "Activate the source: from then on changes are relayed", command: "rollcall activate SOURCE"},
	}
	if failing != "" {
		steps[1].text, steps[1].command = "Put right what "+failing+" refuses; enter, then c checks again", "rollcall check "+quoted(failing)
	}
	if len(st.Sources) > 0 {
		name := st.Sources[0].Name
		if failing != "" {
			name = failing
		}
		steps[1].leads = &stop{to: onSystems, subject: "source:" + name}
	}
	if tokenless != "" {
		steps[2].text, steps[2].command = "Create a token for "+tokenless+" and paste it there: enter, then t", "rollcall token create "+quoted(tokenless)
		steps[2].leads = &stop{to: onSystems, subject: "source:" + tokenless}
	}
	if silent != "" {
		steps[3].text, steps[3].command = "Wait until "+silent+" was read or heard once", "rollcall status"
		steps[3].leads = &stop{to: onSystems, subject: "source:" + silent}
	}
	if ready != "" {
		plan := &stop{to: onPlan, subject: "source:" + ready}
		steps[4].command, steps[4].leads, steps[4].done = "rollcall plan "+quoted(ready), plan, looked[ready]
		steps[5].text, steps[5].command, steps[5].leads = "Activate "+ready+": enter, then a; from then on it counts", "rollcall activate "+quoted(ready), plan
	}
	return steps
}

// first sets *name to candidate when it is still empty and the condition holds.
func first(name *string, candidate string, holds bool) {
	if *name == "" && holds {
		*name = candidate
	}
}

// startSteps says what to do while no appliance answers at all.
func startSteps() []step {
	return []step{
		{text: "Write a configuration; this prints one with every key", command: "rollcall config example"},
		{text: "See what is wrong with it, line by line", command: "rollcall config check"},
		{text: "Start the appliance; this screen finds it by itself", command: "systemctl start rollcall"},
		{text: "Or look around in a company that does not exist", command: "rollcall demo"},
	}
}

// absent reports whether there is no appliance to answer, rather than one that
// does not answer in time or not to this user.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
}

// nextStep is the step to do next, -1 when there is none.
func nextStep(steps []step) int {
	for i, s := range steps {
		if !s.done {
			return i
		}
	}
	return -1
}

func (d *overviewDrawing) steps(steps []step) {
	signs := d.env.theme.Signs
	d.add(d.env.theme.Rule("First steps", d.w))
	next := nextStep(steps)
	for i, s := range steps {
		role, sign := kit.Faint, " "
		switch {
		case s.done:
			role, sign = kit.Good, signs.Done
		case i == next:
			role, sign = kit.Accent, signs.Next
		}
		margin := kit.Span{Text: "  "}
		selected := s.leads != nil && d.stop()
		if selected {
			margin = kit.Text(kit.Accent, signs.Cursor+" ")
		}
		left := kit.L(margin, kit.Text(role, sign+" "), kit.Text(kit.Plain, strconv.Itoa(i+1)+". "+s.text))
		command := kit.L(kit.Text(kit.Faint, s.command+" "))
		if left.Width()+command.Width() < d.w {
			line := kit.Justify(left, command, d.w)
			line.Selected = selected
			d.add(line)
			continue
		}
		left.Selected = selected
		d.add(left, kit.L(kit.Text(kit.Faint, "       "+s.command)))
	}
}
