package lambdaruntime_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"loch/infra/aws/lambdaruntime"
)

// TestMain makes this test binary a function's bootstrap when it is started as one.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		bootstrap()
		return
	}
	os.Exit(m.Run())
}

// asked is what a test wants of the function, and told what it says.
type asked struct {
	Do   string
	Path string
}

type told struct {
	PID      int
	Calls    int
	Function string
	Home     string
	ID       string
	Left     time.Duration
	Text     string
}

func bootstrap() {
	if os.Getenv("FAIL_INIT") != "" {
		os.Exit(3)
	}
	calls := 0
	lambda.Start(func(ctx context.Context, a asked) (told, error) {
		calls++
		t := told{PID: os.Getpid(), Calls: calls, Function: lambdacontext.FunctionName, Home: os.Getenv("HOME")}
		if c, ok := lambdacontext.FromContext(ctx); ok {
			t.ID = c.AwsRequestID
		}
		if d, ok := ctx.Deadline(); ok {
			t.Left = time.Until(d)
		}
		switch a.Do {
		case "fail":
			return t, errors.New("it went wrong")
		case "panic":
			panic("in the handler")
		case "exit":
			os.Exit(7)
		case "wait":
			for _, err := os.Stat(a.Path); err != nil; _, err = os.Stat(a.Path) {
				time.Sleep(time.Millisecond)
			}
		case "large":
			t.Text = strings.Repeat("x", lambdaruntime.MaxPayloadBytes)
		case "write":
			if err := os.WriteFile(a.Path, []byte("written"), 0o600); err != nil {
				return t, err
			}
		case "outlive":
			go func() {
				for {
					time.Sleep(time.Millisecond)
				}
			}()
		}
		return t, nil
	})
}

func function(t testing.TB, c lambdaruntime.Config) *lambdaruntime.Function {
	t.Helper()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c.Name, c.Bootstrap = "asked", own
	if c.Timeout == 0 {
		c.Timeout = time.Minute
	}
	f := lambdaruntime.New(c)
	t.Cleanup(f.Close)
	return f
}

func invoke(t testing.TB, f *lambdaruntime.Function, a asked) (told, error) {
	t.Helper()
	payload, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := f.Invoke(t.Context(), payload)
	var said told
	if err == nil {
		if err := json.Unmarshal(answer, &said); err != nil {
			t.Fatal(err)
		}
	}
	return said, err
}

// failsAs checks how a request failed.
func failsAs(t testing.TB, err error, kind, words string) {
	t.Helper()
	failure, ok := errors.AsType[*lambdaruntime.FunctionError](err)
	if !ok || failure.Type != kind || !strings.Contains(string(failure.Payload), words) {
		t.Errorf("got %v, want a %s that says %q", err, kind, words)
	}
}

func TestInvoke(t *testing.T) {
	f := function(t, lambdaruntime.Config{})
	if err := f.Warm(t.Context()); err != nil || f.Instances() != 1 {
		t.Fatalf("%d instances, %v", f.Instances(), err)
	}
	first, err := invoke(t, f, asked{})
	if err != nil {
		t.Fatal(err)
	}
	second, err := invoke(t, f, asked{})
	if err != nil {
		t.Fatal(err)
	}
	if first.PID != second.PID || second.Calls != 2 || f.Instances() != 1 {
		t.Errorf("two requests after each other: %+v and %+v on %d instances", first, second, f.Instances())
	}
	if first.ID == "" || first.ID == second.ID || first.Function != "asked" || first.Left <= 0 || first.Left > time.Minute {
		t.Errorf("the function saw %+v", first)
	}
	if first.Home != "" {
		t.Error("the function sees the environment of the test")
	}
	u := f.Usage()
	if u.Requests != 2 || u.Billed < 2*time.Millisecond || len(u.Starts) != 1 || u.Starts[0] <= 0 {
		t.Errorf("usage %+v", u)
	}
}

// What fails is told as Lambda tells it, and the next request is served.
func TestFailures(t *testing.T) {
	f := function(t, lambdaruntime.Config{})
	_, err := invoke(t, f, asked{Do: "fail"})
	failsAs(t, err, "errorString", "it went wrong")
	_, err = invoke(t, f, asked{Do: "panic"})
	failsAs(t, err, "string", "in the handler")
	_, err = invoke(t, f, asked{Do: "exit"})
	failsAs(t, err, "Runtime.ExitError", "exit status 7")
	_, err = invoke(t, f, asked{Do: "large"})
	failsAs(t, err, "Function.ResponseSizeTooLarge", "6291456")
	if _, err := f.Invoke(t.Context(), make([]byte, lambdaruntime.MaxPayloadBytes+1)); !errors.Is(err, lambdaruntime.ErrTooLarge) {
		t.Errorf("a payload over 6 MB: %v", err)
	}
	if _, err := invoke(t, f, asked{}); err != nil {
		t.Errorf("after all that: %v", err)
	}
	broken := function(t, lambdaruntime.Config{Env: map[string]string{"FAIL_INIT": "1"}})
	_, err = invoke(t, broken, asked{})
	failsAs(t, err, "Runtime.ExitError", "exit status 3")
}

func TestTimeout(t *testing.T) {
	f := function(t, lambdaruntime.Config{Timeout: 300 * time.Millisecond})
	_, err := invoke(t, f, asked{Do: "wait", Path: "/nowhere/at/all"})
	failsAs(t, err, "Sandbox.Timedout", "0.30 seconds")
	if f.Instances() != 0 {
		t.Error("the instance that took too long lives on")
	}
}

// Each request at the same time has an instance of its own, up to the bound.
func TestConcurrency(t *testing.T) {
	f := function(t, lambdaruntime.Config{Concurrency: 2})
	gate := t.TempDir() + "/gate"
	var all sync.WaitGroup
	pids := make([]int, 2)
	for i := range pids {
		all.Go(func() {
			said, err := invoke(t, f, asked{Do: "wait", Path: gate})
			if err != nil {
				t.Error(err)
			}
			pids[i] = said.PID
		})
	}
	for f.Instances() < 2 {
		time.Sleep(time.Millisecond)
	}
	if _, err := f.Invoke(t.Context(), []byte(`{}`)); !errors.Is(err, lambdaruntime.ErrThrottled) {
		t.Errorf("a third request at the same time: %v", err)
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	if pids[0] == pids[1] {
		t.Error("one instance worked on two requests at the same time")
	}
}

// An instance can be lost after it has written, and before its answer is heard.
func TestDieBeforeAnswer(t *testing.T) {
	var dies atomic.Bool
	dies.Store(true)
	f := function(t, lambdaruntime.Config{DieBeforeAnswer: func() bool { return dies.Swap(false) }})
	path := t.TempDir() + "/note"
	_, err := invoke(t, f, asked{Do: "write", Path: path})
	failsAs(t, err, "Runtime.ExitError", "signal: killed")
	if text, err := os.ReadFile(path); err != nil || string(text) != "written" {
		t.Errorf("what it wrote before: %q, %v", text, err)
	}
	said, err := invoke(t, f, asked{})
	if err != nil || said.Calls != 1 {
		t.Errorf("the next request: %+v, %v", said, err)
	}
	f.Kill()
	if next, err := invoke(t, f, asked{}); err != nil || next.PID == said.PID {
		t.Errorf("after all were killed: %+v, %v", next, err)
	}
}

// What a handler leaves running stands still between requests.
func TestFrozen(t *testing.T) {
	f := function(t, lambdaruntime.Config{})
	if _, err := invoke(t, f, asked{Do: "outlive"}); err != nil {
		t.Fatal(err)
	}
	state := func() string {
		said, err := invoke(t, f, asked{})
		if err != nil {
			t.Fatal(err)
		}
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(said.PID) + "/stat")
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := bytes.Cut(stat, []byte(") "))
		return string(rest[:1])
	}
	// A stop is carried out at the process's next turn.
	for range 1000 {
		if state() == "T" {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Error("the instance is not stopped between requests")
}
