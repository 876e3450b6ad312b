package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"rollcall/appliance/admin/client"
)

// daemon is a running appliance: the same program, started as "rollcall run", in a
// process of its own so that its memory is its own.
type daemon struct {
	*client.Client
	cmd   *exec.Cmd
	ended chan error
	scim  string        // base URL of the SCIM service
	ready time.Duration // from the start of the process to "ready"

	mu   sync.Mutex // guards what follows
	peak int64
	log  bytes.Buffer
	stop chan struct{}
}

const patience = 10 * time.Minute

func start(ctx context.Context, binary, config, socket string) (*daemon, error) {
	d := &daemon{Client: client.New(socket), ended: make(chan error, 1), stop: make(chan struct{})}
	d.cmd = exec.CommandContext(ctx, binary, "--config", config, "run")
	stderr, err := d.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	ready := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			var line struct {
				Message string `json:"@message"`
				SCIM    string `json:"scim"`
			}
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Message == "ready" {
				ready <- line.SCIM
			}
			d.mu.Lock()
			if d.log.Len() < 64<<10 {
				d.log.Write(lines.Bytes())
				d.log.WriteByte('\n')
			}
			d.mu.Unlock()
		}
		d.ended <- d.cmd.Wait()
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case d.scim = <-ready:
		d.ready = time.Since(begun)
	case err := <-d.ended:
		return nil, fmt.Errorf("the appliance ended before it was ready: %w\n%s", err, d.said())
	case <-timer.C:
		return nil, errors.Join(errors.New("the appliance was not ready in time"), d.cmd.Process.Kill())
	}
	go d.watch()
	return d, nil
}

func (d *daemon) said() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.String()
}

// watch keeps the peak of the anonymous memory.
func (d *daemon) watch() {
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-d.stop:
			return
		case <-tick.C:
			if now, err := d.memory(); err == nil {
				d.mu.Lock()
				d.peak = max(d.peak, now)
				d.mu.Unlock()
			}
		}
	}
}

// takePeak returns the peak since it was last taken.
func (d *daemon) takePeak() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.peak
	d.peak = 0
	return p
}

// memory is the anonymous memory now, in bytes: RssAnon of proc(5).
func (d *daemon) memory() (int64, error) {
	kb, err := d.proc("status", "RssAnon:")
	return kb << 10, err
}

// written is how many bytes the process has caused to be written to disk.
func (d *daemon) written() (int64, error) { return d.proc("io", "write_bytes:") }

// cpu is the processor time that the process has used.
func (d *daemon) cpu() time.Duration {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", d.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := bytes.Fields(raw[bytes.LastIndexByte(raw, ')')+1:])
	ticks := int64(0)
	for _, f := range fields[11:13] { // utime and stime, in hundredths of a second
		n, err := strconv.ParseInt(string(f), 10, 64)
		if err != nil {
			return 0
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

func (d *daemon) proc(file, field string) (int64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", d.cmd.Process.Pid, file))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(raw) {
		if rest, ok := bytes.CutPrefix(line, []byte(field)); ok {
			return strconv.ParseInt(string(bytes.Fields(rest)[0]), 10, 64)
		}
	}
	return 0, fmt.Errorf("%s has no %s", file, field)
}

// end stops the appliance as systemd would and returns how long it took.
func (d *daemon) end() (time.Duration, error) {
	close(d.stop)
	d.Close()
	begun := time.Now()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case err := <-d.ended:
		if err != nil {
			err = fmt.Errorf("the appliance ended with an error: %w\n%s", err, d.said())
		}
		return time.Since(begun), err
	case <-timer.C:
		return 0, errors.Join(errors.New("the appliance did not end"), d.cmd.Process.Kill())
	}
}

// kill ends the appliance as a power cut would.
func (d *daemon) kill() error {
	close(d.stop)
	d.Close()
	if err := d.cmd.Process.Kill(); err != nil {
		return err
	}
	<-d.ended // killed: always an error
	return nil
}
