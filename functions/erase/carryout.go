package erase

import (
	"context"
	"errors"
	"maps"
	"slices"

	"loch/shared/audit"
	"loch/shared/fault"
)

// latecomers bounds how often carryOut looks for devices that were linked to the
// person while it worked. Nothing new is made under an id that the vault has
// erased, so once is nearly always enough.
const latecomers = 8

// Resume carries out every erasure that was ordered and is not done: after a
// crash, or after a store could not be reached. What fails stays ordered; the
// others are carried out. It is a Resumer's first look.
func Resume(ctx context.Context, d Deps) (resumed int, err error) {
	return NewResumer(d).Resume(ctx)
}

// Resumer resumes again and again, for a timer. It remembers up to which row of
// the ledger everything is done, so that a long ledger is read once. One
// goroutine may use it.
type Resumer struct {
	h    *handler
	from uint64
}

// NewResumer makes one that begins at the ledger's first row.
func NewResumer(d Deps) *Resumer { return &Resumer{newHandler(d), 1} }

// Resume carries out what was ordered and is not done.
func (r *Resumer) Resume(ctx context.Context) (resumed int, err error) {
	begun := map[uint64]audit.Entry{}
	next := r.from
	err = r.h.Audit.Walk(ctx, r.from, func(e audit.Entry) error {
		next = e.Seq + 1
		switch e.Kind {
		case audit.EraseBegun:
			begun[e.Seq] = e
		case audit.EraseDone:
			delete(begun, e.Begun)
		case audit.Read, audit.Export, audit.Rotate:
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	var failed []error
	for _, seq := range slices.Sorted(maps.Keys(begun)) {
		err := ctx.Err()
		if err == nil {
			_, err = r.h.carryOut(ctx, begun[seq])
		}
		if err != nil {
			failed, next = append(failed, err), min(next, seq)
			continue
		}
		resumed++
	}
	r.from = next
	return resumed, errors.Join(failed...)
}

// carryOut does what an order says, and writes down that it is done. It may be
// done twice, also at the same time. The profile's links go last: until then they
// tell a second try which ids are the person.
func (h *handler) carryOut(ctx context.Context, order audit.Entry) ([]string, error) {
	if order.RemoveRows && h.Rows == nil {
		return nil, fault.New(fault.Unavailable, "rows cannot be removed here, and the order says so")
	}
	ids, fresh := slices.Clone(order.IDs), order.IDs
	for range latecomers {
		if order.RemoveRows {
			if err := h.Rows.RemoveRows(ctx, order.Project, fresh); err != nil {
				return nil, err
			}
		}
		if err := h.Vault.Erase(ctx, order.Project, fresh, order.Suppress); err != nil {
			return nil, err
		}
		linked, err := h.Profiles.Linked(ctx, order.Project, order.Person)
		if err != nil {
			return nil, err
		}
		fresh = slices.DeleteFunc(slices.Clone(linked), func(id string) bool { return slices.Contains(ids, id) })
		if len(fresh) == 0 {
			break
		}
		ids = append(ids, fresh...)
	}
	if len(fresh) > 0 {
		return nil, fault.New(fault.Unavailable, "devices are linked to the person faster than they can be erased")
	}
	if err := h.Profiles.Erase(ctx, order.Project, ids); err != nil {
		return nil, err
	}
	_, err := h.Audit.Append(ctx, audit.Entry{
		Project: order.Project, Kind: audit.EraseDone, Key: order.Key, Person: order.Person, RequestID: order.RequestID,
		IDs: ids, Suppress: order.Suppress, RemoveRows: order.RemoveRows, Begun: order.Seq,
	})
	return ids, err
}
