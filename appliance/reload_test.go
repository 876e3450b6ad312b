package appliance_test

import (
	"strings"
	"testing"

	"rollcall/appliance/config"
)

// TestAPolicyThatChangesEverybodyIsPreviewedAndHeld changes the policy under a
// running appliance so that everybody's title would change.
func TestAPolicyThatChangesEverybodyIsPreviewedAndHeld(t *testing.T) {
	w := newWorld(t, 40, "[sources.okta]\nkind = \"okta\"\n[policy]\nauthority = [\"hibob\", \"okta\"]\n")
	w.start()
	w.sync("hibob")
	w.activate("hibob")
	s := w.sender("okta")
	for _, p := range w.people[:30] {
		s.want(201, "POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"`+p.Email+`","active":true,"title":"Told by Okta","name":{"givenName":"`+p.Given+`","familyName":"`+p.Family+`"},"emails":[{"value":"`+p.Email+`","primary":true}]}`)
	}
	w.activate("okta")
	before := w.javelo.Writes()
	titles := w.titles()

	w.text = strings.Replace(w.text, `authority = ["hibob", "okta"]`, `authority = ["okta", "hibob"]`, 1)
	dry, err := w.app.Reload(w.ctx(), "test", true)
	if err != nil {
		t.Fatal(err)
	}
	if !dry.DryRun || dry.Plan == nil || len(dry.Plan.Holds) != 1 || dry.Plan.Counts["update"] < 20 || len(dry.Changes) != 1 {
		t.Errorf("the preview shows %+v with the plan %+v", dry, dry.Plan)
	}
	w.wait()
	if w.javelo.Writes() != before || w.titles() != titles {
		t.Fatal("a preview changed something")
	}
	if plan, err := w.app.Plan(w.ctx(), ""); err != nil || len(plan.Changes) != 0 {
		t.Errorf("a preview left %d changes behind: %v", len(plan.Changes), err)
	}

	r, err := w.app.Reload(w.ctx(), "test", false)
	if err != nil {
		t.Fatal(err)
	}
	w.wait()
	if len(r.Held) != 1 || r.Run == 0 {
		t.Errorf("the reload says %+v, want one hold", r)
	}
	if n := w.javelo.Writes() - before; n != 0 {
		t.Errorf("%d writes left although the guard holds them", n)
	}
	detail, err := w.app.RunDetail(w.ctx(), r.Run)
	run, deliveries := detail.Run, detail.Deliveries
	if err != nil || len(run.Holds) != 1 || run.Holds[0].Guard != "max_attribute_changes" || len(deliveries) < 20 {
		t.Errorf("run %d holds %+v over %d deliveries: %v", r.Run, run.Holds, len(deliveries), err)
	}

	// Back again: what was held has nothing to hold any more.
	w.text = strings.Replace(w.text, `authority = ["okta", "hibob"]`, `authority = ["hibob", "okta"]`, 1)
	back, err := w.app.Reload(w.ctx(), "test", false)
	if err != nil {
		t.Fatal(err)
	}
	w.wait()
	if len(back.Changes) != 1 || back.Run == 0 {
		t.Errorf("going back to the first configuration is said to change %+v", back)
	}
	if plan, err := w.app.Plan(w.ctx(), ""); err != nil || len(plan.Changes) != 0 {
		t.Errorf("after going back %d changes are pending: %v", len(plan.Changes), err)
	}
	if n := w.javelo.Writes() - before; n != 0 {
		t.Errorf("%d writes left for nothing", n)
	}
}

func (w *world) titles() string {
	var b strings.Builder
	for _, p := range w.people {
		a, _ := w.javelo.Account(p.Email)
		b.WriteString(a.Title + "\n")
	}
	return b.String()
}

// TestAMapOfASenderIsAppliedToWhatItSaidBefore changes the map of a source that
// pushes: its resources are stored, so nobody has to wait for it to write again.
func TestAMapOfASenderIsAppliedToWhatItSaidBefore(t *testing.T) {
	w := newWorld(t, 20, "[sources.okta]\nkind = \"okta\"\n[sources.okta.map]\ntitle = 'title'\n")
	w.start()
	s := w.sender("okta")
	for _, p := range w.people {
		s.want(201, "POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"`+p.Email+`","active":true,"title":"Cook","nickName":"Chef","name":{"givenName":"`+p.Given+`","familyName":"`+p.Family+`"},"emails":[{"value":"`+p.Email+`","primary":true}]}`)
	}
	w.activate("okta")
	before := w.javelo.Writes()
	w.text = strings.Replace(w.text, `title = 'title'`, `title = 'nickName'`, 1)
	dry, err := w.app.Reload(w.ctx(), "test", true)
	if err != nil {
		t.Fatal(err)
	}
	if dry.Plan.Counts["update"] != len(w.people) || len(dry.Plan.Holds) != 1 {
		t.Errorf("the preview is %+v", dry.Plan.Counts)
	}
	r, err := w.app.Reload(w.ctx(), "test", false)
	if err != nil {
		t.Fatal(err)
	}
	w.wait()
	if len(r.Held) != 1 || w.javelo.Writes() != before {
		t.Errorf("the new map held %v and wrote %d times", r.Held, w.javelo.Writes()-before)
	}
	if _, err := w.app.Approve(w.ctx(), "test", r.Run, ""); err != nil {
		t.Fatal(err)
	}
	w.wait()
	if a, _ := w.javelo.Account(w.people[0].Email); a.Title != "Chef" {
		t.Errorf("after the approval the title is %q", a.Title)
	}

	// The same while nothing runs: the next start sees that the map is another one.
	w.stop()
	w.text = strings.Replace(w.text, `title = 'nickName'`, `title = 'title'`, 1)
	w.start()
	w.wait()
	st, err := w.app.Status(w.ctx())
	if err != nil || !hasNeed(st, "hold") {
		t.Errorf("a map that was changed while stopped is not planned under the guards: %v", err)
	}
}

// TestAReadUnderANewMapIsHeld is the same for a source that is polled.
func TestAReadUnderANewMapIsHeld(t *testing.T) {
	w := newWorld(t, 40, "[sources.hibob.map]\ntitle = 'work.title'\n")
	w.start()
	w.sync("hibob")
	w.activate("hibob")
	before := w.javelo.Writes()
	w.text = strings.Replace(w.text, `title = 'work.title'`, `title = 'work.department'`, 1)
	r, err := w.app.Reload(w.ctx(), "test", false)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Reread) != 1 || r.Reread[0] != "hibob" {
		t.Errorf("read anew: %v", r.Reread)
	}
	eventually(t, "a read under the new map holds the titles", func() bool {
		st, err := w.app.Status(w.ctx())
		return err == nil && hasNeed(st, "hold")
	})
	w.wait()
	if n := w.javelo.Writes() - before; n != 0 {
		t.Errorf("%d writes left", n)
	}
}

func TestAConfigurationThatIsWrongChangesNothing(t *testing.T) {
	w := newWorld(t, 5, "")
	w.start()
	w.sync("hibob")
	w.activate("hibob")
	good := w.text
	for name, text := range map[string]string{
		"no TOML":          good + "\n[policy",
		"an unknown key":   good + "\n[policy]\nauthoritee = [\"hibob\"]\n",
		"a broken map":     good + "\n[sources.hibob.map]\ntitle = 'now('\n",
		"a missing secret": strings.Replace(good, `"sim-token"`, `{ file = "/nonexistent/secret" }`, 1),
	} {
		w.text = text
		if _, err := w.app.Reload(w.ctx(), "test", false); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	w.text = strings.Replace(good, `interval           = "1h"`, `interval           = "2h"`, 1) + "\n[log]\nlevel = \"warn\"\n"
	r, err := w.app.Reload(w.ctx(), "test", false)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Restart) != 1 || r.Restart[0] != "sources.hibob.interval" {
		t.Errorf("waiting for a restart: %v", r.Restart)
	}
	again, err := w.app.Reload(w.ctx(), "test", false)
	if err != nil || len(again.Changes) != 0 || len(again.Restart) != 1 {
		t.Errorf("read again: %+v, %v", again, err)
	}
	shown, err := w.app.ShowConfig(w.ctx())
	if err != nil || !strings.Contains(shown, "# sources.hibob.interval waits for a restart") {
		t.Errorf("the running configuration is shown as\n%s", shown)
	}
}

// load reads the configuration of the world anew, as a reload does.
func (w *world) load() (*config.Config, error) {
	cfg, err := config.Parse("test.toml", []byte(w.text), config.System())
	if err != nil {
		return nil, err
	}
	return cfg, cfg.ResolveSecrets()
}
