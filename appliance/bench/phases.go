package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rollcall/appliance/admin"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
)

// starting measures an appliance with nothing to do and then starts the one that
// is measured.
func (w *world) starting(ctx context.Context) error {
	raw, err := os.ReadFile(w.config())
	if err != nil {
		return err
	}
	from, _, _ := strings.Cut(string(raw), "[sources.")
	idle := filepath.Join(w.dir, "idle.toml")
	text := strings.ReplaceAll(from, filepath.Join(w.dir, "data"), filepath.Join(w.dir, "idle")) + "[sources.okta]\nkind = \"okta\"\n"
	if err := os.WriteFile(idle, []byte(text), 0o600); err != nil {
		return err
	}
	d, err := start(ctx, w.o.Binary, idle, w.socket())
	if err != nil {
		return err
	}
	if _, err := d.Status(ctx); err != nil {
		return err
	}
	w.r.MemoryStarted, err = d.memory()
	_, endErr := d.end()
	if err := errors.Join(err, endErr); err != nil {
		return err
	}
	if w.d, err = start(ctx, w.o.Binary, w.config(), w.socket()); err != nil || w.o.NoHR {
		return err
	}
	w.say("first read")
	return w.firstRead(ctx)
}

// firstRead waits until the read is over that the appliance begins by itself at
// its first start.
func (w *world) firstRead(ctx context.Context) error {
	for {
		runs, err := w.d.Runs(ctx, admin.Page{Limit: 20})
		if err != nil {
			return err
		}
		for _, r := range runs {
			if r.Source == "hibob" && r.Verdict != model.VerdictRunning {
				return w.d.Wait(ctx, nil)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// firstRun looks at the first read, previews, activates and delivers.
func (w *world) firstRun(ctx context.Context) (err error) {
	first, err := w.lastRead(ctx)
	if err != nil {
		return err
	}
	w.r.FirstRead = first.Ended.Sub(first.Started).Seconds()
	reading := w.d.cpu()
	w.r.FirstReadCPU = reading.Seconds()
	w.r.MemoryFirstRead = w.d.takePeak()
	w.say("plan and readiness report")
	if w.r.Plan, err = timed(func() error { return w.d.PlanTo(ctx, "hibob", io.Discard) }); err != nil {
		return err
	}
	if w.r.Readiness, err = timed(func() error { return w.d.ReadinessTo(ctx, io.Discard) }); err != nil {
		return err
	}
	w.r.PlanCPU = (w.d.cpu() - reading).Seconds()
	w.r.MemoryPlan = w.d.takePeak()
	if !w.o.Deliver {
		// Before the first job is released: afterwards one would be on its way already.
		if err := w.d.SetLane(ctx, "javelo", "paused"); err != nil {
			return err
		}
	}
	w.say("activation")
	before := w.d.cpu()
	if w.r.Activate, err = timed(func() error { _, err := w.d.Activate(ctx, "hibob"); return err }); err != nil {
		return err
	}
	w.r.ActivateCPU = (w.d.cpu() - before).Seconds()
	w.r.MemoryActivate = w.d.takePeak()
	if !w.o.Deliver {
		return nil
	}
	w.say("deliveries")
	if w.r.Deliver, err = timed(func() error { return w.d.Wait(ctx, nil) }); err != nil {
		return err
	}
	w.r.Writes, w.r.TwiceWritten = w.target.take(true)
	return nil
}

func timed(fn func() error) (float64, error) {
	begun := time.Now()
	err := fn()
	return time.Since(begun).Seconds(), err
}

// read reads HiBob once and returns the run.
func (w *world) read(ctx context.Context) (model.Run, error) {
	if err := errors.Join(w.d.Sync(ctx, []string{"hibob"}), w.d.Wait(ctx, []string{"hibob"})); err != nil {
		return model.Run{}, err
	}
	return w.lastRead(ctx)
}

// lastRead returns the newest read of HiBob, which must be complete.
func (w *world) lastRead(ctx context.Context) (model.Run, error) {
	runs, err := w.d.Runs(ctx, admin.Page{Limit: 20})
	if err != nil {
		return model.Run{}, err
	}
	for _, r := range runs {
		if r.Source != "hibob" || r.Cause != model.CausePoll {
			continue
		}
		if r.Verdict != model.VerdictComplete || r.Counts.Seen != w.r.People {
			break
		}
		return r, nil
	}
	return model.Run{}, fmt.Errorf("the read is not complete: %+v", runs)
}

// noChange reads everybody again, in another order, and compares that with
// decoding the same answer and dropping it.
func (w *world) noChange(ctx context.Context) error {
	w.say("read without a change")
	repeat := max(1, min(20, 200_000/w.r.People)) // short ones are repeated
	w.d.takePeak()
	for range repeat {
		floor, err := timed(w.drop)
		if err != nil {
			return err
		}
		cpu := w.d.cpu()
		written, err := w.d.written()
		if err != nil {
			return err
		}
		run, err := w.read(ctx)
		if err != nil {
			return err
		}
		now, err := w.d.written()
		if err != nil {
			return err
		}
		if run.Counts.Unchanged != w.r.People || effects(run.Counts) != 0 {
			return fmt.Errorf("the read found changes where there are none: %+v", run.Counts)
		}
		w.r.Floor += floor / float64(repeat)
		w.r.NoChange += run.Ended.Sub(run.Started).Seconds() / float64(repeat)
		w.r.NoChangeCPU += (w.d.cpu() - cpu).Seconds() / float64(repeat)
		w.r.NoChangeWritten += (now - written) / int64(repeat)
	}
	w.r.NoChangeRatio = w.r.NoChange / w.r.Floor
	w.r.NoChangeWrites, _ = w.target.take(false)
	w.r.MemoryRun = w.d.takePeak()
	return nil
}

// drop decodes HiBob's answer as a stream and throws it away.
func (w *world) drop() error {
	req, err := http.NewRequest(http.MethodPost, w.at+"/v1/people/search", strings.NewReader("{}"))
	if err != nil {
		return err
	}
	req.SetBasicAuth(serviceUser, serviceToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return employees(resp.Body, func(json.RawMessage) error { return nil })
}

// change lets one in a hundred change and counts what reaches the target.
func (w *world) change(ctx context.Context) error {
	w.say("read with changes")
	w.r.Changed = max(1, w.r.People/100)
	if err := w.hibob.marry(w.r.Changed); err != nil {
		return err
	}
	run, err := w.read(ctx)
	if err != nil {
		return err
	}
	if run.Counts.Changed != w.r.Changed {
		return fmt.Errorf("%d people changed and the read found %d", w.r.Changed, run.Counts.Changed)
	}
	w.r.ChangeRun = run.Ended.Sub(run.Started).Seconds()
	if w.o.Deliver {
		if err := w.d.Wait(ctx, nil); err != nil {
			return err
		}
		w.r.ChangedWrites, _ = w.target.take(false)
	}
	if w.r.DatabaseBytes, err = w.databaseBytes(); err != nil {
		return err
	}
	w.r.MemoryService, err = w.d.memory()
	return err
}

// restart stops the appliance and starts it with everybody on disk.
func (w *world) restart(ctx context.Context) error {
	w.say("restart")
	took, err := w.d.end()
	w.d = nil
	if err != nil {
		return err
	}
	w.r.Shutdown = took.Seconds()
	if w.d, err = start(ctx, w.o.Binary, w.config(), w.socket()); err != nil {
		return err
	}
	w.r.Start = w.d.ready.Seconds()
	if _, err := w.d.Status(ctx); err != nil {
		return err
	}
	w.r.MemoryRestart, err = w.d.memory()
	return err
}

func (w *world) databaseBytes() (int64, error) {
	info, err := os.Stat(filepath.Join(w.dir, "data", store.FileName))
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
