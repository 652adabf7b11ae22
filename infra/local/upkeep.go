package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"loch/functions/erase"
	"loch/functions/lookup"
	"loch/infra/local/lake"
	"loch/infra/local/snapshot"
	"loch/shared/audit"
	"loch/shared/privacy"
	"loch/shared/profile"
	"loch/shared/project"
	"loch/shared/web"
)

// people puts the functions that deal with one person on the mux.
func (p *product) people(mux *http.ServeMux) {
	limit := web.NewRateLimit(time.Now)
	forgets := erase.New(p.erasing(limit))
	mux.Handle("DELETE /api/profiles/{distinct_id}", forgets)
	mux.Handle("/api/profiles/{distinct_id}/export", forgets)
	mux.Handle("DELETE /api/profile", forgets)
	mux.Handle("/api/profile/export", forgets)
	looks := lookup.New(p.looking(limit))
	mux.Handle("/api/profiles", looks)
	mux.Handle("/api/profiles/", looks)
	mux.Handle("/api/profile", looks)
	mux.Handle("/api/profile/events", looks)
	for _, path := range []string{"/api/query/engage", "/api/2.0/engage", "/api/2.0/engage/"} {
		mux.Handle(path, looks)
	}
	mux.Handle("GET /api/profiles.ndjson", looks) // an import is ingestion's
}

// looking are what look-ups and lists need here.
func (p *product) looking(limit *web.RateLimit) lookup.Deps {
	return lookup.Deps{
		Registry: p.registry, Profiles: p.profiles, Vault: p.identities, Audit: p.audit, Limit: limit,
		Roster: p.profiles, Engine: p.engine, Journeys: p.engine, Now: time.Now, Budget: p.budget,
	}
}

// erasing are what an erasure and an export need here.
func (p *product) erasing(limit *web.RateLimit) erase.Deps {
	policy, err := privacy.NewPolicy(project.Privacy{})
	if err != nil {
		panic(err) // the default policy is valid
	}
	return erase.Deps{
		Registry: p.registry, Vault: p.identities, Profiles: forgetful{p.profiles, p.snapshots}, Audit: p.audit, Engine: p.engine,
		Rows:        rowRemover{p.lake},
		NormalEmail: policy.NormalEmail,
		Scrub: func(text string) string {
			return policy.CleanText(text, func(f privacy.Found) string { return f.Rule.Word() })
		},
		Limit: limit, Budget: p.budget, Now: time.Now, Logger: p.settings.logger,
	}
}

// rowRemover dates the orders to remove rows that the lake takes.
type rowRemover struct{ lake *lake.Lake }

// RemoveRows orders it.
func (r rowRemover) RemoveRows(_ context.Context, projectID string, ids []string) error {
	return r.lake.RemoveRows(projectID, ids, time.Now())
}

// forgetful is a profile store that takes an erased person out of SQL's profiles,
// too, before it says that they are erased.
type forgetful struct {
	profile.Store
	snapshots *snapshot.Writer
}

// Erase implements profile.Store.
func (f forgetful) Erase(ctx context.Context, projectID string, ids []string) error {
	if err := f.Store.Erase(ctx, projectID, ids); err != nil {
		return err
	}
	return f.snapshots.Changes(ctx)
}

// personalTrait tells which of a project's traits are personal. Settings
// were checked at the start; should they be wrong by now, every trait is.
func (p *product) personalTrait(projectID string) profile.Personal {
	settings := p.registry.Settings(projectID)
	policy, err := privacy.NewPolicy(settings.Privacy)
	if err != nil {
		return func(string, []byte) bool { return true }
	}
	return policy.WithGroups(settings.GroupKeys).Seals
}

// traitsPolicy is a word for which traits are personal in all projects.
func (p *product) traitsPolicy() string {
	h := sha256.New()
	for _, id := range p.registry.IDs() {
		digest := "all"
		settings := p.registry.Settings(id)
		if policy, err := privacy.NewPolicy(settings.Privacy); err == nil {
			digest = policy.WithGroups(settings.GroupKeys).TraitsDigest()
		}
		h.Write([]byte(id + "\x00" + digest + "\x00"))
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// upkeepEvery is how often keys whose time is over leave memory, salts of days
// gone by and names of updates of weeks gone by are thrown away, erasures that
// could not be finished are tried again, and lists of people are kept at hand.
const upkeepEvery = time.Minute

// upkeep does so.
func (p *product) upkeep(ctx context.Context, resumer *erase.Resumer) {
	p.identities.Forget()
	if err := p.identities.ThrowSalts(ctx, time.Now()); err != nil && ctx.Err() == nil {
		p.settings.logger.Error("old salts could not be thrown away; it is tried again", "error", err)
	}
	if err := p.profiles.DropNames(ctx); err != nil && ctx.Err() == nil {
		p.settings.logger.Error("old names of profile updates could not be dropped; it is tried again", "error", err)
	}
	switch n, err := resumer.Resume(ctx); {
	case err != nil && ctx.Err() == nil:
		p.settings.logger.Error("an erasure could not be finished; it is tried again", "error", err)
	case n > 0:
		p.settings.logger.Info("erasures that were cut off are finished", "count", n)
	}
	if err := p.profiles.KeepLists(ctx); err != nil && ctx.Err() == nil {
		p.settings.logger.Warn("the list of people could not be kept at hand; it is tried again", "error", err)
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
