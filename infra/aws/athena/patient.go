package athena

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"

	"loch/shared/fault"
	"loch/shared/report"
)

// Begin implements report.Patient.
func (e *Engine) Begin(ctx context.Context, project, statement string) (string, error) {
	a, err := admit(statement)
	if err != nil {
		return "", err
	}
	if a.tables || a.describe != "" {
		return "", report.ErrAtOnce
	}
	return e.Start(ctx, a.compose(project), nil)
}

// Fetch implements report.Patient. A statement's id is checked against the project
// that its text begins with.
func (e *Engine) Fetch(ctx context.Context, project, id string, limits report.Limits, wait time.Duration) (report.Result, bool, error) {
	execution, err := e.execution(ctx, project, id)
	if err != nil {
		return report.Result{}, false, err
	}
	if !ended(execution) {
		waiting, cancel := context.WithTimeout(ctx, wait)
		execution, err = e.await(waiting, id)
		cancel()
		if fault.CodeOf(err) == fault.Timeout && ctx.Err() == nil {
			return report.Result{}, false, nil
		}
		if err != nil {
			return report.Result{}, false, err
		}
	}
	answer, err := e.read(ctx, execution, filled(limits))
	if s := execution.Statistics; s != nil {
		answer.Elapsed = time.Duration(aws.ToInt64(s.TotalExecutionTimeInMillis)) * time.Millisecond
	}
	return answer, true, err
}

// Cancel implements report.Patient.
func (e *Engine) Cancel(ctx context.Context, project, id string) error {
	execution, err := e.execution(ctx, project, id)
	if err != nil || ended(execution) {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	if _, err := e.api.StopQueryExecution(ctx, &athena.StopQueryExecutionInput{QueryExecutionId: aws.String(id)}); err != nil {
		return explain(ctx, err)
	}
	return nil
}

// execution is a statement of a project.
func (e *Engine) execution(ctx context.Context, project, id string) (*types.QueryExecution, error) {
	if !isExecutionID(id) {
		return nil, errNoStatement
	}
	execution, err := e.look(ctx, id)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(aws.ToString(execution.Query), mark(project)) {
		return nil, errNoStatement
	}
	return execution, nil
}

var errNoStatement = fault.New(fault.NotFound, "there is no statement of this id, or its answer is kept no more; send the statement again")

// isExecutionID tells whether a text looks like one of Athena's ids: a UUID.
func isExecutionID(id string) bool {
	if len(id) != 36 {
		return false
	}
	for i, c := range []byte(id) {
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if !isDigit(c) && (c < 'a' || c > 'f') {
				return false
			}
		}
	}
	return true
}
