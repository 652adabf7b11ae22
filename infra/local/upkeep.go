package main

import (
	"context"
	"net/http"
	"time"

	"loch/functions/erase"
	"loch/functions/lookup"
	"loch/shared/audit"
	"loch/shared/privacy"
	"loch/shared/project"
	"loch/shared/web"
)

// people puts the functions that deal with one person on the mux.
func (p *product) people(mux *http.ServeMux) {
	limit := web.NewRateLimit(time.Now)
	forgets := erase.New(p.erasing(limit))
	mux.Handle("DELETE /api/profiles/{distinct_id}", forgets)
	mux.Handle("/api/profiles/{distinct_id}/export", forgets)
	mux.Handle("/api/profiles/", lookup.New(lookup.Deps{
		Registry: p.registry, Profiles: p.profiles, Journeys: p.engine, Vault: p.identities, Audit: p.audit, Limit: limit,
	}))
}

// erasing are what an erasure and an export need here.
func (p *product) erasing(limit *web.RateLimit) erase.Deps {
	policy, err := privacy.NewPolicy(project.Privacy{})
	if err != nil {
		panic(err) // the default policy is valid
	}
	return erase.Deps{
		Registry: p.registry, Vault: p.identities, Profiles: p.profiles, Audit: p.audit, Engine: p.engine,
		NormalEmail: policy.NormalEmail,
		Scrub: func(text string) string {
			return policy.CleanText(text, func(f privacy.Found) string { return f.Rule.Word() })
		},
		Limit: limit, Now: time.Now, Logger: p.settings.logger,
	}
}

// upkeepEvery is how often keys whose time is over leave memory, salts of days
// gone by are thrown away, and erasures that could not be finished are tried
// again.
const upkeepEvery = time.Minute

// upkeep does so until ctx ends, the first time at once: an erasure that a crash
// cut off is finished when the server starts.
func (p *product) upkeep(ctx context.Context) {
	resumer := erase.NewResumer(p.erasing(nil))
	ticker := time.NewTicker(upkeepEvery)
	defer ticker.Stop()
	for {
		p.identities.Forget()
		if err := p.identities.ThrowSalts(ctx, time.Now()); err != nil && ctx.Err() == nil {
			p.settings.logger.Error("old salts could not be thrown away; it is tried again", "error", err)
		}
		switch n, err := resumer.Resume(ctx); {
		case err != nil && ctx.Err() == nil:
			p.settings.logger.Error("an erasure could not be finished; it is tried again", "error", err)
		case n > 0:
			p.settings.logger.Info("erasures that were cut off are finished", "count", n)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// rotateKey locks the vault with a new key and says so in the ledger.
func (p *product) rotateKey(ctx context.Context) (any, error) {
	p.rotation.Lock()
	defer p.rotation.Unlock()
	name, err := p.keyFile.rotate(ctx, p.identities)
	if err != nil {
		return nil, err
	}
	e, err := p.audit.Append(ctx, audit.Entry{Kind: audit.Rotate, Key: "operator"})
	if err != nil {
		return nil, err
	}
	return map[string]any{"key": name, "ledger_entry": e.Seq}, nil
}
