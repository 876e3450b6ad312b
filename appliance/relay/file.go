package relay

import (
	"context"
	"time"

	"rollcall/appliance/ingest"
	"rollcall/appliance/model"
	"rollcall/appliance/store"
	"rollcall/connectors"
)

// whole puts the file when something that is ready makes it another one, and returns
// how long to wait before looking again.
func (l *Lane) whole(ctx context.Context) (time.Duration, error) {
	lane, err := l.lane()
	if err != nil {
		return 0, err
	}
	if wait, closed := closedFor(lane); closed {
		return wait, nil
	}
	ready, err := l.readyPeople()
	if err != nil {
		return 0, err
	}
	if len(ready) == 0 && !lane.File.Announced {
		l.idle()
		return idle, nil
	}
	if wait := time.Until(lane.File.At.Add(l.every)); wait > 0 && wait <= l.every && !lane.File.Announced {
		return min(wait, longestWait), nil
	}
	l.working()
	c, f, err := l.compose(ready)
	switch {
	case err != nil && connectors.ClassOf(err) == connectors.Unclassified:
		return 0, err // of the store
	case err != nil:
		_, err = l.setback(err)
		return idle, err
	}
	if f.Digest != lane.File.Digest || lane.File.Announced {
		if err := l.put(ctx, f); err != nil || ctx.Err() != nil {
			if ctx.Err() != nil {
				return 0, nil // whether the file is there, the next process finds out by putting it
			}
			l.log.Warn("file not delivered", "target", l.name, "class", connectors.ClassOf(err), "error", err)
			_, err = l.setback(err)
			return idle, err
		}
	}
	if err := l.settle(c, f); err != nil {
		return 0, err
	}
	return 0, l.recovered(lane)
}

// put makes f the file that is there.
func (l *Lane) put(ctx context.Context, f connectors.File) error {
	if err := l.engine.FileAnnounced(l.name); err != nil {
		return err
	}
	l.pass(FileAnnounced)
	bytes, err := l.file.Put(ctx, f)
	if err != nil {
		return err
	}
	l.pass(FilePut)
	l.log.Info("file delivered", "target", l.name, "people", f.People, "bytes", bytes)
	return nil
}

// settle stores what the file holds, and last which one it is.
func (l *Lane) settle(c ingest.Composition, f connectors.File) error {
	if err := l.engine.FileStored(l.name, c, f.Digest, f.People); err != nil {
		return err
	}
	l.mu.Lock()
	l.sent += len(c.Attempts)
	l.mu.Unlock()
	l.pass(FileStored)
	return nil
}

// compose makes the file of what was delivered and what is ready. Who cannot be in
// it is parked, and stays in it as they were.
func (l *Lane) compose(ready []model.PersonID) (ingest.Composition, connectors.File, error) {
	for {
		c, err := l.engine.Compose(l.name, ready)
		if err != nil {
			return c, connectors.File{}, err
		}
		f, err := l.file.Render(c.Want)
		if err != nil {
			return c, f, err
		}
		refused := 0
		for _, out := range f.LeftOut {
			if a, ok := c.Attempt(out.Person); ok {
				refused++
				text := l.name + ": the file cannot hold them: " + out.Reason
				if err := l.engine.Failed(a, ingest.Outcome{Class: connectors.Invalid.String(), Text: text, Park: true}); err != nil {
					return c, f, err
				}
			}
		}
		if refused == 0 {
			return c, f, nil
		}
	}
}

// readyPeople are those whose delivery may leave.
func (l *Lane) readyPeople() (out []model.PersonID, err error) {
	err = l.store.View(func(tx *store.Tx) error {
		if ingest.CarryingOut(tx) {
			return nil // its last step kicks
		}
		for job, err := range store.JobByState.Prefix(tx, store.Prefix(l.name, string(model.JobReady))) {
			if err != nil {
				return err
			}
			out = append(out, job.Person)
		}
		return nil
	})
	return out, err
}
