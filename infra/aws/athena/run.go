package athena

import (
	"context"

	"loch/shared/report"
)

// Run runs a statement of ours to its end and returns what it gives, all of it. It
// is not judged: what it may do, the function's role says. When ctx ends, so does
// the statement.
func (e *Engine) Run(ctx context.Context, statement string) (report.Result, error) {
	id, err := e.Start(ctx, statement, nil)
	if err != nil {
		return report.Result{}, err
	}
	execution, err := e.await(ctx, id)
	if err != nil {
		e.Stop(ctx, id)
		return report.Result{}, err
	}
	return e.read(ctx, execution, report.Limits{Rows: -1})
}
