package ingest

import (
	"cmp"
	"context"
	"slices"

	"loch/shared/event"
	"loch/shared/profile"
	"loch/shared/vault"
)

// merge does what the identity events of a request ask for, where their project
// chose the scheme in which they count, and writes into each row what came of it:
// the lake must be able to say who is who by itself. So it happens before the rows
// are kept. A crash between the two leaves people merged whose row is missing;
// the client had no answer, sends again, and gets the same outcome.
//
// In all other projects identity events are kept like any event, with a word that
// says that they merged nobody.
func (h *handler) merge(ctx context.Context, events []event.Event, o *owners) error {
	var asking []*event.Event
	for i := range events {
		e := &events[i]
		switch {
		case e.Row.Kind != event.KindAlias && e.Merge == nil:
		case !o.mayMerge(e):
			// An $identify with both ids links the two like any event.
			if e.Row.Kind == event.KindAlias || e.Row.UserID == "" || e.Row.DeviceID == "" {
				event.AddFlag(&e.Row, event.FlagNotMerged)
			}
		case e.Merge == nil, !e.Merge.OnlyNew && !o.proved(e.Row.Project):
			// What cannot be undone needs more than the token that every page carries.
			event.AddFlag(&e.Row, event.FlagMergeRefused)
		default:
			asking = append(asking, e)
		}
	}
	if len(asking) == 0 {
		return nil
	}
	// Order in a batch is not the order of the calls.
	slices.SortStableFunc(asking, func(a, b *event.Event) int { return cmp.Compare(a.Row.TimeMS, b.Row.TimeMS) })
	identifiers := make([]vault.Identifier, 0, 2*len(asking))
	for _, e := range asking {
		for _, id := range []event.ID{e.Merge.Into, e.Merge.From} {
			identifiers = append(identifiers, vault.Identifier{Project: e.Row.Project, Kind: id.Kind, Value: id.Value})
		}
	}
	ids, err := h.Vault.IDs(ctx, identifiers)
	if err != nil {
		return err
	}
	list := make([]profile.Merging, len(asking))
	for i, e := range asking {
		list[i] = profile.Merging{
			Project: e.Row.Project, OnlyNew: e.Merge.OnlyNew, OrVisitor: e.Merge.OrVisitor, TimeMS: e.Row.TimeMS,
			Into: profile.Ref{ID: ids[2*i].String(), Device: e.Merge.Into.Kind == event.IDDevice},
			From: profile.Ref{ID: ids[2*i+1].String(), Device: e.Merge.From.Kind == event.IDDevice},
		}
	}
	merged, err := h.Merger.Merge(ctx, list)
	if err != nil {
		return err
	}
	for i, e := range asking {
		noteMerge(&e.Row, &list[i], &merged[i])
	}
	return nil
}

// mayMerge says whether an event may merge anybody: its project must want it, and
// a browser that asks not to be tracked, or that has no device of its own, ties
// nothing to anybody.
func (o *owners) mayMerge(e *event.Event) bool {
	p := e.Row.Project
	settings := o.settings(p)
	if !settings.Merges() || !o.profiled(p) {
		return false
	}
	devices := e.Merge != nil && (e.Merge.Into.Kind == event.IDDevice || e.Merge.From.Kind == event.IDDevice)
	return !devices || !o.daily(p)
}

// noteMerge writes an outcome into the event's row. A device and a user stand in
// the columns that link them, so that a merge of the two is a link like any other;
// that holds also where they are one person already, or the row of a second try
// would not be the same event.
func noteMerge(row *event.Row, m *profile.Merging, out *profile.Merged) {
	if out.Outcome == profile.MergeRefused {
		event.AddFlag(row, event.FlagMergeRefused)
		return
	}
	switch {
	case m.Into.Device:
		row.DeviceID, row.UserID = m.Into.ID, m.From.ID
	case m.From.Device:
		row.DeviceID, row.UserID = m.From.ID, m.Into.ID
	case row.UserID == "" && row.DeviceID == "":
		row.UserID = m.Into.ID
	}
	if len(out.IDs) > 1 {
		event.AddMerged(row, out.Person, out.IDs)
	}
}
