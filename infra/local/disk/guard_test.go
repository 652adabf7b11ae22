package disk_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"loch/infra/local/disk"
	"loch/infra/local/disk/disktest"
	"loch/shared/fault"
)

// clock is a time that moves only when it is told to.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func TestGuardOnAFullDisk(t *testing.T) {
	disktest.OnSmallDisk(t, 8<<20, func(t *testing.T, dir string) {
		c := &clock{time.Unix(1_795_000_000, 0)}
		g := disk.New(dir, 4<<20, c.now)
		if err := g.Check(); err != nil {
			t.Fatalf("empty disk: Check = %v, want nil", err)
		}
		if free, err := g.Free(); err != nil || free < 7<<20 || free > 8<<20 {
			t.Errorf("empty disk of 8 MiB: Free = %d, %v", free, err)
		}

		ballast := disktest.Fill(t, dir)
		if err := g.Check(); err != nil {
			t.Errorf("within 100 ms: Check = %v, want the answer of before", err)
		}
		c.t = c.t.Add(100 * time.Millisecond)
		err := g.Check()
		if fault.CodeOf(err) != fault.Unavailable {
			t.Fatalf("full disk: Check = %v, want a fault of code %s", err, fault.Unavailable)
		}
		if want := "0 MiB free, 4 MiB are kept in reserve"; !strings.Contains(err.Error(), want) {
			t.Errorf("full disk: Check says %q, want %q in it", err, want)
		}
		if free, err := g.Free(); err != nil || free != 0 {
			t.Errorf("full disk: Free = %d, %v, want 0, nil", free, err)
		}

		ballast.Shrink(3 << 20)
		c.t = c.t.Add(time.Second)
		if err := g.Check(); fault.CodeOf(err) != fault.Unavailable {
			t.Errorf("3 MiB free: Check = %v, want a fault of code %s", err, fault.Unavailable)
		}
		ballast.Remove()
		c.t = c.t.Add(-time.Hour) // a clock that was set back must not freeze the answer
		if err := g.Check(); err != nil {
			t.Errorf("emptied disk: Check = %v, want nil", err)
		}
	})
}

func TestGuardOfAMissingFolder(t *testing.T) {
	g := disk.New(filepath.Join(t.TempDir(), "gone"), 1, time.Now)
	if err := g.Check(); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("Check = %v, want a fault of code %s", err, fault.Unavailable)
	}
	if _, err := g.Free(); err == nil {
		t.Error("Free = nil error, want one")
	}
}

func TestNilGuardLetsPass(t *testing.T) {
	var g *disk.Guard
	if err := g.Check(); err != nil {
		t.Errorf("Check = %v, want nil", err)
	}
	if _, err := g.Free(); err == nil {
		t.Error("Free = nil error, want one: nothing is watched")
	}
}

func BenchmarkCheck(b *testing.B) {
	g := disk.New(b.TempDir(), 1, time.Now)
	b.ReportAllocs()
	for b.Loop() {
		if err := g.Check(); err != nil {
			b.Fatal(err)
		}
	}
}
