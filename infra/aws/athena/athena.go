// Package athena answers SQL over the lake in S3 with AWS Athena. It implements
// report.Engine, as infra/local/duckdb does on one machine.
//
// A statement of a person is judged first (guard.go): it may read the four
// relations and nothing else. Then the relations of its project are put before it
// (compose.go) and Athena runs it. The engine starts it, asks with growing patience
// whether it has ended, reads the answer page by page, and ends it when nobody
// waits any more. Cells come as text and are given the types that the same
// statement has on one machine (values.go).
//
// Whoever does not want to wait takes the statement's id and asks again later
// (report.Patient).
package athena

import (
	"context"
	"encoding/hex"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"

	"loch/shared/fault"
	"loch/shared/report"
)

// API is what is used of the SDK's client.
type API interface {
	StartQueryExecution(ctx context.Context, in *athena.StartQueryExecutionInput, opts ...func(*athena.Options)) (*athena.StartQueryExecutionOutput, error)
	GetQueryExecution(ctx context.Context, in *athena.GetQueryExecutionInput, opts ...func(*athena.Options)) (*athena.GetQueryExecutionOutput, error)
	GetQueryResults(ctx context.Context, in *athena.GetQueryResultsInput, opts ...func(*athena.Options)) (*athena.GetQueryResultsOutput, error)
	StopQueryExecution(ctx context.Context, in *athena.StopQueryExecutionInput, opts ...func(*athena.Options)) (*athena.StopQueryExecutionOutput, error)
}

// Options are the settings of an Engine.
type Options struct {
	Database  string    // of the catalogue, with the tables of infra/aws/glue
	Workgroup string    // its settings bound what a statement may scan, and say where answers lie
	Random    io.Reader // for tokens that make a repeated start harmless; crypto/rand.Reader

	// ReuseFor is how old an answer to the same statement may be to be given again,
	// in whole minutes. 0 asks anew each time.
	ReuseFor time.Duration

	// FirstPoll is how long after a start it is asked first whether it has ended; 0
	// means 150 ms. Each further time is half as long again, up to SlowestPoll; 0
	// means two seconds.
	FirstPoll, SlowestPoll time.Duration
}

// What a statement gets whose Limits say nothing.
const (
	defaultRows = 10_000
	defaultTime = 30 * time.Second

	// maxResultBytes bounds a result beside its rows, since one row may hold a
	// megabyte.
	maxResultBytes = 32 << 20
)

// Engine answers SQL. Its methods may be called from many goroutines.
type Engine struct {
	api     API
	options Options
}

var _ report.Patient = (*Engine)(nil)

// New returns an engine. It asks nothing of Athena yet.
func New(api API, o Options) *Engine {
	if o.FirstPoll <= 0 {
		o.FirstPoll = 150 * time.Millisecond
	}
	if o.SlowestPoll <= 0 {
		o.SlowestPoll = 2 * time.Second
	}
	return &Engine{api: api, options: o}
}

// Query implements report.Engine.
func (e *Engine) Query(ctx context.Context, project, statement string, limits report.Limits) (report.Result, error) {
	start := time.Now()
	a, err := admit(statement)
	if err != nil {
		return report.Result{}, err
	}
	if answer, ok := a.fromCatalogue(limits); ok {
		return answer, nil
	}
	limits = filled(limits)
	ctx, cancel := context.WithTimeout(ctx, limits.Time)
	defer cancel()
	id, err := e.Start(ctx, a.compose(project), nil)
	if err != nil {
		return report.Result{}, err
	}
	execution, err := e.await(ctx, id)
	if err != nil {
		e.Stop(ctx, id)
		return report.Result{}, err
	}
	answer, err := e.read(ctx, execution, limits)
	answer.Elapsed = time.Since(start)
	return answer, err
}

func filled(limits report.Limits) report.Limits {
	if limits.Rows <= 0 {
		limits.Rows = defaultRows
	}
	if limits.Time <= 0 {
		limits.Time = defaultTime
	}
	return limits
}

// Start starts a statement of ours and returns its id. Each ? in it stands for the
// next of the values, which are texts: Athena reads a value as an expression, so
// they are quoted here, whatever they hold.
func (e *Engine) Start(ctx context.Context, statement string, values []string) (string, error) {
	token := make([]byte, 32)
	if _, err := io.ReadFull(e.options.Random, token); err != nil {
		return "", fault.Wrap(err, fault.Internal, "there is no randomness for a query's token")
	}
	in := &athena.StartQueryExecutionInput{
		QueryString: aws.String(statement),
		// One start, however often it is sent.
		ClientRequestToken:    aws.String(hex.EncodeToString(token)),
		QueryExecutionContext: &types.QueryExecutionContext{Database: aws.String(e.options.Database), Catalog: aws.String("AwsDataCatalog")},
		WorkGroup:             aws.String(e.options.Workgroup),
	}
	for _, v := range values {
		in.ExecutionParameters = append(in.ExecutionParameters, quoteParameter(v))
	}
	if minutes := int32(e.options.ReuseFor / time.Minute); minutes > 0 {
		in.ResultReuseConfiguration = &types.ResultReuseConfiguration{ResultReuseByAgeConfiguration: &types.ResultReuseByAgeConfiguration{
			Enabled: true, MaxAgeInMinutes: aws.Int32(minutes),
		}}
	}
	out, err := e.api.StartQueryExecution(ctx, in)
	if err != nil {
		if ctx.Err() != nil {
			e.recall(ctx, in)
		}
		return "", explain(ctx, err)
	}
	return aws.ToString(out.QueryExecutionId), nil
}

// recall ends a statement that may have been started although nobody heard its id:
// the same start again gives it.
func (e *Engine) recall(ctx context.Context, in *athena.StartQueryExecutionInput) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	if out, err := e.api.StartQueryExecution(ctx, in); err == nil {
		e.Stop(ctx, aws.ToString(out.QueryExecutionId))
	}
}

// await asks until a statement has ended, and returns how.
func (e *Engine) await(ctx context.Context, id string) (*types.QueryExecution, error) {
	for pause := e.options.FirstPoll; ; pause = min(pause+pause/2, e.options.SlowestPoll) {
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, ranOut(ctx)
		case <-timer.C:
		}
		execution, err := e.look(ctx, id)
		if err != nil || ended(execution) {
			return execution, err
		}
	}
}

// look asks how a statement stands. A fault of code NotFound says that there is none
// of this id.
func (e *Engine) look(ctx context.Context, id string) (*types.QueryExecution, error) {
	out, err := e.api.GetQueryExecution(ctx, &athena.GetQueryExecutionInput{QueryExecutionId: aws.String(id)})
	if err != nil {
		return nil, explain(ctx, err)
	}
	if out.QueryExecution == nil || out.QueryExecution.Status == nil {
		return nil, fault.New(fault.Unavailable, "Athena's answer about the statement is empty")
	}
	return out.QueryExecution, nil
}

func ended(execution *types.QueryExecution) bool {
	switch execution.Status.State {
	case types.QueryExecutionStateSucceeded, types.QueryExecutionStateFailed, types.QueryExecutionStateCancelled:
		return true
	case types.QueryExecutionStateQueued, types.QueryExecutionStateRunning:
	}
	return false
}

// stopTime is how long ending a statement may take, after its own time is over.
const stopTime = 3 * time.Second

// Stop ends a statement that nobody waits for: what it scans until then is paid for.
// It asks once; a statement that goes on all the same ends by the workgroup's limits.
func (e *Engine) Stop(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	_, _ = e.api.StopQueryExecution(ctx, &athena.StopQueryExecutionInput{QueryExecutionId: aws.String(id)})
}
