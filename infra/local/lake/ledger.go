package lake

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"loch/shared/fault"
)

// readLedger learns from the names of the ledger's files what was committed.
func (l *Lake) readLedger() error {
	dir := filepath.Join(l.dir, ledgerFolder)
	files, err := os.ReadDir(dir)
	if err != nil {
		return broken(err, "the ledger cannot be listed")
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), temporary) {
			// Half of an entry: its commit never was.
			if err := os.Remove(filepath.Join(dir, f.Name())); err != nil {
				return broken(err, "the ledger cannot be tidied up")
			}
			continue
		}
		number, id, ok := parseLedgerName(f.Name())
		if !ok {
			continue // not ours; Verify points at it
		}
		l.committed[id] = number
		l.now.number = max(l.now.number, number)
		if segment, ok := parseRollID(id); ok {
			l.now.rolled = max(l.now.rolled, segment)
		}
	}
	return nil
}

// Entries gives fn each commit in the ledger, oldest first.
func (l *Lake) Entries(fn func(Entry) error) error {
	for _, name := range l.ledgerNames() {
		e, err := l.readEntry(name)
		if err != nil {
			return err
		}
		if err := fn(e); err != nil {
			return err
		}
	}
	return nil
}

// ledgerNames lists the ledger's files as of now, oldest first.
func (l *Lake) ledgerNames() []string {
	l.mu.Lock()
	names := make([]string, 0, len(l.committed))
	for id, number := range l.committed {
		names = append(names, ledgerName(number, id))
	}
	l.mu.Unlock()
	slices.Sort(names)
	return names
}

func (l *Lake) readEntry(name string) (Entry, error) {
	b, err := os.ReadFile(filepath.Join(l.dir, ledgerFolder, name))
	if err != nil {
		return Entry{}, broken(err, "a ledger file cannot be read")
	}
	e, err := decodeEntry(b)
	if err != nil {
		return Entry{}, err
	}
	if ledgerName(e.Number, e.ID) != name {
		return Entry{}, fault.New(fault.Internal, "a ledger file holds the entry of another commit")
	}
	return e, nil
}

// entry reads one commit by its id.
func (l *Lake) entry(id string) (Entry, error) {
	l.mu.Lock()
	number, ok := l.committed[id]
	l.mu.Unlock()
	if !ok {
		return Entry{}, fault.New(fault.NotFound, "no commit of this id is in the ledger")
	}
	return l.readEntry(ledgerName(number, id))
}

const temporary = ".tmp"

// record writes e into the ledger. When it returns nil or inLedger is true, the
// commit holds; the error then says that the disk did not confirm it.
func (l *Lake) record(e *Entry) (inLedger bool, err error) {
	b, err := e.encode()
	if err != nil {
		return false, err
	}
	inLedger, err = l.writeFile("ledger", filepath.Join(l.dir, ledgerFolder, ledgerName(e.Number, e.ID)), b)
	if !inLedger {
		return false, err
	}
	return true, l.confirm()
}

// confirm makes the ledger's names durable.
func (l *Lake) confirm() error {
	if err := l.step("ledger sync"); err != nil {
		return err
	}
	return syncDir(filepath.Join(l.dir, ledgerFolder))
}

// writeFile has a file appear whole, or in place of the one of its name. What the
// folder says is not durable yet. what names the steps.
func (l *Lake) writeFile(what, path string, b []byte) (there bool, err error) {
	err = l.writeSynced(what, path+temporary, b)
	if err == nil {
		err = l.step(what + " rename")
	}
	if err == nil {
		err = os.Rename(path+temporary, path)
	}
	if err != nil {
		_ = os.Remove(path + temporary) // else Open does it
	}
	return err == nil, err
}

func (l *Lake) writeSynced(what, path string, b []byte) error {
	if err := l.step(what + " write"); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = l.step(what + " file sync")
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}
