// Package lambdaruntime runs function binaries as Lambda does, for tests: the same
// bootstrap that is deployed, as a process of its own, behind the Runtime API.
//
// A Function has as many instances as it has requests at the same time, each of
// which works on one request at a time. Between two requests an instance is frozen,
// as on Lambda: whatever a handler left running stands still and may never go on. An
// instance that takes too long is killed, one that dies fails its request, and a
// test may kill one after it has written and before its answer is heard.
//
// Source of the rules: Lambda's developer guide, "Using the Lambda runtime API",
// "Understanding the Lambda execution environment lifecycle" and "Lambda quotas".
package lambdaruntime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// MaxPayloadBytes is the most that Lambda takes as a request or an answer.
	MaxPayloadBytes = 6 << 20
	// initTime is how long an instance may take until it asks for work.
	initTime = 10 * time.Second
	// usualConcurrency is what an account has, all functions together.
	usualConcurrency = 1000
)

// Config says how a function runs.
type Config struct {
	Name      string
	Bootstrap string            // the binary; arguments are not passed, as on Lambda
	Env       map[string]string // the function's own; Lambda's are added
	MemoryMB  int               // 0 is 128
	Timeout   time.Duration     // of one request; 0 is 3 s
	// Concurrency is how many requests are worked on at the same time; the next one
	// is refused with ErrThrottled. 0 is what an account has.
	Concurrency int
	Log         io.Writer // what instances print; nil drops it

	// DieBeforeAnswer is asked each time an answer arrives. If it says yes, the
	// instance is killed and the answer is not heard, as when a machine is lost
	// after a write. Nil never does.
	DieBeforeAnswer func() bool
}

// The ways in which a request does not reach a function.
var (
	ErrThrottled = errors.New("lambdaruntime: no instance is free, and the function may have no more")
	ErrTooLarge  = errors.New("lambdaruntime: the payload is over 6 MB")
	errClosed    = errors.New("lambdaruntime: the function is closed")
)

// FunctionError is a request that a function got and did not answer.
type FunctionError struct {
	Type    string // such as Runtime.ExitError or Sandbox.Timedout, or the function's own
	Payload []byte // {"errorType":…,"errorMessage":…}
}

// Error returns what Lambda says of it.
func (e *FunctionError) Error() string {
	return fmt.Sprintf("lambdaruntime: the function failed: %s", e.Payload)
}

// Usage is what Lambda would bill, and how instances started.
type Usage struct {
	Requests int
	Billed   time.Duration   // of all requests, each rounded up to a millisecond
	Starts   []time.Duration // from exec to the first request for work, of each instance
}

// Function is one function with its instances.
type Function struct {
	config Config

	mu        sync.Mutex
	closed    bool
	idle      []*instance // the one that was used last is at the end, and is used first
	instances map[*instance]struct{}
	made      int
	usage     Usage
}

// New returns a function without instances. Close it to end them.
func New(c Config) *Function {
	if c.MemoryMB == 0 {
		c.MemoryMB = 128
	}
	if c.Timeout == 0 {
		c.Timeout = 3 * time.Second
	}
	if c.Concurrency == 0 {
		c.Concurrency = usualConcurrency
	}
	if c.Log == nil {
		c.Log = io.Discard
	}
	c.Log = OneWriter(c.Log)
	return &Function{config: c, instances: map[*instance]struct{}{}}
}

// Name returns the function's name.
func (f *Function) Name() string { return f.config.Name }

// Invoke has one request answered, by an instance that is free or by a new one. A
// failure of the function is a *FunctionError. When ctx ends the caller is free; the
// instance goes on until it has answered, as on Lambda.
func (f *Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if len(payload) > MaxPayloadBytes {
		return nil, ErrTooLarge
	}
	in, err := f.take()
	if err != nil {
		return nil, err
	}
	type outcome struct {
		answer []byte
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		answer, err := f.invoke(in, payload)
		done <- outcome{answer, err}
	}()
	select {
	case o := <-done:
		return o.answer, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (f *Function) invoke(in *instance, payload []byte) ([]byte, error) {
	if err := in.begun(); err != nil {
		f.drop(in)
		return nil, err
	}
	start := time.Now()
	answer, err := in.serve(payload)
	took := time.Since(start)
	f.mu.Lock()
	f.usage.Requests++
	f.usage.Billed += (took + time.Millisecond - 1).Truncate(time.Millisecond)
	f.mu.Unlock()
	if in.alive() {
		f.give(in)
	} else {
		f.drop(in)
	}
	return answer, err
}

// take finds a free instance or starts one.
func (f *Function) take() (*instance, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, errClosed
	}
	for len(f.idle) > 0 {
		in := f.idle[len(f.idle)-1]
		f.idle = f.idle[:len(f.idle)-1]
		if in.alive() {
			return in, nil
		}
		delete(f.instances, in)
		f.noteStart(in)
		in.end()
	}
	if len(f.instances) >= f.config.Concurrency {
		return nil, ErrThrottled
	}
	f.made++
	in, err := start(&f.config, f.made)
	if err != nil {
		return nil, err
	}
	f.instances[in] = struct{}{}
	return in, nil
}

func (f *Function) give(in *instance) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		in.end()
		return
	}
	f.idle = append(f.idle, in)
}

func (f *Function) drop(in *instance) {
	f.mu.Lock()
	delete(f.instances, in)
	f.noteStart(in)
	f.mu.Unlock()
	in.end()
}

func (f *Function) noteStart(in *instance) {
	if took := in.startTook(); took > 0 {
		f.usage.Starts = append(f.usage.Starts, took)
	}
}

// Warm starts an instance if there is no free one, and waits until it has asked for
// work.
func (f *Function) Warm(ctx context.Context) error {
	in, err := f.take()
	if err != nil {
		return err
	}
	if err := in.begun(); err != nil {
		f.drop(in)
		return err
	}
	f.give(in)
	return ctx.Err()
}

// Kill kills all instances at whatever they do. Requests that are being worked on
// fail; the next ones start new instances.
func (f *Function) Kill() {
	f.mu.Lock()
	idle := f.idle
	f.idle = nil
	for _, in := range idle {
		delete(f.instances, in)
		f.noteStart(in)
	}
	all := slices.Concat(idle, slices.Collect(maps.Keys(f.instances)))
	f.mu.Unlock()
	for _, in := range all {
		in.end()
	}
}

// Instances tells how many instances there are.
func (f *Function) Instances() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.instances)
}

// Usage tells what was used so far.
func (f *Function) Usage() Usage {
	f.mu.Lock()
	defer f.mu.Unlock()
	u := f.usage
	u.Starts = slices.Clone(u.Starts)
	for in := range f.instances {
		if took := in.startTook(); took > 0 {
			u.Starts = append(u.Starts, took)
		}
	}
	return u
}

// Close ends all instances. Requests that are being worked on fail.
func (f *Function) Close() {
	f.mu.Lock()
	f.closed = true
	all := f.instances
	f.instances, f.idle = map[*instance]struct{}{}, nil
	f.mu.Unlock()
	for in := range all {
		in.end()
	}
}

// OneWriter lets many instances, of many functions, write their lines into one log.
func OneWriter(w io.Writer) io.Writer {
	if one, is := w.(*oneWriter); is {
		return one
	}
	return &oneWriter{w: w}
}

type oneWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// Write implements io.Writer.
func (o *oneWriter) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.w.Write(p)
}
