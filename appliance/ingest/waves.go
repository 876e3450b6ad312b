package ingest

import (
	"fmt"
	"slices"

	"rollcall/appliance/model"
	"rollcall/appliance/reconcile"
	"rollcall/appliance/store"
)

// waveShares are the shares of a run that the waves after the first go up to; the
// first is one account, and the last is the rest.
var waveShares = []float64{0.05, 0.25}

// waveSizes splits n accounts into waves: one, then 5 %, then 25 %, then the rest.
func waveSizes(n int) []int {
	sizes := []int{1}
	left := n - 1
	for _, share := range waveShares {
		if size := min(max(1, int(float64(n)*share)), left); size > 0 {
			sizes = append(sizes, size)
			left -= size
		}
	}
	if left > 0 {
		sizes = append(sizes, left)
	}
	return sizes
}

func wavesWanted(source string) string { return "waves.wanted:" + source }

// wavesUnderWay is the setting that lists the runs whose waves a target is getting.
func wavesUnderWay(target string) string { return "waves:" + target }

func (c *change) wantWaves(source string, want bool) error {
	return c.tx.SetSetting(wavesWanted(source), want)
}

// inWaves reports whether a run goes out in waves: because it was asked for, which
// an activation that is cut off remembers, or because it is large.
func (c *change) inWaves(run model.Run, n int) (bool, error) {
	wanted := false
	if run.Cause == model.CauseActivate {
		if _, err := c.tx.Setting(wavesWanted(run.Source), &wanted); err != nil {
			return false, err
		}
	}
	return n > 1 && (wanted || c.settings.WavesFrom > 0 && n >= c.settings.WavesFrom), nil
}

// wavesOf decides whether a run goes to a target in waves, and of which sizes.
func (c *change) wavesOf(cl *ruling, t *TargetSettings, n *reconcile.Census) error {
	all := 0
	for _, k := range n.Effects {
		all += k
	}
	yes, err := c.inWaves(cl.Run, all)
	if err != nil || !yes || !t.ReadBack {
		return err
	}
	if err := c.orderWaves(cl, t, nil); err != nil {
		return err
	}
	order := cl.orders[t.Name]
	// Those who pass the guards may be fewer.
	if yes, err = c.inWaves(cl.Run, len(order.ids)); err != nil || !yes {
		delete(cl.orders, t.Name)
		return err
	}
	cl.Waves = append(cl.Waves, model.Waves{Target: t.Name, Sizes: order.sizes, Current: 1, State: model.WavesSending})
	return nil
}

// waveOrder is in which wave each of a run's jobs goes. Managers go in earlier waves
// than their reports, as far as the sizes allow: so that one write carries the link.
type waveOrder struct {
	ids   []model.PersonID // sorted
	waves []uint8          // by position in ids, from 1
	sizes []int
}

func (o *waveOrder) wave(id model.PersonID) int {
	if i, ok := slices.BinarySearch(o.ids, id); ok {
		return int(o.waves[i])
	}
	return len(o.sizes)
}

// orderWaves puts the open jobs of a closing run that pass into waves of these
// sizes; nil: of the usual ones.
func (c *change) orderWaves(cl *ruling, t *TargetSettings, sizes []int) error {
	o := &waveOrder{sizes: sizes}
	for job, err := range store.JobByRun.Find(c.tx, store.Seq(cl.Run.Seq)) {
		if err != nil {
			return err
		}
		if job.State != model.JobOpen || job.Target != t.Name {
			continue
		}
		guard, err := c.stops(cl, t, job)
		if err != nil {
			return err
		}
		if guard == "" {
			o.ids = append(o.ids, job.Person)
		}
	}
	slices.Sort(o.ids)
	depth, deepest, err := c.depths(o.ids)
	if err != nil {
		return err
	}
	if o.sizes == nil {
		o.sizes = waveSizes(len(o.ids))
	}
	o.waves = make([]uint8, len(o.ids))
	wave, left := 0, 0
	for d := range deepest + 1 {
		for i := range o.ids {
			if depth[i] != d {
				continue
			}
			for left == 0 && wave < len(o.sizes) {
				left = o.sizes[wave]
				wave++
			}
			o.waves[i] = uint8(wave)
			left--
		}
	}
	if cl.orders == nil {
		cl.orders = map[string]*waveOrder{}
	}
	cl.orders[t.Name] = o
	return nil
}

// beginWaves lets the first wave of a run go.
func (c *change) beginWaves(cl *ruling, run *model.Run, t *TargetSettings) error {
	i := slices.IndexFunc(cl.Waves, func(w model.Waves) bool { return w.Target == t.Name })
	if i < 0 {
		return nil
	}
	for _, id := range cl.First[t.Name] {
		key := store.TargetPerson{Target: t.Name, Person: id}
		job, ok, err := store.Outbox.Get(c.tx, key)
		if err != nil {
			return err
		}
		if !ok || job.Run != run.Seq || job.Wave != 1 || job.State != model.JobOpen {
			continue
		}
		job.State, job.Reason = model.JobReady, ""
		c.kicks[t.Name] = true
		if err := store.Outbox.Put(c.tx, key, job); err != nil {
			return err
		}
	}
	w := cl.Waves[i]
	run.Waves = append(run.Waves, w)
	seqs, err := c.waved(t.Name)
	if err != nil {
		return err
	}
	if _, err := c.event("wave", runSubject(run.Seq), fmt.Sprintf("%s: 1 of %d", t.Name, len(w.Sizes))); err != nil {
		return err
	}
	return c.tx.SetSetting(wavesUnderWay(t.Name), append(seqs, run.Seq))
}

func (c *change) waved(target string) (seqs []uint64, err error) {
	_, err = c.tx.Setting(wavesUnderWay(target), &seqs)
	return seqs, err
}

// depths counts how many managers stand above each of the people, whose ids are
// sorted, among themselves.
func (c *change) depths(ids []model.PersonID) (depth []int, deepest int, err error) {
	manager := make([]int32, len(ids)) // by position; -1: none of them
	for i, id := range ids {
		p, _, err := store.Persons.Get(c.tx, id)
		if err != nil {
			return nil, 0, err
		}
		manager[i] = -1
		if m, in := slices.BinarySearch(ids, p.Manager); in && p.Manager != "" {
			manager[i] = int32(m)
		}
	}
	depth = make([]int, len(ids))
	var above []int32
	for i := range ids {
		above = append(above[:0], int32(i))
		for at := manager[i]; at >= 0 && !slices.Contains(above, at); at = manager[at] {
			above = append(above, at)
		}
		depth[i] = len(above) - 1
		deepest = max(deepest, depth[i])
	}
	return depth, deepest, nil
}

// WaveSent reports whether all of a wave was sent to a target, so that the target
// must be listed before anything else is sent in waves.
func (e *Engine) WaveSent(target string) (sent bool, err error) {
	err = e.store.View(func(tx *store.Tx) error {
		sent, err = WaveSent(tx, target)
		return err
	})
	return sent, err
}

// WaveSent is [Engine.WaveSent] within a transaction.
func WaveSent(tx *store.Tx, target string) (bool, error) {
	if CarryingOut(tx) {
		return false, nil // what of a wave is not ready may not have had its turn
	}
	var seqs []uint64
	if _, err := tx.Setting(wavesUnderWay(target), &seqs); err != nil {
		return false, err
	}
	for _, seq := range seqs {
		ready, err := readyInWave(tx, target, seq)
		if err != nil || !ready {
			return err == nil, err
		}
	}
	return false, nil
}

// readyInWave reports whether something of the waves that were let go may still be
// sent.
func readyInWave(tx *store.Tx, target string, seq uint64) (bool, error) {
	for job, err := range store.JobByRun.Find(tx, store.Seq(seq)) {
		if err != nil {
			return false, err
		}
		if job.Target == target && job.Wave > 0 && job.State == model.JobReady {
			return true, nil
		}
	}
	return false, nil
}

// readWaves looks, after a target was listed and compared with what was delivered,
// at the runs that go there in waves: what reads back as it was sent lets the next
// wave go, and the first surprise holds the rest.
func (c *change) readWaves(target string) error {
	seqs, err := c.waved(target)
	if err != nil || len(seqs) == 0 {
		return err
	}
	var going []uint64
	for _, seq := range seqs {
		on, err := c.readWave(target, seq)
		if err != nil {
			return err
		}
		if on {
			going = append(going, seq)
		}
	}
	return c.tx.SetSetting(wavesUnderWay(target), going)
}

func (c *change) readWave(target string, seq uint64) (going bool, err error) {
	run, ok, err := store.Runs.Get(c.tx, seq)
	if err != nil || !ok {
		return false, err
	}
	i := slices.IndexFunc(run.Waves, func(w model.Waves) bool { return w.Target == target && w.State == model.WavesSending })
	if i < 0 {
		return false, nil
	}
	if r, err := c.ruling(seq); err != nil || r != nil {
		return true, err // a wave is not all ready yet, or a human answers: the target is listed again
	}
	if ready, err := readyInWave(c.tx, target, seq); err != nil || ready {
		return true, err // the listing had another reason, and came in between
	}
	w := &run.Waves[i]
	surprise, err := c.surprise(target, seq)
	if err != nil {
		return false, err
	}
	if surprise != "" {
		return false, c.stopWaves(run, w, surprise)
	}
	waiting, err := c.inLaterWaves(target, seq)
	if err != nil {
		return false, err
	}
	for w.Current < len(w.Sizes) {
		w.Current++
		n := waiting[w.Current]
		if n == 0 {
			continue
		}
		if _, err := c.event("wave", runSubject(seq), fmt.Sprintf("%s: %d of %d, %d accounts", target, w.Current, len(w.Sizes), n)); err != nil {
			return false, err
		}
		if err := store.Runs.Put(c.tx, seq, run); err != nil {
			return false, err
		}
		return true, c.rule(&ruling{Actor: c.actor, Run: model.Run{Seq: seq}, Wave: &waveRule{Target: target, Number: w.Current}}, n)
	}
	w.State = model.WavesDone
	if _, err := c.event("wave", runSubject(seq), target+": done, all of it reads back as it was sent"); err != nil {
		return false, err
	}
	return false, store.Runs.Put(c.tx, seq, run)
}

// surprise says what of a run did not come out as it was sent; nothing when all
// did.
func (c *change) surprise(target string, seq uint64) (string, error) {
	refused := 0
	for job, err := range store.JobByRun.Find(c.tx, store.Seq(seq)) {
		if err != nil {
			return "", err
		}
		if job.Target == target && job.Wave > 0 && job.State == model.JobParked {
			refused++
		}
	}
	if refused > 0 {
		return fmt.Sprintf("the target refused %d of the accounts sent so far", refused), nil
	}
	differ, missing := map[model.Name]int{}, 0
	for w, err := range store.Writes.Each(c.tx, store.Seq(seq)) {
		if err != nil {
			return "", err
		}
		if w.Target != target {
			continue
		}
		d, known, err := store.Drifts.Get(c.tx, store.TargetPerson{Target: target, Person: w.Person})
		if err != nil {
			return "", err
		}
		if !known {
			continue
		}
		if d.Missing {
			missing++
		}
		for n := range d.Values {
			if !slices.Contains(d.Own, n) {
				differ[n]++
			}
		}
	}
	if missing > 0 {
		return fmt.Sprintf("%d of the accounts sent so far are not listed", missing), nil
	}
	names := make([]model.Name, 0, len(differ))
	for n := range differ {
		names = append(names, n)
	}
	if len(names) == 0 {
		return "", nil
	}
	model.SortNames(names)
	return fmt.Sprintf("%s read back in another way than sent, for %d of the accounts sent so far", names[0], differ[names[0]]), nil
}

// stopWaves holds what of a run was not sent yet.
func (c *change) stopWaves(run model.Run, w *model.Waves, surprise string) error {
	w.State, w.Reason = model.WavesStopped, surprise
	waiting, err := c.inLaterWaves(w.Target, run.Seq)
	if err != nil {
		return err
	}
	n := 0
	for _, k := range waiting {
		n += k
	}
	if n > 0 {
		h := model.Hold{Guard: reconcile.GuardWaves, Target: w.Target, Count: n, State: model.HoldWaiting,
			Reason: fmt.Sprintf("stopped in wave %d of %d: %s; %d more wait", w.Current, len(w.Sizes), surprise, n)}
		run.Holds = append(run.Holds, h)
		if err := c.addHold(run.Seq, h); err != nil {
			return err
		}
	}
	if _, err := c.event("wave_stopped", runSubject(run.Seq), w.Target+": "+surprise); err != nil {
		return err
	}
	if err := store.Runs.Put(c.tx, run.Seq, run); err != nil || n == 0 {
		return err
	}
	return c.rule(&ruling{Actor: c.actor, Run: model.Run{Seq: run.Seq}, Wave: &waveRule{Target: w.Target}}, n)
}

// waveRule lets one wave of a run go to a target, or, without a number, holds all
// that wait for one.
type waveRule struct {
	Target string `json:"target"`
	Number int    `json:"number,omitempty"`
}

func (w *waveRule) stops() bool { return w != nil && w.Number == 0 }

// inLaterWaves counts those of a run's jobs that wait for a later wave, by wave.
func (c *change) inLaterWaves(target string, seq uint64) (map[int]int, error) {
	counts := map[int]int{}
	for job, err := range store.JobByRun.Find(c.tx, store.Seq(seq)) {
		if err != nil {
			return nil, err
		}
		if job.Target == target && job.Wave > 0 && job.State == model.JobOpen {
			counts[job.Wave]++
		}
	}
	return counts, nil
}
