package ingest

import (
	"cmp"
	"context"
	"slices"

	"loch/shared/event"
	"loch/shared/profile"
)

// link links devices to the users whom the request's events name beside them, and
// marks the rows whose device had been another's before. The first link of a device
// stays, and which one was first can only the profile store tell, which decides one
// after the other; so it decides before the rows are kept, and SQL, which reads rows,
// tells the same person as a look-up. A crash between the two leaves a link whose row
// is missing; the client had no answer and sends it again.
func (h *handler) link(ctx context.Context, events []event.Event, o *owners) error {
	for project, links := range linksOf(events, o) {
		fresh, others, err := h.judge(ctx, project, links)
		if err != nil {
			return err
		}
		if len(fresh) > 0 {
			if _, err := h.Profiles.Apply(ctx, profile.Changes{Links: fresh}); err != nil {
				return err
			}
			// Of two that were fresh one may have been later, here or in another request.
			unlinked, more, err := h.judge(ctx, project, fresh)
			if err != nil {
				return err
			}
			others = slices.Concat(others, more, unlinked)
		}
		for _, l := range others {
			for i := range events {
				if row := &events[i].Row; row.Project == project && row.DeviceID == l.Device && row.UserID == l.User {
					event.AddFlag(row, event.FlagNotLinked)
				}
			}
		}
	}
	return nil
}

// judge tells which of a project's links are of a device that is nobody's yet, and
// which of one that is another user's.
func (h *handler) judge(ctx context.Context, project string, links []profile.Link) (fresh, others []profile.Link, err error) {
	ids := make([]string, 0, 2*len(links))
	for i := range links {
		ids = append(ids, links[i].Device, links[i].User)
	}
	whose, err := h.Profiles.Whose(ctx, project, ids)
	if err != nil {
		return nil, nil, err
	}
	for i := range links {
		switch device, user := whose[2*i], whose[2*i+1]; device {
		case user:
		case links[i].Device:
			fresh = append(fresh, links[i])
		default:
			others = append(others, links[i])
		}
	}
	return fresh, others, nil
}

// linksOf are the links that rows show, by project, each once. Order in a batch is
// not the order of the calls, so time decides which of a request comes first.
func linksOf(events []event.Event, o *owners) map[string][]profile.Link {
	at := map[profile.Link]int64{} // its time
	for i := range events {
		row := &events[i].Row
		if row.UserID == "" || row.DeviceID == "" || !o.hasProfiles(row) {
			continue
		}
		l := profile.Link{Project: row.Project, Device: row.DeviceID, User: row.UserID}
		if first, again := at[l]; !again || row.TimeMS < first {
			at[l] = row.TimeMS
		}
	}
	byProject := map[string][]profile.Link{}
	for l, ms := range at {
		l.TimeMS = ms
		byProject[l.Project] = append(byProject[l.Project], l)
	}
	for _, links := range byProject {
		slices.SortFunc(links, func(a, b profile.Link) int {
			return cmp.Or(cmp.Compare(a.TimeMS, b.TimeMS), cmp.Compare(a.Device, b.Device), cmp.Compare(a.User, b.User))
		})
	}
	return byProject
}
