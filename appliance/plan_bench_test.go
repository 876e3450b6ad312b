package appliance_test

import (
	"context"
	"testing"

	"rollcall/appliance/admin/client"
)

// BenchmarkPlan asks for the plan and the readiness report of 10,000 people who
// were read and not activated yet: what an operator waits for before the first
// activation. There is no floor: a human waits, and takes it in seconds.
func BenchmarkPlan(b *testing.B) {
	const people = 10_000
	w := newWorld(b, people, "")
	w.start()
	c := client.New(w.at.Admin)
	defer c.Close()
	if err := c.Wait(context.Background(), nil); err != nil {
		b.Fatal(err)
	}
	b.Run("plan", func(b *testing.B) {
		for b.Loop() {
			p, err := c.Plan(context.Background(), "hibob")
			if err != nil {
				b.Fatal(err)
			}
			if len(p.Changes) < people*9/10 {
				b.Fatalf("the plan has %d changes", len(p.Changes))
			}
		}
	})
	b.Run("readiness", func(b *testing.B) {
		for b.Loop() {
			if _, err := c.Readiness(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
