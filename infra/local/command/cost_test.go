package command

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func runCost(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	cmd := newCost(tools{screen: func(any) screen { return screen{} }})
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	var b bytes.Buffer
	cmd.SetOut(&b)
	cmd.SetArgs(args)
	code = ExitCode(cmd.ExecuteContext(t.Context()))
	return b.String(), code
}

func TestCost(t *testing.T) {
	out, code := runCost(t)
	if code != 0 || strings.Count(out, "together") != 2 {
		t.Errorf("code %d\n%s", code, out)
	}
	for _, part := range []string{"1 a request", "50 a request", "DynamoDB, write units", "10,000,000 events", "us-east-1, 2026-11-23", "Counted 2026-"} {
		if !strings.Contains(out, part) {
			t.Errorf("it does not say %q\n%s", part, out)
		}
	}
	cheap := filepath.Join(t.TempDir(), "prices.json")
	text, err := os.ReadFile("../../../shared/cost/prices.json")
	if err == nil {
		err = os.WriteFile(cheap, bytes.Replace(text, []byte(`"api_million_requests": 1.00`), []byte(`"api_million_requests": 0.50`), 1), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	a, b := costOf(t), costOf(t, "--prices", cheap)
	if saved := a.Events[0].Lines[0].USD - b.Events[0].Lines[0].USD; saved < 0.49 || math.Abs(a.Events[0].Million-b.Events[0].Million-saved) > 1e-9 {
		t.Errorf("half the price of requests saves %g", saved)
	}
	if twice := costOf(t, "--events-per-month", "20000000"); math.Abs(twice.Events[0].Month-a.Events[0].Month-10*a.Events[0].Million) > 0.01 {
		t.Errorf("%g for twice the events of %g", twice.Events[0].Month, a.Events[0].Month)
	}
	for _, wrong := range [][]string{{"now"}, {"--events-per-month", "0"}, {"--memory-mb", "1"}, {"--request-ms", "-1"}, {"--prices", "none.json"}, {"--prices", "cost_test.go"}} {
		if _, code := runCost(t, wrong...); code != exitUsage {
			t.Errorf("%v: code %d", wrong, code)
		}
	}
}

func costOf(t *testing.T, args ...string) (b bills) {
	t.Helper()
	out, code := runCost(t, append(args, "--json")...)
	if err := json.Unmarshal([]byte(out), &b); code != 0 || err != nil {
		t.Fatalf("code %d, %v\n%s", code, err, out)
	}
	return b
}
