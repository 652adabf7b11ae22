package audit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"loch/shared/fault"
)

// Log appends entries to a chain and checks it.
type Log struct {
	store Store
	key   [32]byte
	now   func() time.Time
}

// New makes a log over a store. The key is the vault's: without it nobody can
// make an entry that fits the chain.
func New(store Store, key [32]byte, now func() time.Time) *Log {
	return &Log{store: store, key: key, now: now}
}

// Append keeps an entry, with its Seq, time and hash filled in. It is durable
// when Append returns.
func (l *Log) Append(ctx context.Context, e Entry) (Entry, error) {
	return l.store.Append(ctx, func(newest Entry) (Entry, error) {
		e.Seq = newest.Seq + 1
		e.TimeMS = l.now().UnixMilli()
		e.Hash = l.hash(newest.Hash, &e)
		return e, nil
	})
}

// Walk calls fn for every entry from the given Seq on, in order, until fn returns
// an error, which it returns.
func (l *Log) Walk(ctx context.Context, from uint64, fn func(Entry) error) error {
	return l.store.Walk(ctx, from, fn)
}

// Report is the state of the chain.
type Report struct {
	Entries int    `json:"entries"`
	Head    string `json:"head"`    // hash of the last entry, hexadecimal; empty for none
	Problem string `json:"problem"` // the first break, in words; empty when the chain is whole
}

// Verify follows the chain from its beginning. It finds every entry that was
// changed, taken out, put in or moved. That entries at the end were cut off it
// cannot see: whoever wants to know that notes Head somewhere else and compares.
// progress may be nil.
func (l *Log) Verify(ctx context.Context, progress func(done int)) (Report, error) {
	var r Report
	var before []byte
	err := l.store.Walk(ctx, 1, func(e Entry) error {
		want := uint64(r.Entries) + 1
		switch {
		case e.Seq != want:
			r.Problem = fmt.Sprintf("entry %d is missing; the next one is %d", want, e.Seq)
		case !hmac.Equal(e.Hash, l.hash(before, &e)):
			r.Problem = fmt.Sprintf("entry %d does not fit the one before it: one of the two was changed", e.Seq)
		default:
			r.Entries++
			before, r.Head = e.Hash, hex.EncodeToString(e.Hash)
			if progress != nil {
				progress(r.Entries)
			}
			return nil
		}
		return errBroken
	})
	if err != nil && r.Problem == "" {
		return r, err
	}
	return r, nil
}

var errBroken = fault.New(fault.Internal, "the chain is broken")

// hash covers the entry before and all fields of this one. Each text goes in with
// its length, so that no two entries give the same bytes.
func (l *Log) hash(before []byte, e *Entry) []byte {
	b := binary.AppendUvarint(nil, e.Seq)
	b = binary.AppendVarint(b, e.TimeMS)
	text := func(list ...string) {
		b = binary.AppendUvarint(b, uint64(len(list)))
		for _, s := range list {
			b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
		}
	}
	text(string(before), e.Project, string(e.Kind), e.Key, e.Person, e.Why, e.RequestID)
	text(e.Fields...)
	text(e.IDs...)
	for _, flag := range []bool{e.Suppress, e.RemoveRows} {
		if flag {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	}
	b = binary.AppendUvarint(b, e.Begun)
	mac := hmac.New(sha256.New, l.key[:])
	mac.Write(b)
	return mac.Sum(nil)
}
