package demo

import (
	"os"
	"strconv"
	"testing"
)

func TestTry(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("N"))
	seed, _ := strconv.Atoi(os.Getenv("SEED"))
	if err := Run(t.Context(), Options{Once: true, Out: os.Stdout, People: n, Seed: uint64(seed)}); err != nil {
		t.Fatal(err)
	}
}
