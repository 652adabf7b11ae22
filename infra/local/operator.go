package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"

	"loch/infra/local/lake"
	"loch/shared/fault"
)

// operator are the routes on the data folder's own socket: everything public,
// and what only the folder's owner may do. The peer is trusted to say whom it
// speaks for, since it could write the folder anyway.
func (p *product) operator() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", trustPeer(p.routes))
	mux.HandleFunc("POST /ops/compact", func(w http.ResponseWriter, r *http.Request) {
		report(w, func(progress func(done, total int)) (any, error) { return p.compactNow(r.Context(), progress) })
	})
	mux.HandleFunc("POST /ops/verify", func(w http.ResponseWriter, r *http.Request) {
		report(w, func(progress func(done, total int)) (any, error) {
			return lake.Verify(r.Context(), p.lake, p.log, progress)
		})
	})
	return mux
}

// compactNow rolls over what the log holds and compacts all of it.
func (p *product) compactNow(ctx context.Context, progress func(done, total int)) (any, error) {
	p.compact.Lock()
	defer p.compact.Unlock()
	if err := p.log.Rotate(); err != nil {
		return nil, err
	}
	if err := p.roller.RollAll(ctx); err != nil {
		return nil, err
	}
	return p.engine.Compact(ctx, progress)
}

// trustPeer takes the sender's address from X-Forwarded-For, as sample traffic
// gives it.
func trustPeer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = "127.0.0.1:0"
		if a, err := netip.ParseAddr(r.Header.Get("X-Forwarded-For")); err == nil {
			r.RemoteAddr = netip.AddrPortFrom(a, 0).String()
		}
		r.Header.Del("X-Forwarded-For")
		next.ServeHTTP(w, r)
	})
}

// report answers a long job with a line of JSON for each step and one at the
// end.
func report(w http.ResponseWriter, job func(progress func(done, total int)) (any, error)) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	encoder := json.NewEncoder(w)
	line := func(v any) {
		_ = encoder.Encode(v) // the asker has gone; the job goes on
		_ = http.NewResponseController(w).Flush()
	}
	result, err := job(func(done, total int) { line(map[string]int{"done": done, "total": total}) })
	if err != nil {
		f := fault.From(err)
		line(map[string]any{"error": map[string]string{"code": string(f.Code), "message": f.Error()}})
		return
	}
	line(map[string]any{"result": result})
}
