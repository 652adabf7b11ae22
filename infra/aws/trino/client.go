package trino

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Column is a column of a result; Type is Trino's name for it.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// Result is what a statement gave. Values are as JSON has them, numbers as
// json.Number.
type Result struct {
	Columns []Column
	Rows    [][]any
}

// Error is what Trino says of a statement that failed.
type Error struct {
	Name    string `json:"errorName"` // SYNTAX_ERROR
	Type    string `json:"errorType"` // USER_ERROR
	Message string `json:"message"`
}

func (e *Error) Error() string { return e.Name + ": " + e.Message }

// page is one answer of the client protocol: a part of the result, and where the
// next is.
type page struct {
	NextURI string   `json:"nextUri"`
	Columns []Column `json:"columns"`
	Data    [][]any  `json:"data"`
	Error   *Error   `json:"error"`
}

// Query runs one statement with names looked up in the given schema, and returns
// all that it gives. When ctx ends the statement is cancelled.
func (s *Server) Query(ctx context.Context, schema, statement string) (Result, error) {
	var result Result
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/v1/statement", strings.NewReader(statement))
	if err != nil {
		return result, err
	}
	request.Header.Set("X-Trino-User", "loch")
	request.Header.Set("X-Trino-Catalog", Catalog)
	request.Header.Set("X-Trino-Time-Zone", "UTC")
	if schema != "" {
		request.Header.Set("X-Trino-Schema", schema)
	}
	next := ""
	for {
		p, err := fetch(request)
		if err != nil {
			if next != "" {
				s.cancel(next)
			}
			return result, err
		}
		if p.Error != nil {
			return result, p.Error
		}
		if len(p.Columns) > 0 {
			result.Columns = p.Columns
		}
		result.Rows = append(result.Rows, p.Data...)
		if next = p.NextURI; next == "" {
			return result, nil
		}
		if request, err = http.NewRequestWithContext(ctx, http.MethodGet, next, nil); err != nil {
			return result, err
		}
	}
}

// cancel ends a statement whose result nobody waits for.
func (s *Server) cancel(next string) {
	request, err := http.NewRequest(http.MethodDelete, next, nil)
	if err != nil {
		return
	}
	if response, err := http.DefaultClient.Do(request); err == nil {
		_ = response.Body.Close()
	}
}

func fetch(request *http.Request) (page, error) {
	var p page
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return p, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1000)) // only said on
		return p, fmt.Errorf("trino answered %d: %s", response.StatusCode, text)
	}
	decoder := json.NewDecoder(response.Body)
	decoder.UseNumber()
	err = decoder.Decode(&p)
	return p, err
}
