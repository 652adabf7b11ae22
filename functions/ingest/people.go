package ingest

import (
	"context"

	"loch/shared/enrich"
	"loch/shared/event"
	"loch/shared/profile"
	"loch/shared/vault"
	"loch/shared/wire"
)

// nameUpdates replaces the identifiers of profile updates by lake ids and their
// insert ids by keyed hashes, and gives each update its place. Updates of people who
// asked never to be recorded again move to the rejections, without their content.
func (h *handler) nameUpdates(ctx context.Context, b *wire.Batch, updates []profile.Update, o *owners, s *enrich.Surroundings) ([]profile.Update, error) {
	if len(updates) == 0 {
		return nil, nil
	}
	identifiers := make([]vault.Identifier, len(updates))
	for i := range updates {
		u := &updates[i]
		kind := event.IDUser
		switch {
		case u.GroupKey != "":
			kind = event.IDGroup + u.GroupKey
		case u.Device:
			kind = event.IDDevice
		}
		identifiers[i] = vault.Identifier{Project: u.Project, Kind: kind, Value: u.ClearID}
	}
	ids, err := h.Vault.IDs(ctx, identifiers)
	if err != nil {
		return nil, err
	}
	kept := updates[:0]
	for i := range updates {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		u := updates[i]
		if ids[i] == vault.Suppressed {
			b.Rejected = append(b.Rejected, event.Rejection{Index: u.Index, Token: u.Token, Reason: event.ReasonSuppressed})
			continue
		}
		markPersonal(&u, o.policy(u.Project), o.settings(u.Project).GroupKeys)
		u.ID, u.ClearID = ids[i].String(), ""
		if u.InsertID != "" {
			u.InsertID = h.Vault.InsertID(u.Project, u.InsertID) // scripts make it of user ids
		}
		if u.GroupKey == "" && o.profiled(u.Project) && s.Device != (profile.DeviceInfo{}) {
			u.DeviceInfo = s.Device
		}
		switch u.AddressRule {
		case event.AddressOfRequest:
			u.Place = s.Place
		case event.AddressOfEvent:
			u.Place = h.Enricher.Place(u.Address)
		case event.AddressNone:
			u.KeepPlace = true
		}
		kept = append(kept, u)
	}
	return kept, nil
}

// changes is what a request does to profiles besides its links: its updates, and who
// was seen; all of it only where the project may have profiles of those people.
// Devices of the day have none.
func changes(events []event.Event, updates []profile.Update, device profile.DeviceInfo, o *owners) profile.Changes {
	var seen sightings
	for i := range events {
		if row := &events[i].Row; o.hasProfiles(row) {
			seen.add(row, device)
		}
	}
	return profile.Changes{Updates: updates, Sightings: seen.list}
}

// hasProfiles tells whether a row may touch profiles.
func (o *owners) hasProfiles(row *event.Row) bool {
	return o.profiled(row.Project) && (row.UserID != "" || !o.daily(row.Project))
}

func placeOf(row *event.Row) profile.Place {
	return profile.Place{Country: short(row.Country), Region: short(row.Region), City: short(row.City), Timezone: short(row.Timezone)}
}

// arrivalOf is how an event's person came; nothing where the event tells of no
// page, referrer or campaign, as a server's.
func arrivalOf(row *event.Row) profile.Arrival {
	if row.Channel == "" {
		return profile.Arrival{}
	}
	return profile.Arrival{
		Referrer: short(row.ReferrerHost), Channel: short(row.Channel), Source: short(row.Source),
		UTMSource: short(row.UTMSource), UTMMedium: short(row.UTMMedium), UTMCampaign: short(row.UTMCampaign),
		UTMTerm: short(row.UTMTerm), UTMContent: short(row.UTMContent), ClickIDKind: short(row.ClickIDKind),
	}
}

// mostNoticed is how long a text may be that goes into a profile without being
// asked for. Stores keep these in memory, for many people.
const mostNoticed = 255

// short leaves out what no honest place or campaign is called.
func short(s string) string {
	if len(s) > mostNoticed {
		return ""
	}
	return s
}
