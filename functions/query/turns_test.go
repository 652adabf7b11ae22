package query_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"loch/functions/query"
	"loch/shared/report"
)

// A key has so many questions under way at most; others are not held up, and an
// answer makes room.
func TestTurns(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	var beyond atomic.Bool
	slow := engine(func(context.Context, string, string, report.Limits) (report.Result, error) {
		if beyond.Load() { // which no question should come to
			return report.Result{}, nil
		}
		began <- struct{}{}
		<-goOn
		return report.Result{}, nil
	})
	h := query.New(query.Deps{Registry: registry{}, Engine: slow, Now: clock(), MaxAtOnce: 2})
	ask := func(key string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "/api/sql", strings.NewReader(`{"sql":"SELECT 1"}`))
		r.Header.Set("Authorization", "Bearer "+key)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			if w := ask("read"); w.Code != 200 {
				t.Errorf("within the bound: %d %s", w.Code, w.Body)
			}
		})
		<-began
	}
	beyond.Store(true)
	if w := ask("read"); w.Code != 429 || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "2 questions") {
		t.Errorf("beyond the bound: %d %v %s", w.Code, w.Header(), w.Body)
	}
	beyond.Store(false)
	all.Go(func() {
		if w := ask("small-pii"); w.Code != 200 {
			t.Errorf("another key: %d %s", w.Code, w.Body)
		}
	})
	<-began
	close(goOn)
	all.Wait()
	all.Go(func() {
		if w := ask("read"); w.Code != 200 {
			t.Errorf("after the answers: %d %s", w.Code, w.Body)
		}
	})
	<-began
	all.Wait()
}
