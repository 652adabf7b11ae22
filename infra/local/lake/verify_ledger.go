package lake

import "context"

// readLedger follows the commits from the first on: what they say for
// themselves, and which files there must be after the last.
func (v *verification) readLedger(ctx context.Context) error {
	next := uint64(1)
	ids := map[string]bool{}
	removed := map[string]string{}
	for _, name := range v.ledger {
		if err := ctx.Err(); err != nil {
			return err
		}
		v.tick()
		number, id, ok := parseLedgerName(name)
		if !ok {
			v.warning("ledger/%s is not a commit", name)
			continue
		}
		if number > next {
			v.problem("the ledger has no commit number %d: %d file(s) are missing before ledger/%s", next, number-next, name)
		} else if number < next {
			v.problem("ledger/%s: number %d stands there twice", name, number)
		}
		next = number + 1
		if ids[id] {
			v.problem("ledger/%s: commit %s stands there twice", name, id)
		}
		ids[id] = true
		v.account.Commits++
		e, err := v.lake.readEntry(name)
		if err != nil {
			v.problem("ledger/%s: %v", name, err)
			continue
		}
		v.follow(e, removed)
	}
	return nil
}

// follow checks one commit and applies it to v.implied.
func (v *verification) follow(e Entry, removed map[string]string) {
	for _, f := range e.Added {
		if other, there := v.implied[f.Path]; there {
			v.problem("lake/%s was added by %s and again by %s", f.Path, other.commit, e.ID)
		}
		v.implied[f.Path] = committedFile{f, e.ID}
	}
	var in, rejectedIn int64
	for _, rel := range e.Removed {
		f, there := v.implied[rel]
		switch {
		case there:
			if t := f.Tier(); t == Landing || t == Events {
				in += f.Rows
			} else if t == Rejected {
				rejectedIn += f.Rows
			}
		case removed[rel] != "":
			v.problem("lake/%s was removed by %s and again by %s", rel, removed[rel], e.ID)
		default:
			v.problem("lake/%s was removed by %s, and no commit had added it", rel, e.ID)
		}
		delete(v.implied, rel)
		removed[rel] = e.ID
	}
	out, rejectedOut := e.rows(Landing, Events), e.rows(Rejected)
	switch e.Kind {
	case KindRoll:
		lake := &v.account.InLake
		lake.Requests += e.Requests
		lake.Received += e.Received
		if e.Received != e.Stored+e.Rejected {
			v.problem("commit %s: %d inputs were received, %d stored and %d rejected", e.ID, e.Received, e.Stored, e.Rejected)
		}
		if out != e.Stored || rejectedOut != e.Rejected {
			v.problem("commit %s: %d rows stored and %d rejected, its files had %d and %d", e.ID, e.Stored, e.Rejected, out, rejectedOut)
		}
	case KindCompact:
		v.account.Duplicates += e.Duplicates
		v.account.Removed += e.RowsRemoved
		if !e.compactAddsUp() {
			v.problem("commit %s: %d rows in, %d out, %d removed and %d duplicates", e.ID, e.RowsIn, e.RowsOut, e.RowsRemoved, e.Duplicates)
		}
		if in != e.RowsIn || out != e.RowsOut {
			v.problem("commit %s: %d rows in and %d out, its files had %d and %d", e.ID, e.RowsIn, e.RowsOut, in, out)
		}
		if rejectedIn != rejectedOut {
			v.problem("commit %s: it replaced %d rejected rows by %d", e.ID, rejectedIn, rejectedOut)
		}
	}
}
