package pebble

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"loch/shared/audit"
	"loch/shared/fault"
)

// Audit is the audit ledger's store. It lies in the vault's database, so that it
// is opened, locked and backed up with it.
type Audit struct{ v *Vault }

// Audit returns the vault's audit ledger.
func (v *Vault) Audit() *Audit { return &Audit{v} }

func auditKey(seq uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{auditByte}, seq)
}

// Append keeps what next makes of the newest entry. It waits for the disk before
// the next one may begin: an entry that is chained to another is never there
// without it.
func (a *Audit) Append(ctx context.Context, next func(newest audit.Entry) (audit.Entry, error)) (audit.Entry, error) {
	v := a.v
	if err := v.begin(ctx); err != nil {
		return audit.Entry{}, err
	}
	defer v.leave()
	if err := v.room(); err != nil {
		return audit.Entry{}, err
	}
	v.ledger.Lock()
	defer v.ledger.Unlock()
	newest, err := a.newest()
	if err != nil {
		return audit.Entry{}, err
	}
	e, err := next(newest)
	if err != nil {
		return audit.Entry{}, err
	}
	text, err := json.Marshal(e)
	if err != nil {
		return audit.Entry{}, fault.Wrap(err, fault.Internal, "an entry of the ledger cannot be written")
	}
	batch := v.peb.NewBatch()
	err = batch.Set(auditKey(e.Seq), text, nil)
	if err == nil {
		err = v.apply(batch, true)
	}
	if err != nil {
		return audit.Entry{}, fault.Wrap(errors.Join(err, batch.Close()), fault.Unavailable, "an entry of the ledger could not be kept; try again")
	}
	return e, v.settle(batch, true)
}

func (a *Audit) newest() (e audit.Entry, err error) {
	it, err := a.v.peb.NewIter(&pebble.IterOptions{LowerBound: []byte{auditByte}, UpperBound: []byte{auditByte + 1}})
	if err != nil {
		return e, unreadable(err)
	}
	if it.Last() {
		value, err := it.ValueAndErr()
		if err == nil {
			err = decodeEntry(value, &e)
		}
		if err != nil {
			_ = it.Close()
			return e, err
		}
	}
	if err := it.Close(); err != nil {
		return e, unreadable(err)
	}
	return e, nil
}

// pageEntries is how many entries Walk reads at a time.
const pageEntries = 256

// Walk calls fn for every entry from the given Seq on. It holds nothing open while
// fn runs, so that fn may append, and a slow one keeps no old file alive.
func (a *Audit) Walk(ctx context.Context, from uint64, fn func(audit.Entry) error) error {
	for {
		page, next, err := a.page(ctx, from)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, e := range page {
			if err := ctx.Err(); err != nil {
				return gaveUp(err)
			}
			if err := fn(e); err != nil {
				return err
			}
		}
		from = next
	}
}

// page reads some entries. next is where the next page begins: by the keys, since
// somebody may have changed the entries.
func (a *Audit) page(ctx context.Context, from uint64) (page []audit.Entry, next uint64, err error) {
	v := a.v
	if err := v.begin(ctx); err != nil {
		return nil, 0, err
	}
	defer v.leave()
	v.ledger.Lock() // what is being written is not told before it is durable
	defer v.ledger.Unlock()
	it, err := v.peb.NewIter(&pebble.IterOptions{LowerBound: auditKey(from), UpperBound: []byte{auditByte + 1}})
	if err != nil {
		return nil, 0, unreadable(err)
	}
	defer func() {
		if e := it.Close(); e != nil && err == nil {
			err = unreadable(e)
		}
	}()
	for it.First(); it.Valid() && len(page) < pageEntries; it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return nil, 0, unreadable(err)
		}
		var e audit.Entry
		if err := decodeEntry(value, &e); err != nil {
			return nil, 0, err
		}
		page = append(page, e)
		next = binary.BigEndian.Uint64(it.Key()[1:]) + 1
	}
	return page, next, nil
}

func decodeEntry(text []byte, e *audit.Entry) error {
	if err := json.Unmarshal(text, e); err != nil {
		return fault.Wrap(err, fault.Internal, "an entry of the audit ledger is damaged")
	}
	return nil
}
