package main

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"loch/functions/erase"
	"loch/functions/ingest"
	"loch/functions/query"
	"loch/infra/local/disk"
	"loch/infra/local/duckdb"
	"loch/infra/local/lake"
	"loch/infra/local/pebble"
	"loch/infra/local/registry"
	"loch/infra/local/snapshot"
	"loch/infra/local/wal"
	"loch/shared/audit"
	"loch/shared/enrich"
	"loch/shared/fault"
	"loch/shared/sql"
	"loch/shared/vault"
	"loch/shared/web"
)

// settings are what the product on one machine can be told.
type settings struct {
	dataDir         string
	writeToken      string
	serviceAccounts []string
	trustedProxies  []string
	geoPath         string
	rolloverEvery   time.Duration
	compactEvery    time.Duration
	diskReserve     uint64 // bytes
	requestMemory   int64  // bytes that requests may hold together; 0 sets no bound, for a command's own
	logger          *slog.Logger
}

// product is everything on one machine, opened: the stores, the engines and the
// handlers over them.
type product struct {
	settings   settings
	lock       *os.File
	guard      *disk.Guard
	registry   *registry.Registry
	created    bool // the project was made just now
	log        *wal.Log
	recovery   wal.Recovery
	recovered  []wal.Segment // what the log held when it was opened, until recall has read it
	recalling  sync.Mutex
	taking     taking
	lake       *lake.Lake
	roller     *lake.Roller
	engine     *duckdb.Engine
	vault      *pebble.Vault
	keyFile    *keyFile
	identities *vault.Vault
	audit      *audit.Log
	rotation   sync.Mutex // one rotation of the key at a time
	profiles   *pebble.Profiles
	snapshots  *snapshot.Writer
	enricher   *enrich.Enricher
	counters   *web.Counters
	budget     *web.Budget
	routes     http.Handler // what anyone may reach
	compact    sync.Mutex   // one compaction at a time
	closers    []io.Closer
}

// open opens the data folder and builds the product on it.
func open(s settings) (p *product, err error) {
	p = &product{settings: s, counters: web.NewCounters()}
	if s.requestMemory > 0 {
		p.budget = web.NewBudget(s.requestMemory, time.Now)
	}
	p.counters.Gauge("loch_http_request_memory_bytes", func() float64 { return float64(p.budget.Used()) })
	opened := p // the result is nil when something fails
	defer func() {
		if err != nil {
			_ = opened.Close()
		}
	}()
	if p.lock, err = lockFolder(s.dataDir); err != nil {
		return nil, err
	}
	p.closers = append(p.closers, p.lock)
	if p.keyFile, err = openKeyFile(s.dataDir); err != nil {
		return nil, err
	}
	if p.registry, p.created, err = registry.Open(s.dataDir, registry.Options{
		WriteToken: s.writeToken, ServiceAccounts: s.serviceAccounts, Rand: rand.Reader, Logger: s.logger,
	}); err != nil {
		return nil, err
	}
	p.guard = disk.New(s.dataDir, s.diskReserve, time.Now)
	if err := p.openStores(); err != nil {
		return nil, err
	}
	if p.enricher, err = enrich.New(enrich.Options{GeoPath: s.geoPath}); err != nil {
		return nil, err
	}
	p.closers = append(p.closers, p.enricher)
	if p.identities, err = vault.Open(context.Background(), p.vault, p.keyFile.wrapper(), vault.Options{Rand: rand.Reader, Now: time.Now}); err != nil {
		return nil, err
	}
	if err := p.keyFile.finish(context.Background(), p.identities); err != nil {
		return nil, err
	}
	p.audit = audit.New(p.vault.Audit(), p.identities.AuditKey(), time.Now)
	proxies, err := web.ParseProxies(s.trustedProxies)
	if err != nil {
		return nil, err
	}
	p.routes = p.handler(proxies)
	return p, nil
}

// openStores opens what keeps things: the log, the lake over it, the engine
// over both, the vault's and the profiles' stores.
func (p *product) openStores() (err error) {
	s := p.settings
	if p.lake, err = lake.Open(s.dataDir); err != nil {
		return err
	}
	now := p.lake.Snapshot()
	rolled := now.Rolled
	now.Release()
	// A log that lost its folder must not number its segments like those that are
	// in the lake already: their events would be taken for rolled over.
	if p.log, p.recovery, err = wal.Open(filepath.Join(s.dataDir, "wal"), wal.Options{
		Guard: p.guard, Now: time.Now, After: rolled,
	}); err != nil {
		return err
	}
	p.closers = append(p.closers, p.log)
	p.recovered = p.log.Segments()
	p.roller = lake.NewRoller(p.lake, p.log, lake.RollerOptions{
		MaxAge: s.rolloverEvery, Before: p.keepSeen, Now: time.Now, Logger: s.logger,
	})
	if p.engine, err = duckdb.Open(p.lake, p.log, duckdb.Options{
		TempDir: filepath.Join(s.dataDir, "tmp"), Logger: s.logger,
	}); err != nil {
		return err
	}
	p.closers = append(p.closers, p.engine)
	o := pebble.Options{Guard: p.guard, Logger: s.logger, Now: time.Now}
	if p.vault, err = pebble.OpenVault(filepath.Join(s.dataDir, "vault"), o); err != nil {
		return err
	}
	p.closers = append(p.closers, p.vault)
	if p.profiles, err = pebble.OpenProfiles(filepath.Join(s.dataDir, "profiles"), o); err != nil {
		return err
	}
	p.closers = append(p.closers, p.profiles)
	p.snapshots = snapshot.New(p.profiles, p.lake, snapshot.Options{
		Personal: p.personalTrait, Policy: p.traitsPolicy, Now: time.Now, Logger: s.logger,
	})
	// Before anybody is answered: a trait may have become personal since.
	if err := p.snapshots.Renew(context.Background()); err != nil {
		return fault.Wrap(err, fault.CodeOf(err), "other traits are personal than when profiles were last written into the lake, "+
			"and they cannot be written anew, so SQL would show what it must not: "+fault.From(err).Error())
	}
	return nil
}

// handler puts the functions on one mux, as API Gateway does on AWS.
func (p *product) handler(proxies web.Proxies) http.Handler {
	takes := p.taking.handler(ingest.New(ingest.Deps{
		Registry: p.registry, Vault: p.identities, Enricher: p.enricher, Sink: p.taking.sink(p.log), Profiles: p.profiles, Merger: p.profiles,
		Counters: p.counters, Logger: p.settings.logger, Now: time.Now, Rand: rand.Reader, Proxies: proxies,
		Budget: p.budget,
	}))
	mux := http.NewServeMux()
	mux.Handle("/", takes)
	asks := query.New(query.Deps{
		Registry: p.registry, Engine: p.engine, Dialect: sql.DuckDB, Version: p.engine.Version, Now: time.Now, Budget: p.budget,
		Schema: p.engine,
	})
	mux.Handle("/api/reports/", asks)
	mux.Handle("/api/sql", asks)
	mux.Handle("/api/schema", asks)
	mux.Handle("/api/2.0/export", asks)
	mux.Handle("/api/2.0/export/", asks)
	for _, path := range []string{"/api/query/", "/api/2.0/segmentation", "/api/2.0/segmentation/", "/api/2.0/funnels", "/api/2.0/retention"} {
		mux.Handle(path, asks)
	}
	p.people(mux)
	mux.HandleFunc("GET /{$}", p.welcome)
	mux.HandleFunc("GET /healthz", p.healthz)
	mux.Handle("GET /metrics", p.counters.Handler())
	// ServeMux redirects paths like //track/, which an api_host with a slash behind
	// it makes. A browser does not follow that across origins, and the SDK drops
	// the batch, so such paths go to ingestion as they are.
	routes := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "//") {
			takes.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
	return web.Observe(routes, p.observing())
}

// observing is how requests are logged and counted.
func (p *product) observing() web.ObserveOptions {
	return web.ObserveOptions{Logger: p.settings.logger, Now: time.Now, Rand: rand.Reader, Counters: p.counters}
}

// work runs what happens beside the requests until ctx ends: learning again from the
// log who was seen before a crash, roll-over of the log, compaction, upkeep of the vault, and writing who was seen.
func (p *product) work(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() {
		if err := p.recall(ctx); err != nil && ctx.Err() == nil {
			p.settings.logger.Warn("who was seen before the last stop is not known yet; it is tried again", "error", err)
		}
		p.roller.Run(ctx)
	})
	all.Go(func() { every(ctx, p.settings.compactEvery, p.compactIfNeeded) })
	all.Go(func() {
		resumer := erase.NewResumer(p.erasing(nil))
		upkeep := func(ctx context.Context) { p.upkeep(ctx, resumer) }
		upkeep(ctx) // at once: an erasure that a crash cut off is finished when the server starts
		every(ctx, upkeepEvery, upkeep)
	})
	all.Go(func() { p.snapshots.Run(ctx) })
	all.Go(func() { every(ctx, sightingsEvery, p.writeSightings) })
	all.Wait()
}

// every calls fn once a period until ctx ends.
func every(ctx context.Context, period time.Duration, fn func(context.Context)) {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			fn(ctx)
		}
	}
}

// compactIfNeeded compacts when there is enough to gain.
func (p *product) compactIfNeeded(ctx context.Context) {
	snapshot := p.lake.Snapshot()
	needed := duckdb.NeedsCompaction(snapshot, time.Now())
	snapshot.Release()
	if !needed || !p.compact.TryLock() {
		return
	}
	_, err := p.engine.Compact(ctx, nil)
	p.compact.Unlock()
	if err != nil && ctx.Err() == nil {
		p.settings.logger.Error("compaction failed; nothing is lost, it is tried again", "error", err)
	}
}

// Close closes everything in the reverse order of opening. What was acknowledged
// is on disk already.
func (p *product) Close() error {
	var all error
	for _, c := range slices.Backward(p.closers) {
		all = errors.Join(all, c.Close())
	}
	p.closers = nil
	return all
}
