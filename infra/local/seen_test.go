package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"loch/shared/event"
)

type sinkFunc func(ctx context.Context, p *event.Parcel) error

func (f sinkFunc) Put(ctx context.Context, p *event.Parcel) error { return f(ctx, p) }

// A request that has put its events into the log is waited for until it has told the
// profiles; one that has not written is not, however slow its client is.
func TestTakingIsWaitedFor(t *testing.T) {
	var taking taking
	put, told, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	sink := taking.sink(sinkFunc(func(context.Context, *event.Parcel) error { return nil }))
	h := taking.handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := taking.wait(r.Context()); err != nil {
			t.Error("waited for a request that has written nothing: ", err)
		}
		if err := sink.Put(r.Context(), &event.Parcel{}); err != nil {
			t.Error(err)
		}
		close(put)
		<-told
	}))
	go func() { h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/track", nil)); close(done) }()
	<-put
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if taking.wait(ended) == nil {
		t.Error("a request that has not told anybody was not waited for")
	}
	close(told)
	if err := taking.wait(t.Context()); err != nil {
		t.Error(err)
	}
	<-done
	if len(taking.open) > 0 {
		t.Errorf("still open: %v", taking.open)
	}
	if err := sink.Put(t.Context(), &event.Parcel{}); err != nil || len(taking.open) > 0 {
		t.Errorf("%v, %v", err, taking.open)
	}
}
