package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// TestEveryCommandExplainsItself holds what the house promises of a command.
func TestEveryCommandExplainsItself(t *testing.T) {
	for _, c := range append(Profiles(nil).Commands(), Report(nil).Commands()...) {
		if !strings.Contains(c.Example, "loch "+c.Parent().Name()+" "+c.Name()) || !strings.Contains(c.Long, "Exit codes: 0 done") || c.Flags().Lookup("json") == nil {
			t.Errorf("%s %s does not explain itself", c.Parent().Name(), c.Name())
		}
	}
	for _, c := range []*cobra.Command{Seed(nil), SQL(nil), Profile(nil), Profiles(nil), Export(nil), Erase(nil), Audit(nil), Compact(nil), Verify(nil), Rotate(nil), Doctor(nil)} {
		if c.Short == "" || !strings.Contains(c.Example, "loch "+c.Name()) {
			t.Errorf("%s: no example", c.Name())
		}
		if !strings.Contains(c.Long, "Exit codes: 0 done, 1 failed, 2 wrong usage") || strings.Contains(c.Long, "%!") {
			t.Errorf("%s: its exit codes are not in its help", c.Name())
		}
		if c.Flags().Lookup("json") == nil || c.Flags().Lookup("data") == nil {
			t.Errorf("%s: no --json or no --data", c.Name())
		}
		if c.RunE == nil || c.Args != nil {
			t.Errorf("%s: arguments are checked by RunE, so that the main sees every error", c.Name())
		}
	}
}

// TestTheEnvironmentChoosesDefaults holds that NO_COLOR and LOCH_DATA reach every
// command, and that a flag still wins.
func TestTheEnvironmentChoosesDefaults(t *testing.T) {
	f := newFake(t, answers(t, "POST", "/api/sql", "READ", 200, sqlAnswer))
	f.look = screen{width: 100, colour: true, live: true}
	painted := func(env map[string]string, args ...string) bool {
		root := &cobra.Command{Use: "loch"}
		c := newSQL(f, f.tools())
		root.AddCommand(c)
		var out bytes.Buffer
		root.SetOut(&out)
		if err := FromEnvironment(root, func(name string) string { return env[name] }); err != nil {
			t.Fatal(err)
		}
		if env["LOCH_DATA"] != "" && c.Flags().Lookup("data").DefValue != env["LOCH_DATA"] {
			t.Error("LOCH_DATA is not the default of --data")
		}
		root.SetArgs(append([]string{"sql", "select 1"}, args...))
		if err := root.Execute(); err != nil {
			t.Fatal(err)
		}
		return strings.Contains(out.String(), "\x1b[")
	}
	if !painted(map[string]string{"LOCH_DATA": "/srv/loch"}) {
		t.Error("a terminal has colour")
	}
	if painted(map[string]string{"NO_COLOR": "1"}) || painted(map[string]string{"TERM": "dumb"}) || painted(nil, "--no-color") {
		t.Error("colour, though it is not wanted")
	}
	if !painted(map[string]string{"NO_COLOR": "1"}, "--no-color=false") {
		t.Error("a flag must win over the environment")
	}
}

func TestExitCodes(t *testing.T) {
	for want, err := range map[int]error{
		0:               nil,
		exitFailed:      errors.New("x"),
		exitUsage:       fmt.Errorf("wrapped: %w", UsageError(errors.New("x"))),
		exitInterrupted: fmt.Errorf("wrapped: %w", context.Canceled),
	} {
		if got := ExitCode(err); got != want {
			t.Errorf("%v: %d, want %d", err, got, want)
		}
	}
	if ExitCode(errors.New(`unknown command "x" for "loch"`)) != exitUsage {
		t.Error("an unknown command is wrong usage")
	}
	var b bytes.Buffer
	PrintError(&b, nil)
	PrintError(&b, context.Canceled)
	PrintError(&b, &exit{code: 3})
	if b.Len() > 0 {
		t.Errorf("printed %q", b.String())
	}
	PrintError(&b, errors.New("a\x1b[2Jb\nc"))
	if b.String() != "loch: a\\x1b[2Jb\nc\n" {
		t.Errorf("printed %q", b.String())
	}
}

func TestFigures(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567", 100: "100", -100: "-100"} {
		if got := count(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 999_960: "1.0 MB", 34_211_004: "34.2 MB", 5e15: "5000.0 TB"} {
		if got := size(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
	for d, want := range map[time.Duration]string{0: "0 ms", 999 * time.Millisecond: "999 ms", 1500 * time.Millisecond: "1.5 s", 75 * time.Second: "1 min 15 s", 25*time.Hour + 61*time.Minute: "26 h 1 min"} {
		if got := lasting(d); got != want {
			t.Errorf("%d: %s", d, got)
		}
	}
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{-time.Hour: "", 0: "just now", time.Minute: "1 minute ago", 2 * time.Hour: "2 hours ago", 72 * time.Hour: "3 days ago"} {
		if got := ago(now.Add(-d), now); got != want {
			t.Errorf("%v: %s", d, got)
		}
	}
}

// TestProgressInPlainLines lets a clock run: a line every two seconds, with speed
// and what is left.
func TestProgressInPlainLines(t *testing.T) {
	var b bytes.Buffer
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	p := newProgress(&b, screen{}, func() time.Time { return now }, "events", 1000)
	for done := int64(100); done <= 1000; done += 100 {
		now = now.Add(700 * time.Millisecond)
		if done == 600 {
			p.says("the server asks to go slower")
		}
		p.at(done, 1000)
		p.says("")
	}
	p.end()
	want := " 30 %  300 of 1,000 events, 142/s, 5 s left\n" +
		" 60 %  600 of 1,000 events, 142/s, 3 s left · the server asks to go slower\n" +
		" 90 %  900 of 1,000 events, 142/s, 1 s left\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}
