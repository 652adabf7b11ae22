package lambdaruntime

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// instance is one process of a function, with a Runtime API of its own.
type instance struct {
	config  *Config
	number  int
	cmd     *exec.Cmd
	started time.Time
	server  *http.Server

	work   chan *invocation
	ready  chan struct{} // closed when it asked for work for the first time
	polled chan struct{} // one value each time it asks for work
	exited chan struct{} // closed when the process is gone
	exit   error         // why, once exited is closed

	mu       sync.Mutex
	first    time.Time   // when it was ready
	current  *invocation // what it works on
	initFail []byte      // what it said when it could not start
	sequence int
	once     sync.Once
}

// invocation is one request in an instance's hands.
type invocation struct {
	id       string
	payload  []byte
	deadline time.Time
	answered chan answer
}

// answer is what an instance said to a request.
type answer struct {
	body []byte
	err  error
	dies bool // the instance is to be killed
}

// start starts a process. It may not have asked for work yet.
func start(c *Config, number int) (*instance, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("lambdaruntime: %w", err)
	}
	in := &instance{
		config: c, number: number,
		work: make(chan *invocation), ready: make(chan struct{}), polled: make(chan struct{}, 1), exited: make(chan struct{}),
	}
	in.server = &http.Server{Handler: in.api(), ReadHeaderTimeout: time.Minute}
	in.cmd = exec.Command(c.Bootstrap)
	in.cmd.Env = in.environment(listener.Addr().String())
	in.cmd.Stdout, in.cmd.Stderr = c.Log, c.Log
	in.started = time.Now()
	if err := in.cmd.Start(); err != nil {
		_ = listener.Close()
		return nil, fmt.Errorf("lambdaruntime: cannot start the bootstrap: %w", err)
	}
	go func() { _ = in.server.Serve(listener) }() // who asked before this waits in the listener
	go func() {
		in.exit = in.cmd.Wait()
		close(in.exited)
	}()
	return in, nil
}

// environment is what Lambda gives a process, and nothing of the test's own.
func (in *instance) environment(api string) []string {
	c := in.config
	env := []string{
		"AWS_LAMBDA_RUNTIME_API=" + api,
		"AWS_LAMBDA_FUNCTION_NAME=" + c.Name,
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		fmt.Sprintf("AWS_LAMBDA_FUNCTION_MEMORY_SIZE=%d", c.MemoryMB),
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/" + c.Name,
		fmt.Sprintf("AWS_LAMBDA_LOG_STREAM_NAME=%04d", in.number),
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"_HANDLER=bootstrap", "LAMBDA_TASK_ROOT=" + filepath.Dir(c.Bootstrap), "LAMBDA_RUNTIME_DIR=/var/runtime",
		"TZ=:UTC", "LANG=en_US.UTF-8", "PATH=/usr/local/bin:/usr/bin/:/bin:/opt/bin",
	}
	for name, value := range c.Env {
		env = append(env, name+"="+value)
	}
	return env
}

// begun waits until the instance asks for work for the first time.
func (in *instance) begun() error {
	timer := time.NewTimer(initTime)
	defer timer.Stop()
	select {
	case <-in.ready:
		return nil
	case <-in.exited:
		return in.death("", "Runtime.ExitError")
	case <-timer.C:
		return failed("Sandbox.Timedout", "", "the instance did not ask for work within 10 s")
	}
}

// serve hands over one request and waits for the answer, and then until the
// instance asks for work again.
func (in *instance) serve(payload []byte) ([]byte, error) {
	in.mu.Lock()
	in.sequence++
	inv := &invocation{
		id:      fmt.Sprintf("%08x-0000-4000-8000-%012x", in.number, in.sequence),
		payload: payload, deadline: time.Now().Add(in.config.Timeout), answered: make(chan answer, 1),
	}
	in.current = inv
	in.mu.Unlock()
	timer := time.NewTimer(in.config.Timeout)
	defer timer.Stop()
	select {
	case <-in.polled:
	default:
	}
	in.signal(syscall.SIGCONT)
	select {
	case in.work <- inv:
	case <-in.exited:
		return nil, in.death(inv.id, "Runtime.ExitError")
	case <-timer.C:
		in.end()
		return nil, in.late(inv)
	}
	var a answer
	select {
	case a = <-inv.answered:
	case <-in.exited:
		return nil, in.death(inv.id, "Runtime.ExitError")
	case <-timer.C:
		in.end()
		return nil, in.late(inv)
	}
	if a.dies {
		in.end()
		return nil, in.death(inv.id, "Runtime.ExitError")
	}
	select {
	case <-in.polled:
	case <-in.exited:
	case <-timer.C: // it answered and never came back
		in.end()
	}
	return a.body, a.err
}

func (in *instance) late(inv *invocation) error {
	return failed("Sandbox.Timedout", inv.id, fmt.Sprintf("Task timed out after %.2f seconds", in.config.Timeout.Seconds()))
}

// death tells what an instance died of.
func (in *instance) death(id, kind string) error {
	<-in.exited
	in.mu.Lock()
	said := in.initFail
	in.mu.Unlock()
	if said != nil {
		return &FunctionError{Type: kind, Payload: said}
	}
	words := "Runtime exited without providing a reason"
	if in.exit != nil {
		words = "Runtime exited with error: " + in.exit.Error()
	}
	return failed(kind, id, words)
}

func failed(kind, id, words string) error {
	if id != "" {
		words = "RequestId: " + id + " Error: " + words
	}
	// Two strings always encode.
	payload, _ := json.Marshal(map[string]string{"errorType": kind, "errorMessage": words})
	return &FunctionError{Type: kind, Payload: payload}
}

func (in *instance) alive() bool {
	select {
	case <-in.exited:
		return false
	default:
		return true
	}
}

func (in *instance) startTook() time.Duration {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.first.IsZero() {
		return 0
	}
	return in.first.Sub(in.started)
}

// signal sends one; a process that is gone does not mind.
func (in *instance) signal(s syscall.Signal) { _ = in.cmd.Process.Signal(s) }

// end kills the process, frozen or not, and waits until it is gone.
func (in *instance) end() {
	in.once.Do(func() {
		in.signal(syscall.SIGKILL)
		<-in.exited
		_ = in.server.Close()
	})
}
