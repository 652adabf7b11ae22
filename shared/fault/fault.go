// Package fault is Loch's one error type: a code that decides what a client
// may do next, words that are safe to show to anyone, and a cause that stays
// inside.
//
// The words say what is wrong, where, and how to mend it. They never carry
// payload, an address or an identifier: whoever builds a fault writes them as
// constants, or with names, sizes and offsets only.
package fault

import (
	"errors"
	"fmt"
)

// Code says what kind of failure it is. The set is closed; shared/web maps
// each code to one HTTP status.
type Code string

// The codes. Only Unavailable and TooMany tell a client to send again.
const (
	Invalid      Code = "invalid"      // the request is wrong; sending it again will not help
	Unauthorized Code = "unauthorized" // no valid key or token came with the request
	Forbidden    Code = "forbidden"    // the key is valid, its scope is not enough
	NotFound     Code = "not_found"    // what was asked for does not exist
	Conflict     Code = "conflict"     // it fits several things; say which, then send again
	TooLarge     Code = "too_large"    // over a size limit; smaller requests may pass
	TooMany      Code = "too_many"     // over a rate limit; wait, then send again
	Timeout      Code = "timeout"      // the time limit of a query ran out
	Unavailable  Code = "unavailable"  // nothing was kept; send again later
	Internal     Code = "internal"     // a mistake of ours
)

// Error is a failure with safe words. Build it with New or Wrap.
type Error struct {
	Code    Code
	Field   string // the place that is wrong ("steps[1].event"), or empty
	Message string // safe to show and to log
	Cause   error  // for the operator's eyes; may be nil
}

// New returns a fault without a cause.
func New(code Code, message string) *Error {
	return &Error{Code: code, Message: message}
}

// Newf is New with a format. Arguments must be names, sizes or offsets, never
// payload.
func Newf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap returns a fault that keeps cause for errors.Is and errors.As without
// showing its text.
func Wrap(cause error, code Code, message string) *Error {
	return &Error{Code: code, Message: message, Cause: cause}
}

// At returns a copy of e that names the place that is wrong.
func (e *Error) At(field string) *Error {
	c := *e
	c.Field = field
	return &c
}

// Error returns the safe words, after the field if there is one. The cause is
// left out on purpose: errors end up in logs and answers.
func (e *Error) Error() string {
	if e.Field != "" {
		return e.Field + ": " + e.Message
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// CodeOf returns the code of the first fault in err's chain; any other error
// is Internal.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}

// From returns the first fault in err's chain. Any other error becomes an
// Internal fault whose words tell nothing, so that no library's text, which may
// quote payload, ever reaches a client.
func From(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return Wrap(err, Internal, "internal error; the server's log has the request id")
}
