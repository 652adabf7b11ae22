// Package lake is the one place that knows which files make up the lake now.
//
// The lake is a folder of Parquet files in six tiers. Files are never changed:
// a commit adds some and takes some away, and what it does happens in full or
// not at all, whenever the process is killed. It works like this:
//
//  1. New files are written under DATA/staging/<commit id>.
//  2. One small JSON file in DATA/ledger says what is added and what is removed.
//     The moment it appears, the commit holds. Before, it never was.
//  3. The new files are moved to DATA/lake, the replaced ones deleted, and the
//     staging folder goes last. As long as it is there, Open knows that this
//     step is not over and does it again; without a ledger file it throws the
//     folder away.
//
// Readers take a Snapshot and see the lake of that moment: the files in it stay
// on the disk until it is released, whatever is committed meanwhile.
//
// Rows of somebody who was erased are taken out by compaction, too. Until then a
// Removal says which they are, and a Snapshot tells its reader to leave them out.
//
// A Roller brings what the write-ahead log holds into the lake, and Verify
// proves that nothing was lost or counted twice on the way.
package lake

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"loch/shared/fault"
)

// Tier is one of the lake's folders.
type Tier string

// The tiers of design section 6.
const (
	Landing  Tier = "landing"  // event rows as they arrived, by arrival hour
	Events   Tier = "events"   // event rows, compacted
	Rejected Tier = "rejected" // sealed rejected input
	Profiles Tier = "profiles" // profile traits that are not personal
	Links    Tier = "links"    // which user each device was first linked to, and who was merged with whom

	// Summaries say which events and properties the files of the events tier hold.
	// They can be made anew from those at any time.
	Summaries Tier = "summaries"
)

var tiers = []Tier{Landing, Events, Rejected, Profiles, Links, Summaries}

// The folders in a data folder.
const (
	lakeFolder    = "lake"
	stagingFolder = "staging"
	ledgerFolder  = "ledger"
)

const suffix = ".parquet"

// Lake is the lake of one data folder. Its methods may be called from many
// goroutines; one process at a time may have it open.
type Lake struct {
	dir string // the data folder, absolute

	// hook is told of each step of a commit before it is taken. Tests make it
	// fail or kill the process there.
	hook func(step string) error

	// commit is held while files move, by one commit or clean-up at a time. It
	// is taken before mu.
	commit   sync.Mutex
	unplaced *Entry // in the ledger, but step 3 failed half-way; guarded by commit

	removing sync.Mutex // one change of the removals at a time; taken before mu

	mu        sync.Mutex // guards what follows; held for moments only
	now       *version
	committed map[string]uint64 // commit id to its number in the ledger
	active    map[string]bool   // ids of commits that are being prepared
	readers   map[uint64]int    // snapshots that are out, by version
	leftovers []leftover        // clean-up that waits, oldest first
	removals  []Removal         // orders that stand; replaced, never changed
}

// version is the lake between two commits. It is never changed.
type version struct {
	number uint64
	files  map[Tier][]string // absolute paths, sorted
	rolled uint64
}

// Open opens the lake of a data folder and makes the folders that are missing.
// A commit that was interrupted is brought to its end if it is in the ledger and
// undone if not.
func Open(dataDir string) (*Lake, error) { return open(dataDir, nil) }

func open(dataDir string, hook func(step string) error) (*Lake, error) {
	dir, err := filepath.Abs(dataDir)
	if err != nil {
		return nil, broken(err, "the data folder's path cannot be resolved")
	}
	l := &Lake{
		dir:       dir,
		hook:      hook,
		committed: map[string]uint64{},
		active:    map[string]bool{},
		readers:   map[uint64]int{},
		now:       &version{},
	}
	for _, folder := range []string{lakeFolder, stagingFolder, ledgerFolder, removalsFolder} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o750); err != nil {
			return nil, broken(err, "the data folder cannot be set up")
		}
	}
	if err := syncDir(dir); err != nil {
		return nil, broken(err, "the data folder cannot be set up")
	}
	if err := l.readLedger(); err != nil {
		return nil, err
	}
	if err := l.readRemovals(); err != nil {
		return nil, err
	}
	if err := l.recover(); err != nil {
		return nil, err
	}
	if l.now.files, err = l.walk(); err != nil {
		return nil, err
	}
	return l, nil
}

// walk lists the Parquet files of each tier. It asks for names only: the
// ledger's content and the files' footers are for Verify, since both take time
// when there are many.
func (l *Lake) walk() (map[Tier][]string, error) {
	files := map[Tier][]string{}
	for _, tier := range tiers {
		err := everyFile(l.path(string(tier)), func(path string) {
			if strings.HasSuffix(path, suffix) {
				files[tier] = append(files[tier], path)
			}
		})
		if err != nil {
			return nil, broken(err, "the lake's folders cannot be listed")
		}
		slices.Sort(files[tier])
		files[tier] = slices.Clip(files[tier]) // a reader may append to what it gets
	}
	return files, nil
}

// path is the absolute path of a file by its path below lake/.
func (l *Lake) path(rel string) string {
	return filepath.Join(l.dir, lakeFolder, filepath.FromSlash(rel))
}

// Folder is the folder of the lake's files, absolute.
func (l *Lake) Folder() string { return filepath.Join(l.dir, lakeFolder) }

// Rel is a file's path below lake/, with slashes: what Commit.Remove and the
// ledger use. path is one that a Snapshot gave.
func (l *Lake) Rel(path string) string {
	return filepath.ToSlash(strings.TrimPrefix(path, filepath.Join(l.dir, lakeFolder)+string(filepath.Separator)))
}

func (l *Lake) step(name string) error {
	if l.hook == nil {
		return nil
	}
	return l.hook(name)
}

// broken is a fault of the disk or the folder, not of the caller.
func broken(cause error, message string) error {
	return fault.Wrap(cause, fault.Unavailable, message)
}
