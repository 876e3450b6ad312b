package tui

import (
	"strconv"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/tui/kit"
)

// step is one thing to do before the appliance relays anything.
type step struct {
	text    string
	command string
	done    bool
}

// firstSteps says what to do next until the first source is active; nil from
// then on.
func firstSteps(st admin.Status) []step {
	silent, failing, tokenless, name := "", "", "", "SOURCE"
	for _, s := range st.Sources {
		if s.State == "active" {
			return nil
		}
		pushes := model.Kind(s.Kind).Pushes()
		if s.LastGood.IsZero() && s.LastHeard.IsZero() && silent == "" {
			silent = s.Name
		}
		if s.Error != "" && failing == "" {
			failing = s.Name
		}
		if pushes && s.Tokens == 0 && tokenless == "" {
			tokenless = s.Name
		}
		if name == "SOURCE" && (!s.LastGood.IsZero() || !s.LastHeard.IsZero()) {
			name = s.Name
		}
	}
	configured := len(st.Sources) > 0 && len(st.Targets) > 0
	check := step{text: "See that credentials and permissions are good", command: "rollcall check", done: configured && failing == ""}
	if failing != "" {
		check.text, check.command = "Put right what "+failing+" refuses", "rollcall check "+quoted(failing)
	}
	token := step{text: "Give each sender a token", command: "rollcall token create SOURCE", done: configured && tokenless == ""}
	if tokenless != "" {
		token.text, token.command = "Create a token for "+tokenless+" and paste it there", "rollcall token create "+quoted(tokenless)
	}
	heard := step{text: "Wait until every source was read or heard once", command: "rollcall status", done: configured && silent == ""}
	if silent != "" {
		heard.text = "Wait until " + silent + " was read or heard once"
	}
	return []step{
		{text: "Name at least one source and one target in the configuration", command: "rollcall config check", done: configured},
		check, token, heard,
		{text: "Look at what would change; nothing is written yet", command: "rollcall plan " + quoted(name)},
		{text: "Activate the source: from then on changes are relayed", command: "rollcall activate " + quoted(name)},
	}
}

func (d *overviewDrawing) steps(steps []step) {
	signs := d.env.theme.Signs
	d.add(d.env.theme.Rule("First steps", d.w))
	next := true
	for i, s := range steps {
		role, sign := kit.Faint, " "
		switch {
		case s.done:
			role, sign = kit.Good, signs.Done
		case next:
			role, sign, next = kit.Accent, signs.Next, false
		}
		left := kit.L(kit.Text(role, "  "+sign+" "), kit.Text(kit.Plain, strconv.Itoa(i+1)+". "+s.text))
		command := kit.L(kit.Text(kit.Faint, s.command+" "))
		if left.Width()+command.Width() < d.w {
			d.add(kit.Justify(left, command, d.w))
			continue
		}
		d.add(left, kit.L(kit.Text(kit.Faint, "       "+s.command)))
	}
}
