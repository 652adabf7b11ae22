package dynamo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"loch/shared/audit"
	"loch/shared/fault"
)

// Ledger is the audit ledger's store. Its entries stand under one pk, in the order of
// their numbers; no two can have the same, so whoever was second makes theirs anew
// behind the first. An entry that names very many people, as an export does, is larger
// than an item may be: the rest of it stands in items under a pk of its own, written in
// the same transaction.
type Ledger struct{ *table }

var _ audit.Store = (*Ledger)(nil)

// NewLedger returns the store over the ledger's table.
func NewLedger(api *dynamodb.Client, o Options) *Ledger {
	return &Ledger{newTable(api, LedgerTable, o)}
}

const (
	ledgerPK   = "ledger"
	aEntry     = "entry"  // JSON text, or its first piece
	aMore      = "pieces" // how many items hold the rest
	aCall      = "call"   // by which a writer knows its own entry
	entryBytes = 350 << 10
	// mostEntry: a transaction takes 4 MB.
	mostEntry = 10 * entryBytes
	// pageEntries is how many entries Walk reads at a time.
	pageEntries = 256
)

func entryAt(seq uint64) item { return item{pk: text(ledgerPK), sk: text(fmt.Sprintf("%020d", seq))} }

func pieceOf(seq uint64, n int) item {
	return item{pk: text(ledgerPK + "/" + strconv.FormatUint(seq, 10)), sk: text(fmt.Sprintf("%04d", n))}
}

// Append keeps what next makes of the newest entry.
func (l *Ledger) Append(ctx context.Context, next func(newest audit.Entry) (audit.Entry, error)) (audit.Entry, error) {
	e := l.effort(ctx)
	for {
		newest, err := l.newest(ctx, e)
		if err != nil {
			return audit.Entry{}, err
		}
		entry, err := next(newest)
		if err != nil {
			return audit.Entry{}, err
		}
		written, err := json.Marshal(entry)
		if err != nil {
			return audit.Entry{}, fault.Wrap(err, fault.Internal, "an entry of the ledger cannot be written")
		}
		if len(written) > mostEntry {
			return audit.Entry{}, fault.New(fault.TooLarge, "this concerns more people than one entry of the ledger can name; ask for fewer at a time")
		}
		w, err := l.newWrite(true)
		if err != nil {
			return audit.Entry{}, err
		}
		if err = l.write(ctx, e, w, entry.Seq, written); err == nil {
			return entry, nil
		}
		no, taken := errors.AsType[*refusedCall](err)
		if !taken {
			return audit.Entry{}, err
		}
		there := no.item
		if len(no.items) > 0 {
			there = no.items[0]
		}
		if bytes.Equal(there.blob(aCall), w.call) {
			return entry, nil // it is ours, and the answer was lost
		}
		if err := e.yield(ctx); err != nil {
			return audit.Entry{}, err
		}
	}
}

// write writes an entry if there is none of its number.
func (l *Ledger) write(ctx context.Context, e *effort, w *write, seq uint64, written []byte) error {
	head := entryAt(seq)
	head[aCall] = blob(w.call)
	head[aEntry] = text(string(written[:min(len(written), entryBytes)]))
	if len(written) <= entryBytes {
		return l.putIf(ctx, e, head, notThere, nil)
	}
	var rest []types.TransactWriteItem
	for at := entryBytes; at < len(written); at += entryBytes {
		piece := pieceOf(seq, len(rest))
		piece[aEntry] = blob(written[at:min(len(written), at+entryBytes)])
		rest = append(rest, l.putting(piece, nil, nil))
	}
	head[aEntry] = blob(written[:entryBytes])
	head[aMore] = number(int64(len(rest)))
	return l.transact(ctx, e, append([]types.TransactWriteItem{l.putting(head, notThere, nil)}, rest...))
}

// newest is the last entry, the zero one if there is none.
func (l *Ledger) newest(ctx context.Context, e *effort) (entry audit.Entry, err error) {
	var last item
	if err := l.walk(ctx, e, query{pk: text(ledgerPK), newest: true, most: 1}, func(i item) error {
		last = i
		return nil
	}); err != nil || last == nil {
		return entry, err
	}
	return l.entry(ctx, e, last)
}

// entry reads an entry of which an item is at hand.
func (l *Ledger) entry(ctx context.Context, e *effort, i item) (audit.Entry, error) {
	seq, err := strconv.ParseUint(i.text(sk), 10, 64)
	if err != nil {
		return audit.Entry{}, damaged("the audit ledger")
	}
	return l.read(ctx, e, i, seq)
}

func (l *Ledger) read(ctx context.Context, e *effort, i item, seq uint64) (entry audit.Entry, err error) {
	written := []byte(i.text(aEntry))
	if n := int(i.number(aMore)); n > 0 {
		written = i.blob(aEntry)
		keys := make([]item, n)
		for at := range keys {
			keys[at] = pieceOf(seq, at)
		}
		found, err := l.getItems(ctx, e, keys)
		if err != nil {
			return entry, err
		}
		pieces := map[string][]byte{}
		for _, piece := range found {
			pieces[piece.text(sk)] = piece.blob(aEntry)
		}
		for _, k := range keys {
			written = append(written, pieces[k.text(sk)]...)
		}
	}
	if err := json.Unmarshal(written, &entry); err != nil {
		return entry, damaged("the audit ledger")
	}
	return entry, nil
}

// Walk calls fn for every entry from the given Seq on, a page at a time: fn may take
// its time, and may append.
func (l *Ledger) Walk(ctx context.Context, from uint64, fn func(audit.Entry) error) error {
	for {
		e := l.effort(ctx)
		var page []item
		q := query{pk: text(ledgerPK), since: entryAt(from)[sk], most: pageEntries}
		if err := l.walk(ctx, e, q, func(i item) error {
			page = append(page, i)
			return nil
		}); err != nil {
			return err
		}
		for _, i := range page {
			entry, err := l.entry(ctx, l.effort(ctx), i)
			if err != nil {
				return err
			}
			if err := fn(entry); err != nil {
				return err
			}
		}
		if len(page) < pageEntries {
			return nil
		}
		last, err := strconv.ParseUint(page[len(page)-1].text(sk), 10, 64)
		if err != nil {
			return damaged("the audit ledger")
		}
		from = last + 1 // by the key, since somebody may have changed the entry
	}
}
