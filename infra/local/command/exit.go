package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The exit codes.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitPartly      = 3
	exitNotFound    = 4
	exitInterrupted = 130 // 128 and the number of SIGINT, as shells have it
)

// exitHelp is the part of each command's help that says what its code means.
const exitHelp = `

Exit codes: 0 done, 1 failed, 2 wrong usage, %s, 130 interrupted.`

// exit is an error that knows its exit code. Without words it prints nothing:
// the command has said it already.
type exit struct {
	code  int
	words string
	cause error
}

// Error returns the words.
func (e *exit) Error() string { return e.words }

// Unwrap returns the cause.
func (e *exit) Unwrap() error { return e.cause }

// UsageError says that a command was called in a wrong way: exit code 2.
func UsageError(err error) error {
	return &exit{code: exitUsage, words: err.Error() + "\nadd --help to see how it is called", cause: err}
}

func usage(format string, args ...any) error {
	return UsageError(fmt.Errorf(format, args...))
}

// ExitCode is what the process should end with after a command's error:
//
//	0    done
//	1    failed: the server, the network, the data folder
//	2    the command line or the SQL statement is wrong
//	3    done in part: not all was accepted, rows were cut, it does not add up
//	4    what was asked for is not there
//	130  interrupted
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[*exit](err); ok {
		return e.code
	}
	if errors.Is(err, context.Canceled) {
		return exitInterrupted
	}
	if strings.HasPrefix(err.Error(), "unknown command") { // cobra's own has no type
		return exitUsage
	}
	return exitFailed
}

// PrintError tells a person what went wrong. It prints nothing for an
// interruption, which the person caused, and for an error that was told
// already.
func PrintError(w io.Writer, err error) {
	if err == nil || err.Error() == "" || ExitCode(err) == exitInterrupted {
		return
	}
	fmt.Fprintln(w, "loch: "+clean(err.Error(), '\n'))
}
