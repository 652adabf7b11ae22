package duckdb

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"loch/shared/fault"
)

// workerName is the program name that makes this program a worker.
const workerName = "loch-sql-worker"

// mayBeWorker says that this program, started again, would be a worker.
var mayBeWorker atomic.Bool

// Work is what a program that opens engines calls first, before it reads flags: it
// is started again under another name to be a worker, and does nothing else then. It
// returns in the program as people start it. Open refuses without it: a test binary
// that ran its tests again in each worker would never end.
//
// It is not done by an init function, since DuckDB's threads cannot call Go before
// all of those are over.
func Work() {
	if len(os.Args) > 0 && os.Args[0] == workerName {
		os.Exit(work(os.Stdin, os.Stdout))
	}
	mayBeWorker.Store(true)
}

// grace is how long after its deadline a worker may still answer. It looks at
// the clock itself, so that a statement that can be interrupted costs no worker.
const grace = 400 * time.Millisecond

// worker is the engine's end of a worker process. One caller at a time.
type worker struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *os.File
	stderr said
	logger *slog.Logger
	since  time.Time // when it became idle; guarded by the pool

	gone chan struct{} // closed when the process has ended
	exit error         // how it ended; read after gone
}

// startWorker starts a process and has it open its database.
func startWorker(s settings, logger *slog.Logger) (*worker, error) {
	w := &worker{logger: logger, gone: make(chan struct{})}
	if err := w.start(s.SpillDir); err != nil {
		return nil, cannotStart(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	a, err := w.call(ctx, order{Settings: &s})
	if err == nil && a.Fault != nil {
		err = a.Fault.fault()
	}
	if err != nil {
		w.close()
		return nil, cannotStart(err)
	}
	return w, nil
}

// start starts the process.
func (w *worker) start(dir string) error {
	path, err := thisProgram()
	if err != nil {
		return err
	}
	w.cmd = &exec.Cmd{
		Path:   path,
		Args:   []string{workerName},
		Env:    []string{}, // it needs nothing that the environment tells, secrets least of all
		Dir:    dir,
		Stderr: &w.stderr,
	}
	if w.in, err = w.cmd.StdinPipe(); err != nil {
		return err
	}
	// The pipe is made here because Wait would close one that the command made,
	// and it must not while an answer is read.
	out, theirs, err := os.Pipe()
	if err != nil {
		return errors.Join(err, w.in.Close())
	}
	w.cmd.Stdout = theirs
	err = w.cmd.Start()
	_ = theirs.Close()
	if err != nil {
		return errors.Join(err, out.Close(), w.in.Close())
	}
	w.out = out
	go func() {
		w.exit = w.cmd.Wait()
		close(w.gone)
	}()
	return nil
}

// thisProgram is a path that starts this very program, also after its file was
// replaced by a newer version.
func thisProgram() (string, error) {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", nil
	}
	return os.Executable()
}

func cannotStart(err error) error {
	return fault.Wrap(err, fault.Unavailable, "the process that answers SQL cannot be started")
}

// call gives the worker an order and waits for its answer, at most until ctx
// ends. An error means that the worker is of no use any more.
func (w *worker) call(ctx context.Context, o order) (answer, error) {
	if deadline, ok := ctx.Deadline(); ok {
		o.Deadline = deadline
	}
	var a answer
	type outcome struct{ err error }
	done := make(chan outcome, 1)
	go func() {
		err := writeFrame(w.in, &o)
		if err == nil {
			err = readFrame(w.out, &a)
		}
		done <- outcome{err}
	}()
	select {
	case r := <-done:
		return a, w.fate(r.err)
	case <-ctx.Done():
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		select {
		case r := <-done:
			return a, w.fate(r.err)
		case <-time.After(grace):
		}
	}
	w.close()
	<-done // the pipes broke
	return answer{}, ranOut(ctx, timeoutWords)
}

// script runs SQL of ours in a worker that compacts, and returns the rows of the
// last statement.
func (w *worker) script(ctx context.Context, statements ...string) ([][]any, error) {
	a, err := w.call(ctx, order{Script: strings.Join(statements, ";\n")})
	if err != nil {
		return nil, err
	}
	if a.Fault != nil {
		return nil, a.Fault.fault()
	}
	return a.Rows, nil
}

// fate explains why a worker gave no answer.
func (w *worker) fate(err error) error {
	if err == nil {
		return nil
	}
	w.close()
	words := w.stderr.String()
	first, _, _ := strings.Cut(words, "\n")
	w.logger.Warn("a process that answers SQL ended in the middle of a statement; the next statement starts another",
		"exit", w.exit, "said", first)
	// The kernel's out-of-memory killer leaves no words. What stands behind the reason,
	// where all goroutines are, says nothing.
	killed := words == "" && w.exit != nil && w.exit.Error() == "signal: killed"
	words, _, _ = strings.Cut(words, "\n\n")
	for _, sign := range []string{"out of memory", "bad_alloc", "cannot allocate", "Cannot allocate", "failed to allocate", "failed to create new OS thread"} {
		if killed || strings.Contains(words, sign) && !strings.HasPrefix(words, "SIGSEGV") {
			return fault.Wrap(errors.Join(err, w.exit), fault.TooLarge, memoryWords)
		}
	}
	return fault.Wrap(errors.Join(err, w.exit), fault.Invalid,
		"the SQL engine broke down on this statement; nothing else was affected. "+
			"Very long patterns and very deeply nested values do that")
}

// alive tells whether the process is still there.
func (w *worker) alive() bool {
	select {
	case <-w.gone:
		return false
	default:
		return true
	}
}

// close ends the process and waits until it is gone. It may be called more than
// once.
func (w *worker) close() {
	_ = w.cmd.Process.Kill() // gone already: just as well
	_ = w.in.Close()
	<-w.gone
	_ = w.out.Close()
}

// said keeps the beginning of what a worker writes to its standard error.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

const saidBytes = 16 << 10

func (t *said) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := saidBytes - t.text.Len(); room > 0 {
		t.text.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}

func (t *said) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}
