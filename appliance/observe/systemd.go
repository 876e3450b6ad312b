package observe

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Service tells the service manager how the daemon is (sd_notify(3)). Without
// one, $NOTIFY_SOCKET not being set, all of it does nothing. Safe for concurrent
// use.
type Service struct {
	send     func(state string) error
	watchdog time.Duration // 0: not watched
}

// NewService reads from the environment whether and how often the service
// manager wants to hear from us.
func NewService() (*Service, error) {
	watchdog, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return nil, fmt.Errorf("systemd watchdog: %w", err)
	}
	return &Service{watchdog: watchdog, send: func(state string) error {
		_, err := daemon.SdNotify(false, state)
		return err
	}}, nil
}

// Ready says that the daemon serves, or that a reload is over.
func (s *Service) Ready(status string) error { return s.notify(daemon.SdNotifyReady, status) }

// Reloading says that the configuration is being read again; Ready ends it. It
// carries the monotonic clock, as units of Type=notify-reload require.
func (s *Service) Reloading(status string) error {
	return s.notify(daemon.SdNotifyReloading+"\n"+strings.TrimSpace(daemon.SdNotifyMonotonicUsec()), status)
}

// Stopping says that the daemon is on its way out.
func (s *Service) Stopping(status string) error { return s.notify(daemon.SdNotifyStopping, status) }

// Status is the line that systemctl status shows.
func (s *Service) Status(status string) error { return s.notify("", status) }

func (s *Service) notify(state, status string) error {
	lines := make([]string, 0, 2)
	if state != "" {
		lines = append(lines, state)
	}
	if status != "" {
		lines = append(lines, "STATUS="+strings.Join(strings.Fields(status), " "))
	}
	if err := s.send(strings.Join(lines, "\n")); err != nil {
		return fmt.Errorf("notify systemd: %w", err)
	}
	return nil
}

// Watch feeds the watchdog twice per period for as long as alive returns nil in
// time, until ctx ends. A daemon that is alive in name only is thus restarted.
// It returns at once when nobody watches. told is called when alive starts to
// fail and when it stops to, with nil.
func (s *Service) Watch(ctx context.Context, alive func(context.Context) error, told func(error)) {
	if s.watchdog <= 0 {
		return
	}
	tick := time.NewTicker(s.watchdog / 2)
	defer tick.Stop()
	failing := false
	for {
		err := s.feed(ctx, alive)
		if ctx.Err() != nil {
			return
		}
		if (err != nil) != failing {
			failing = err != nil
			told(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *Service) feed(ctx context.Context, alive func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.watchdog/2)
	defer cancel()
	if err := alive(ctx); err != nil {
		return err
	}
	return s.notify(daemon.SdNotifyWatchdog, "")
}
