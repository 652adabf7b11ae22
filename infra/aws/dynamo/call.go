package dynamo

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"loch/shared/fault"
)

// Every call is safe to make again. A write says in its condition what it relies on,
// or comes to the same however often it is done; so when an answer was lost, or was
// an error that does not tell whether anything was kept, the same call follows, and
// whoever made it looks at the item that a refused condition brings.

const (
	firstPause = 20 * time.Millisecond
	mostPause  = time.Second
	firstYield = 2 * time.Millisecond
	mostYield  = 60 * time.Millisecond
)

// refusedCall is what comes back when a write's condition does not hold.
type refusedCall struct {
	item    item   // of a single write, as it stands; nil if there is none
	reasons []bool // of a transaction: whose conditions did not hold
	items   []item // of a transaction: the items of those, where there are any
	cause   error
}

func (r *refusedCall) Error() string { return "dynamo: a condition does not hold" }
func (r *refusedCall) Unwrap() error { return r.cause }

// units is what a refused write is charged, which its answer does not say: as much as
// if it had been done to the item that is there; twice that for each item of a
// transaction.
func (r *refusedCall) units() (n float64) {
	if r.reasons == nil {
		return float64(1 + r.item.size()/1024)
	}
	for _, i := range r.items {
		n += 2 * float64(1+i.size()/1024)
	}
	return n
}

// effort is one operation's patience: the calls it is made of share it.
type effort struct {
	t         *table
	until     time.Time
	pause     time.Duration
	conflicts int
}

func (t *table) effort(ctx context.Context) *effort {
	until := time.Now().Add(t.Patience)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(until) {
		until = deadline
	}
	return &effort{t: t, until: until, pause: firstPause}
}

// wait pauses for a random while that grows from one time to the next. It returns
// cause as a fault when the pause would outlast the patience.
func (e *effort) wait(ctx context.Context, cause error) error {
	pause := e.pause
	e.pause = min(2*e.pause, mostPause)
	return e.sleep(ctx, pause, cause)
}

// yield pauses after somebody else was quicker. Whenever that happens somebody has got
// their write through, so the pause is short; it grows for the sake of what a try costs.
func (e *effort) yield(ctx context.Context) error {
	e.conflicts++
	return e.sleep(ctx, min(time.Duration(e.conflicts)*firstYield, mostYield), errBusy)
}

// sleep sleeps for a random part of most.
func (e *effort) sleep(ctx context.Context, most time.Duration, cause error) error {
	n, err := e.t.random()
	if err != nil {
		return err
	}
	pause := time.Duration(n % uint64(most))
	if time.Now().Add(pause).After(e.until) {
		return explain(cause)
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return gaveUp(ctx.Err())
	case <-timer.C:
		return nil
	}
}

// do makes a call until it is answered for good. The error is a *refusedCall or a fault.
func do[Out any](ctx context.Context, e *effort, kind string, call func(ctx context.Context) (Out, Call, error)) (Out, error) {
	for {
		var nothing Out
		if err := ctx.Err(); err != nil {
			return nothing, gaveUp(err)
		}
		bounded, cancel := context.WithTimeout(ctx, e.t.CallTime)
		out, made, err := call(bounded)
		cancel()
		if e.t.Count != nil {
			made.Kind, made.Table, made.Failed = kind, e.t.short, err != nil
			if r := asRefused(err); r != nil {
				made.Writes = max(made.Writes, r.units())
			}
			e.t.Count(made)
		}
		if err == nil {
			e.pause = firstPause
			return out, nil
		}
		if err := ctx.Err(); err != nil {
			return nothing, gaveUp(err)
		}
		if r := asRefused(err); r != nil {
			return nothing, r
		}
		if !passing(err) {
			return nothing, explain(err)
		}
		if inTheWay(err) {
			err = e.yield(ctx)
		} else {
			err = e.wait(ctx, err)
		}
		if err != nil {
			return nothing, err
		}
	}
}

// inTheWay says that somebody else's transaction was under way with the same item.
func inTheWay(err error) bool {
	if _, ok := errors.AsType[*types.TransactionConflictException](err); ok {
		return true
	}
	all, ok := errors.AsType[*types.TransactionCanceledException](err)
	return ok && slices.ContainsFunc(all.CancellationReasons, func(r types.CancellationReason) bool {
		return r.Code != nil && *r.Code == "TransactionConflict"
	})
}

// asRefused finds out whether an error says that a condition does not hold.
func asRefused(err error) *refusedCall {
	if one, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return &refusedCall{item: one.Item, cause: err}
	}
	all, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok {
		return nil
	}
	r := &refusedCall{cause: err, reasons: make([]bool, len(all.CancellationReasons)), items: make([]item, len(all.CancellationReasons))}
	found := false
	for i, reason := range all.CancellationReasons {
		if reason.Code != nil && *reason.Code == "ConditionalCheckFailed" {
			r.reasons[i], r.items[i], found = true, reason.Item, true
		}
	}
	if !found {
		return nil
	}
	return r
}

// passing says whether an error may be gone the next time.
func passing(err error) bool {
	if all, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		for _, reason := range all.CancellationReasons {
			if reason.Code != nil && *reason.Code == "ValidationError" {
				return false
			}
		}
		return true // a conflict with another transaction, or a throttle
	}
	answered, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return true // no answer
	}
	switch answered.ErrorCode() {
	case "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded", "LimitExceededException",
		"InternalServerError", "ServiceUnavailable", "TransactionConflictException", "TransactionInProgressException",
		"ReplicatedWriteConflictException", "RequestTimeout", "RequestTimeoutException":
		return true
	}
	return answered.ErrorFault() == smithy.FaultServer
}

// malformed says that DynamoDB did not understand a call, or that it asked for what
// cannot be.
func malformed(err error) bool {
	answered, ok := errors.AsType[smithy.APIError](err)
	return ok && answered.ErrorCode() == "ValidationException"
}

// hopeless are the answers that stay the same however often one asks, and what to do
// about each.
var hopeless = map[string]string{
	"ResourceNotFoundException":           "a table of the stack does not exist here; look at the region and at the prefix of the tables' names",
	"AccessDeniedException":               "this function may not use a table that it needs; look at its role",
	"UnrecognizedClientException":         "AWS does not know this function's credentials",
	"InvalidSignatureException":           "AWS refuses this function's signature; look at its credentials and clock",
	"ExpiredTokenException":               "this function's credentials have expired",
	"MissingAuthenticationTokenException": "this function has no credentials",
	"KMSAccessDeniedException":            "DynamoDB may not use the table's KMS key; look at the key's policy",
}

// explain tells what an answer means in words of ours. DynamoDB's own may hold keys.
func explain(err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	answered, ok := errors.AsType[smithy.APIError](err)
	switch {
	case !ok:
		return fault.Wrap(err, fault.Unavailable, "DynamoDB does not answer; send again")
	case malformed(err):
		return fault.Wrap(err, fault.Internal, "DynamoDB refuses a call as malformed")
	}
	if words, ok := hopeless[answered.ErrorCode()]; ok {
		return fault.Wrap(err, fault.Forbidden, words)
	}
	if passing(err) {
		return fault.Wrap(err, fault.Unavailable, "DynamoDB is busy or failing; send again")
	}
	return fault.Wrap(err, fault.Internal, "DynamoDB refuses a call")
}

var errBusy = fault.New(fault.Unavailable, "DynamoDB is busy; send again")

func gaveUp(err error) error {
	return fault.Wrap(err, fault.Unavailable, "the request was given up before it was done")
}
