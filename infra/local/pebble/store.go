// Package pebble keeps the vault's lake ids and the profiles of one machine in
// two Pebble databases inside the data folder.
//
// Pebble is a log-structured store: a write goes to a log, one fsync serves all
// the writers that wait for it, and sorted files are made in the background.
// What this package adds is who may write when (one reader-modifier-writer a
// profile, one maker an id), the promise that nothing is told to anybody before
// it is durable, and manners on a full disk.
package pebble

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"loch/infra/local/disk"
	"loch/shared/fault"
)

// Options are what both stores need besides their folder.
type Options struct {
	CacheBytes int64       // blocks kept in memory; default 8 MiB for the vault, 32 MiB for profiles
	NoSync     bool        // no fsync; for benchmarks only, a crash loses what was acknowledged
	Guard      *disk.Guard // asked before each write; may be nil
	Logger     *slog.Logger
	Now        func() time.Time
}

const defaultCacheBytes = 8 << 20

// format is the layout of files on disk that Pebble may use. Raising it is
// deliberate: an older binary cannot open the folder afterwards.
const format = pebble.FormatValueSeparation

// Pebble's memory for writes that are not in a sorted file yet. It grows from
// 256 KB, so that an idle store stays small.
const (
	memTableBytes = 4 << 20
	memTables     = 4
)

// fileSizes are how large sorted files grow: those of the first level, of the one
// that it is merged into, of the next, and so on; the last stands for all below. An
// erasure writes a few files of each level anew for every record that it takes away,
// so they are smaller than Pebble would make them.
var fileSizes = []int64{2 << 20, 512 << 10, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20}

// surroundings are what tests replace.
type surroundings struct {
	fs   vfs.FS
	exit func(int)
}

// database is one Pebble database with the manners that both stores share.
type database struct {
	peb    *pebble.DB
	log    logger
	guard  *disk.Guard
	full   *fullDisk
	noSync bool

	writers atomic.Int64 // calls that write, on their way

	gate    sync.RWMutex // held for reading by every call, for writing by Close
	closed  bool
	closing func() error // writes what is still in memory; may be nil

	fs    vfs.FS // as it is, without freshLogs
	dir   string
	fresh freshness

	scrubbing sync.Mutex // one scrub at a time
	cuts      cuts
}

// open opens or makes the database in dir. kind is what it must say it is.
func open(dir, store, kind string, o Options, s surroundings) (*database, error) {
	if s.fs == nil {
		s.fs = vfs.Default
	}
	if s.exit == nil {
		s.exit = os.Exit //nolint:forbidigo // Pebble asks for an end when its own log cannot be written; there is nobody to return to
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.CacheBytes <= 0 {
		o.CacheBytes = defaultCacheBytes
	}
	d := &database{
		log:    logger{store: store, out: o.Logger, exit: s.exit},
		guard:  o.Guard,
		full:   &fullDisk{guard: o.Guard, store: store, out: o.Logger, closing: make(chan struct{})},
		noSync: o.NoSync,
	}
	if o.Guard != nil {
		s.fs = vfs.OnDiskFull(s.fs, d.full.wait)
	}

	po := &pebble.Options{
		CacheSize:                   o.CacheBytes,
		EventListener:               d.log.events(),
		FormatMajorVersion:          format,
		FS:                          s.fs,
		Logger:                      d.log,
		MaxManifestFileSize:         manifestBytes,
		MaxOpenFiles:                1000,
		MemTableSize:                memTableBytes,
		MemTableStopWritesThreshold: memTables,
	}
	po.WALMinSyncInterval = d.syncInterval
	copy(po.TargetFileSizes[:], fileSizes)
	po.Experimental.SpanPolicyFunc = d.cuts.policy
	d.cuts.listen(po.EventListener)
	for i := range po.Levels {
		po.Levels[i].FilterPolicy = bloom.FilterPolicy(10) // most look-ups of an id are for one that is not there
	}
	// Ids do not compress, and a profile is read more often than it is moved.
	po.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionFastest })
	d.fs, d.dir = s.fs, dir
	po.FS = freshLogs{s.fs, &d.fresh}
	var err error
	if d.peb, err = pebble.Open(dir, po); err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, fmt.Sprintf(
			"the store in %s cannot be opened: another process has it open, or its files cannot be read (%v)", filepath.Base(dir), err))
	}
	if err := d.identify(kind); err != nil {
		return nil, errors.Join(err, d.peb.Close())
	}
	return d, nil
}

// identify writes what a new database is, and refuses one that is something
// else.
func (d *database) identify(kind string) error {
	found, ok, err := d.get(metaKey)
	if err != nil {
		return err
	}
	if !ok {
		if err := d.peb.Set(metaKey, []byte(kind), pebble.Sync); err != nil {
			return fault.Wrap(err, fault.Unavailable, "a new store cannot be written")
		}
		return nil
	}
	if string(found) != kind {
		return fault.Newf(fault.Invalid, "the store in this folder is %.40q, this program knows %q: use the version that wrote it, or newer", found, kind)
	}
	return nil
}

// enter begins a call; leave ends it. Between the two the database stays open.
func (d *database) enter() error {
	d.gate.RLock()
	if d.closed {
		d.gate.RUnlock()
		return fault.New(fault.Unavailable, "the server is shutting down; nothing was kept, send again")
	}
	return nil
}

func (d *database) leave() { d.gate.RUnlock() }

// Where many write at once, the disk is told less often, so that more of them share
// one fsync: each costs a third of a millisecond of processor time, and whoever comes
// while the disk is busy waits for the next in any case.
const (
	crowd        = 16
	crowdedEvery = time.Millisecond
)

// syncInterval is how long at least lies between two fsyncs of the log.
func (d *database) syncInterval() time.Duration {
	if d.writers.Load() < crowd {
		return 0
	}
	return crowdedEvery
}

// Close waits for the calls that are on their way and closes the database.
// Calls that come later are refused.
func (d *database) Close() error {
	close(d.full.closing)
	d.gate.Lock()
	defer d.gate.Unlock()
	d.closed = true
	var err error
	if d.closing != nil {
		err = d.closing()
	}
	if err = errors.Join(err, d.peb.Close()); err != nil {
		return fault.Wrap(err, fault.Internal, "a store did not close cleanly; the next start reads its log")
	}
	return nil
}

// room says whether a write may begin.
func (d *database) room() error {
	if d.full.paused.Load() {
		return fault.New(fault.Unavailable, "the disk is full; nothing was kept, free some room and send again")
	}
	return d.guard.Check()
}

// get returns a copy of a value.
func (d *database) get(key []byte) (value []byte, ok bool, err error) {
	return copyOf(d.peb, key)
}

// copyOf reads from the database or a snapshot of it.
func copyOf(r pebble.Reader, key []byte) (value []byte, ok bool, err error) {
	v, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, unreadable(err)
	}
	value = append(make([]byte, 0, len(v)), v...)
	if err := closer.Close(); err != nil {
		return nil, false, unreadable(err)
	}
	return value, true, nil
}

func unreadable(err error) error {
	return fault.Wrap(err, fault.Internal, "a store's file cannot be read; the server's log says which")
}

// apply makes a batch visible and, where it is to be durable, starts its fsync
// without waiting for it: the caller lets go of its locks first, then waits.
// Whoever reads the batch before it is durable and writes, writes behind it in
// the same log, so a later write is never durable without an earlier one.
func (d *database) apply(b *pebble.Batch, sync bool) error {
	// Pebble panics where its log cannot go on. A handler's recover must not
	// swallow that: the next commit would wait for ever.
	defer func() {
		if r := recover(); r != nil {
			d.log.Fatalf("panic while committing: %v", r)
			panic(r)
		}
	}()
	var err error
	if sync && !d.noSync {
		err = d.peb.ApplyNoSyncWait(b, pebble.Sync)
	} else {
		err = d.peb.Apply(b, pebble.NoSync)
	}
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "a store could not be written; nothing was kept, send again")
	}
	return nil
}

// settle waits until an applied batch is durable, and frees it.
func (d *database) settle(b *pebble.Batch, sync bool) error {
	if sync && !d.noSync {
		if err := b.SyncWait(); err != nil {
			// It is visible in memory and not on disk; nobody may build on it.
			d.log.Fatalf("the log could not be synced: %v", err)
			return fault.Wrap(err, fault.Unavailable, "a store could not be written; nothing was kept, send again")
		}
	}
	if err := b.Close(); err != nil {
		return fault.Wrap(err, fault.Internal, "a store's batch did not close")
	}
	return nil
}
