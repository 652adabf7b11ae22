package ingest

import (
	"context"
	"net/url"
	"slices"

	"loch/shared/event"
	"loch/shared/vault"
)

// sealEvents has the vault seal the events. Each text to hide is looked for in
// every event of a call, so the events go by runs that have few such texts: a
// request of a thousand devices must not cost a million searches.
func (h *handler) sealEvents(ctx context.Context, events []event.Event, o *owners, c event.Client) error {
	client := hidden(c)
	for len(events) > 0 {
		run, hide := o.run(events, client)
		if err := h.Vault.SealEvents(ctx, events[:run], hide); err != nil {
			return err
		}
		events = events[run:]
	}
	return nil
}

// run is how many of the events go into one call of the vault, one at least, and
// what is to be hidden in them.
func (o *owners) run(events []event.Event, client []vault.Hidden) (int, []vault.Hidden) {
	if len(o.forgotten) == 0 {
		return len(events), client
	}
	hide := slices.Clip(client)
	for i := range events {
		for _, id := range o.forgotten[events[i].Index] {
			hide = appendDevice(hide, id)
		}
		if len(hide) > event.MaxIDs {
			return i + 1, hide
		}
	}
	return len(events), hide
}

// appendDevice adds a device's id as it is and as it stands in an address.
func appendDevice(hide []vault.Hidden, id string) []vault.Hidden {
	for _, form := range []string{id, url.QueryEscape(id), url.PathEscape(id)} {
		if h := (vault.Hidden{Text: form, Word: "[device]"}); !slices.Contains(hide, h) {
			hide = append(hide, h)
		}
	}
	return hide
}

// forget notes a device's id that is taken out of an event.
func (o *owners) forget(e *event.Event, id string) {
	if len(id) < minRepeated || slices.Contains(o.forgotten[e.Index], id) {
		return
	}
	if o.forgotten == nil {
		o.forgotten = map[int][]string{}
	}
	o.forgotten[e.Index] = append(o.forgotten[e.Index], id)
}

// hidden are the texts of a client that must not be stored, wherever a website
// put them.
func hidden(c event.Client) []vault.Hidden {
	var list []vault.Hidden
	if c.Address.IsValid() && !c.Address.IsLoopback() {
		list = append(list, vault.Hidden{Text: c.Address.String(), Word: "[address]"})
	}
	if c.UserAgent != "" {
		list = append(list, vault.Hidden{Text: c.UserAgent, Word: "[agent]"})
	}
	return list
}
