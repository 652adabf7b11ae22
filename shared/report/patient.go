package report

import (
	"context"
	"time"

	"loch/shared/fault"
)

// ErrAtOnce is what Begin says of a statement that is answered without a wait: ask it
// with Query.
var ErrAtOnce = fault.New(fault.Invalid, "SHOW and DESCRIBE are answered at once; ask without waiting")

// Patient is an Engine that goes on with a statement when its asker stops waiting,
// and gives the answer to whoever brings the statement's id later.
//
// A handler that answers within its time begins a statement, fetches for as long as
// it may, and where that was not enough answers 202 with the id in Location; each
// call of that address fetches again.
type Patient interface {
	Engine

	// Begin starts a statement and returns its id, which stands in addresses. Errors
	// are those of Query, as far as they are known before it runs.
	Begin(ctx context.Context, project, statement string) (id string, err error)

	// Fetch waits for a statement, at most for wait, and returns its answer, or
	// false if it still runs. Errors are those of Query, and fault.NotFound for an id
	// that is not of a statement of this project.
	Fetch(ctx context.Context, project, id string, limits Limits, wait time.Duration) (Result, bool, error)

	// Cancel ends a statement of this project, for whoever brings its id; one that has
	// ended already stays as it is. Errors are those of Fetch.
	Cancel(ctx context.Context, project, id string) error

	// Stop ends a statement that nobody will ask for. It may be called with a context
	// that has ended.
	Stop(ctx context.Context, id string)
}
