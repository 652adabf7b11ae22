package lake

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"loch/shared/fault"
)

const removalsFolder = "removals"

// Removal is a standing order to show rows of some lake ids no more and to take
// them out of the files: the rows of somebody who was erased. It is a file of its
// own in DATA/removals until no file and no log can hold such a row.
//
// What is ordered is not a change of the lake, so it is no commit. Whoever reads
// leaves the rows out, whoever writes a file anew writes it without them, and the
// commit that does so counts them.
type Removal struct {
	Project string   `json:"project"`
	IDs     []string `json:"ids"`     // sorted; of users and devices
	TimeMS  int64    `json:"time_ms"` // when it was ordered last

	// Swept says that no compacted file holds such a row, and that none will:
	// from then on only what is not compacted yet has to be looked at.
	Swept bool `json:"swept,omitempty"`
}

// name is the file's: the same order is the same file.
func (r *Removal) name() string {
	sum := sha256.Sum256([]byte(r.Project + "\x00" + strings.Join(r.IDs, "\x00")))
	return hex.EncodeToString(sum[:16]) + ".json"
}

// Time is when it was ordered last.
func (r *Removal) Time() time.Time { return time.UnixMilli(r.TimeMS) }

// RemoveRows orders that rows of the lake ids are removed. When it returns nil the
// order is durable and stands in every Snapshot taken from now on. Giving it again
// dates it anew: rows that were on their way then are removed, too.
func (l *Lake) RemoveRows(project string, ids []string, now time.Time) error {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	if project == "" || len(ids) == 0 || ids[0] == "" {
		return fault.New(fault.Internal, "an order to remove rows names nobody")
	}
	l.removing.Lock()
	defer l.removing.Unlock()
	r := Removal{Project: project, IDs: ids, TimeMS: now.UnixMilli()}
	for _, old := range l.standing() {
		if old.name() == r.name() {
			r.Swept = old.Swept
		}
	}
	return l.order(r)
}

// Swept notes that no compacted file holds a row of the removals any more.
func (l *Lake) Swept(removals []Removal) error {
	l.removing.Lock()
	defer l.removing.Unlock()
	for _, r := range l.standing() {
		if r.Swept || !slices.ContainsFunc(removals, func(o Removal) bool { return o.name() == r.name() }) {
			continue
		}
		r.Swept = true
		if err := l.order(r); err != nil {
			return err
		}
	}
	return nil
}

// Fulfilled ends the removals: nothing can hold a row of theirs any more. One that
// was ordered again meanwhile stands.
func (l *Lake) Fulfilled(removals []Removal) error {
	l.removing.Lock()
	defer l.removing.Unlock()
	ended := func(r Removal) bool {
		return slices.ContainsFunc(removals, func(o Removal) bool { return o.name() == r.name() && o.TimeMS == r.TimeMS })
	}
	for _, r := range l.standing() {
		if !ended(r) {
			continue
		}
		if err := l.step("removal delete"); err != nil {
			return err
		}
		if err := os.Remove(filepath.Join(l.dir, removalsFolder, r.name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return broken(err, "an order to remove rows that is carried out cannot be ended; it is tried again")
		}
	}
	// A file that comes back after a loss of power is ended once more.
	l.mu.Lock()
	defer l.mu.Unlock()
	l.removals = slices.DeleteFunc(slices.Clone(l.removals), ended)
	return nil
}

// order writes a removal and has it stand from now on. l.removing is held.
func (l *Lake) order(r Removal) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	folder := filepath.Join(l.dir, removalsFolder)
	there, err := l.writeFile("removal", filepath.Join(folder, r.name()), append(b, '\n'))
	if there {
		// Also where the disk does not confirm it: it may be there after a crash.
		l.mu.Lock()
		kept := slices.DeleteFunc(slices.Clone(l.removals), func(o Removal) bool { return o.name() == r.name() })
		l.removals = append(kept, r)
		l.mu.Unlock()
		if err = l.step("removal sync"); err == nil {
			err = syncDir(folder)
		}
	}
	if err != nil {
		return broken(err, "the order to remove rows cannot be written")
	}
	return nil
}

// standing are the removals as of now. The list is never changed.
func (l *Lake) standing() []Removal {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.removals
}

// readRemovals reads the orders that stand. One that cannot be read must not be
// passed over: its rows would be seen again.
func (l *Lake) readRemovals() error {
	folder := filepath.Join(l.dir, removalsFolder)
	files, err := os.ReadDir(folder)
	if err != nil {
		return broken(err, "the folder of rows to be removed cannot be listed")
	}
	for _, f := range files {
		path := filepath.Join(folder, f.Name())
		if strings.HasSuffix(path, temporary) {
			if err := os.Remove(path); err != nil { // half of an order that was never acknowledged
				return broken(err, "the folder of rows to be removed cannot be tidied up")
			}
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return broken(err, "an order to remove rows cannot be read")
		}
		var r Removal
		if err := json.Unmarshal(b, &r); err != nil || r.Project == "" || len(r.IDs) == 0 || r.name() != f.Name() {
			return fault.Wrap(err, fault.Internal, removalsFolder+"/"+f.Name()+" is damaged: rows of an erased person would be shown again. "+
				"Take the file out of a backup; or remove it, and erase the person once more with remove_rows, by the ids in the audit ledger")
		}
		l.removals = append(l.removals, r)
	}
	return nil
}
