package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"loch/functions/lookup"
	"loch/infra/local/lake"
	"loch/shared/audit"
	"loch/shared/fault"
	"loch/shared/web"
)

// operator are the routes on the data folder's own socket: everything public,
// and what only the folder's owner may do. The peer is trusted to say whom it
// speaks for, since it could write the folder anyway.
func (p *product) operator() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", trustPeer(p.routes))
	everybody := p.looking(web.NewRateLimit(time.Now))
	everybody.Everybody = true // whoever may use the socket has the key file, too
	mux.Handle("GET /api/profiles.ndjson", web.Observe(lookup.New(everybody), p.observing()))
	mux.HandleFunc("POST /ops/compact", func(w http.ResponseWriter, r *http.Request) {
		report(w, func(progress func(done, total int)) (any, error) { return p.compactNow(r.Context(), progress) })
	})
	mux.HandleFunc("POST /ops/verify", func(w http.ResponseWriter, r *http.Request) {
		report(w, func(progress func(done, total int)) (any, error) {
			return p.verify(r.Context(), progress)
		})
	})
	mux.HandleFunc("POST /ops/rotate", func(w http.ResponseWriter, r *http.Request) {
		report(w, func(func(done, total int)) (any, error) { return p.rotateKey(r.Context()) })
	})
	mux.HandleFunc("GET /ops/audit", p.showLedger)
	mux.HandleFunc("POST /ops/audit/verify", func(w http.ResponseWriter, r *http.Request) {
		report(w, func(func(done, total int)) (any, error) { return p.audit.Verify(r.Context(), nil) })
	})
	return mux
}

// verified is what `loch verify` found: the books of the lake, and the chain of
// the audit ledger.
type verified struct {
	lake.Account
	Audit audit.Report `json:"audit"`
}

func (p *product) verify(ctx context.Context, progress func(done, total int)) (any, error) {
	account, err := lake.Verify(ctx, p.lake, p.log, progress)
	if err != nil {
		return nil, err
	}
	chain, err := p.audit.Verify(ctx, nil)
	if err != nil {
		return nil, err
	}
	if chain.Problem != "" {
		account.OK = false
		account.Problems = append(account.Problems, "the audit ledger: "+chain.Problem)
	}
	return verified{account, chain}, nil
}

// showLedger answers with the entries of the audit ledger, oldest first, a line
// each, and a last line that says how many; with those of one person if asked.
func (p *product) showLedger(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	encoder := json.NewEncoder(w)
	person := r.URL.Query().Get("person")
	entries := 0
	err := p.audit.Walk(r.Context(), 1, func(e audit.Entry) error {
		if person != "" && e.Person != person && !slices.Contains(e.IDs, person) {
			return nil
		}
		entries++
		return encoder.Encode(e)
	})
	if err != nil {
		f := fault.From(err)
		_ = encoder.Encode(map[string]any{"error": map[string]string{"code": string(f.Code), "message": f.Error()}})
		return
	}
	_ = encoder.Encode(map[string]any{"result": map[string]int{"entries": entries}}) // the asker has gone
}

// compactNow rolls over what the log holds, writes all profiles anew, and compacts
// all events.
func (p *product) compactNow(ctx context.Context, progress func(done, total int)) (any, error) {
	p.compact.Lock()
	defer p.compact.Unlock()
	if err := p.log.Rotate(); err != nil {
		return nil, err
	}
	if err := p.roller.RollAll(ctx); err != nil {
		return nil, err
	}
	if err := p.snapshots.Full(ctx); err != nil {
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
