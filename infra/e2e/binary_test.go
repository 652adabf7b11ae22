package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// building makes the binary once for all tests of a run.
var building struct {
	once sync.Once
	dir  string
	path string
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if err := errors.Join(dropBinary(), dropLargeLake()); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func dropBinary() error {
	if building.dir == "" {
		return nil
	}
	return os.RemoveAll(building.dir)
}

// binary returns the path of a fresh `loch`, or of the one that LOCH_BINARY
// names.
func binary(t testing.TB) string {
	t.Helper()
	building.once.Do(func() {
		if path := os.Getenv("LOCH_BINARY"); path != "" {
			building.path = path
			return
		}
		if building.dir, building.err = os.MkdirTemp("", "loch-e2e-"); building.err != nil {
			return
		}
		building.path = filepath.Join(building.dir, "loch")
		args := []string{"build", "-buildvcs=false", "-o", building.path}
		if raced {
			args = append(args, "-race")
		}
		out, err := exec.Command("go", append(args, "loch/infra/local")...).CombinedOutput()
		if err != nil {
			building.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if building.err != nil {
		t.Fatal(building.err)
	}
	return building.path
}
