package athenatest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"
)

// The limits of the service.
const (
	maxStatement = 262_144
	minToken     = 32
	maxToken     = 128
	maxValue     = 1024 // characters of a parameter
	pageRows     = 1000
)

// startInput is what a start may say here.
type startInput struct {
	QueryString              string
	ClientRequestToken       string
	ExecutionParameters      []string
	WorkGroup                string
	QueryExecutionContext    struct{ Database, Catalog string }
	ResultReuseConfiguration struct {
		ResultReuseByAgeConfiguration struct {
			Enabled         bool
			MaxAgeInMinutes int
		}
	}
}

func (s *Server) start(in startInput) (any, error) {
	switch {
	case in.QueryString == "", len(in.QueryString) > maxStatement:
		return nil, fmt.Errorf("queryString must have from 1 to %d bytes", maxStatement)
	case len(in.ClientRequestToken) < minToken, len(in.ClientRequestToken) > maxToken:
		return nil, fmt.Errorf("clientRequestToken must have from %d to %d characters", minToken, maxToken)
	case in.WorkGroup != s.Workgroup:
		return nil, fmt.Errorf("WorkGroup %s is not found", in.WorkGroup)
	case in.QueryExecutionContext.Database == "":
		return nil, errors.New("a database is missing")
	}
	for _, v := range in.ExecutionParameters {
		if n := utf8.RuneCountInString(v); n < 1 || n > maxValue {
			return nil, fmt.Errorf("an execution parameter must have from 1 to %d characters", maxValue)
		}
	}
	if x := s.tokens[in.ClientRequestToken]; x != nil {
		if x.statement != in.QueryString || !slices.Equal(x.values, in.ExecutionParameters) {
			return nil, errors.New("idempotent parameters do not match")
		}
		return map[string]string{"QueryExecutionId": x.id}, nil
	}
	text, err := substitute(in.QueryString, in.ExecutionParameters)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(s.ctx)
	x := &execution{
		id: newID(), token: in.ClientRequestToken, statement: in.QueryString, values: in.ExecutionParameters, text: text,
		database: in.QueryExecutionContext.Database, cancel: cancel,
		reuse: in.ResultReuseConfiguration.ResultReuseByAgeConfiguration.MaxAgeInMinutes,
	}
	s.started[x.id], s.tokens[x.token] = x, x
	s.wait.Go(func() {
		answer, err := s.run(ctx, x.database, x.text)
		s.mu.Lock()
		defer s.mu.Unlock()
		cancel()
		x.done, x.answer, x.err = true, answer, err
	})
	return map[string]string{"QueryExecutionId": x.id}, nil
}

func (s *Server) find(id string) (*execution, error) {
	x := s.started[id]
	if x == nil {
		return nil, fmt.Errorf("QueryExecution %s was not found", id)
	}
	return x, nil
}

// state is how a statement stands, and why it failed.
func (x *execution) state() (state, reason string, category int) {
	var failed *Failure
	switch {
	case x.stopped:
		return "CANCELLED", "Query cancelled", 0
	case x.looks <= 1:
		return "QUEUED", "", 0
	case !x.done:
		return "RUNNING", "", 0
	case x.err == nil:
		return "SUCCEEDED", "", 0
	case errors.As(x.err, &failed) && failed.Cancelled:
		return "CANCELLED", failed.Reason, failed.Category
	case errors.As(x.err, &failed):
		return "FAILED", failed.Reason, failed.Category
	}
	return "FAILED", "GENERIC_INTERNAL_ERROR: " + x.err.Error(), 1
}

func (s *Server) look(id string) (any, error) {
	x, err := s.find(id)
	if err != nil {
		return nil, err
	}
	x.looks++
	state, reason, category := x.state()
	status := map[string]any{"State": state, "SubmissionDateTime": 1.7e9}
	if reason != "" {
		status["StateChangeReason"] = reason
	}
	if category != 0 {
		status["AthenaError"] = map[string]any{"ErrorCategory": category, "ErrorMessage": reason}
	}
	return map[string]any{"QueryExecution": map[string]any{
		"QueryExecutionId": x.id, "Query": x.statement, "StatementType": "DML", "WorkGroup": s.Workgroup, "Status": status,
		"QueryExecutionContext": map[string]string{"Database": x.database},
		"ResultReuseConfiguration": map[string]any{"ResultReuseByAgeConfiguration": map[string]any{
			"Enabled": x.reuse > 0, "MaxAgeInMinutes": x.reuse}},
		"Statistics": map[string]any{"DataScannedInBytes": 0},
	}}, nil
}

func (s *Server) stop(id string) (any, error) {
	x, err := s.find(id)
	if err != nil {
		return nil, err
	}
	x.stopped = x.stopped || !x.done
	x.cancel()
	return map[string]any{}, nil
}

type resultsInput struct {
	QueryExecutionId string
	NextToken        string
	MaxResults       int
}

func (s *Server) results(in resultsInput) (any, error) {
	x, err := s.find(in.QueryExecutionId)
	if err != nil {
		return nil, err
	}
	switch state, _, _ := x.state(); state {
	case "SUCCEEDED":
		if x.expired {
			return nil, errors.New("Could not find results") //nolint:staticcheck // in its words
		}
	case "FAILED", "CANCELLED":
		return nil, errors.New("Query did not finish successfully. Final query state: " + state)
	default:
		return nil, errors.New("Query has not yet finished. Current state: " + state)
	}
	from := 0
	if in.NextToken != "" {
		if from, err = strconv.Atoi(in.NextToken); err != nil {
			return nil, errors.New("the token is not valid")
		}
	}
	most := pageRows
	if in.MaxResults != 0 {
		most = min(most, in.MaxResults)
	}
	lines := [][]any{header(x.answer.Columns)}
	lines = append(lines, x.answer.Rows...)
	page := lines[min(from, len(lines)):min(from+most, len(lines))]
	rows := make([]map[string]any, len(page))
	for i, line := range page {
		cells := make([]map[string]any, len(line))
		for j, v := range line {
			cells[j] = map[string]any{}
			if v == nil {
				continue
			}
			text := fmt.Sprint(v)
			if from+i > 0 {
				text = spell(x.answer.Columns[j].Type, v)
			}
			cells[j]["VarCharValue"] = text
		}
		rows[i] = map[string]any{"Data": cells}
	}
	out := map[string]any{"UpdateCount": 0, "ResultSet": map[string]any{
		"Rows": rows, "ResultSetMetadata": map[string]any{"ColumnInfo": columnInfo(x.answer.Columns)},
	}}
	if from+most < len(lines) {
		out["NextToken"] = strconv.Itoa(from + most)
	}
	return out, nil
}

func header(columns []Column) []any {
	row := make([]any, len(columns))
	for i, c := range columns {
		row[i] = c.Name
	}
	return row
}
