package ingest

import (
	"context"
	"slices"

	"loch/shared/event"
	"loch/shared/privacy"
	"loch/shared/vault"
	"loch/shared/wire"
)

// clean takes personal data out of the texts of sealed events: addresses lose
// what they need not say, and each value that a rule of the project's policy
// recognises is replaced, or its event refused. Nearly every event ends after the
// look.
func (h *handler) clean(ctx context.Context, b *wire.Batch, events []event.Event, o *owners) ([]event.Event, error) {
	kept := events[:0]
	var found []privacy.Found // of the event at hand
	var dirty []finding
	for i := range events {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		e := &events[i]
		p := o.policy(e.Row.Project)
		found = cleanAddresses(p, found[:0], &e.Row)
		if slices.ContainsFunc(found, func(f privacy.Found) bool { return p.Action(f.Rule) == privacy.Reject }) {
			b.Rejected = append(b.Rejected, event.Rejection{
				Index: e.Index, Token: e.Token, InsertID: e.Row.InsertID, Reason: event.ReasonPersonalData, Field: "properties", Payload: e.Raw,
			})
			continue
		}
		for _, f := range found {
			dirty = append(dirty, finding{len(kept), f})
		}
		kept = keep(kept, e, i)
	}
	return kept, h.replaceFound(ctx, kept, dirty, o)
}

// finding is a value that was found in an event of the request.
type finding struct {
	at int
	privacy.Found
}

// cleanAddresses shortens the addresses of an event, and appends what the rules
// recognise in it then.
func cleanAddresses(p *privacy.Cleaner, found []privacy.Found, row *event.Row) []privacy.Found {
	row.Properties, found = p.Properties(found, row.Properties)
	if row.Context != "" {
		row.Context, found = p.Properties(found, row.Context)
	}
	if row.PageURL != "" {
		row.PageURL, row.PagePath = p.URL(row.PageURL), p.Path(row.PagePath)
	}
	for _, text := range scanned(row) {
		if *text != "" {
			found = p.Text(found, *text)
		}
	}
	return found
}

// scanned are the columns that may hold something the properties do not: the
// name, and what was taken out of an address and decoded. All others are copies.
func scanned(row *event.Row) [12]*string {
	return [...]*string{
		&row.Name, &row.SessionID, &row.PageURL, &row.PagePath, &row.PageTitle, &row.Source, &row.ReferrerHost,
		&row.UTMSource, &row.UTMMedium, &row.UTMCampaign, &row.UTMTerm, &row.UTMContent,
	}
}

// replaceFound asks the vault for tokens, for all events of the request at once,
// and puts them in.
func (h *handler) replaceFound(ctx context.Context, events []event.Event, dirty []finding, o *owners) error {
	if len(dirty) == 0 {
		return nil
	}
	type named struct {
		project string
		privacy.Found
	}
	var values []vault.Value
	for _, d := range dirty {
		row := &events[d.at].Row
		if o.policy(row.Project).Action(d.Rule) == privacy.Token {
			values = append(values, vault.Value{Project: row.Project, Owner: personOf(row), Rule: string(d.Rule), Value: d.Value})
		}
	}
	ids, err := h.Vault.Tokens(ctx, values)
	if err != nil {
		return err
	}
	tokens := make(map[named]string, len(ids))
	for i, v := range values {
		tokens[named{v.Project, privacy.Found{Rule: privacy.Rule(v.Rule), Value: v.Value}}] = v.Rule + "_" + ids[i].String()
	}
	last := -1
	for _, d := range dirty {
		if d.at == last {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		last = d.at
		row := &events[d.at].Row
		p := o.policy(row.Project)
		replaceIn(p, row, func(f privacy.Found) string {
			if token, ok := tokens[named{row.Project, f}]; ok {
				return token
			}
			return f.Rule.Word()
		})
	}
	return nil
}

// replaceIn replaces findings everywhere in a row: the other columns are copies
// of properties.
func replaceIn(p *privacy.Cleaner, row *event.Row, stand func(privacy.Found) string) {
	row.Properties = p.Clean(row.Properties, stand)
	if row.Context != "" {
		row.Context = p.Clean(row.Context, stand)
	}
	for _, c := range event.SiteTexts {
		if text := c.Str(row); *text != "" {
			*text = p.CleanTextOf(c.Name, *text, stand)
		}
	}
}

func personOf(row *event.Row) string {
	if row.UserID != "" {
		return row.UserID
	}
	return row.DeviceID
}
