package ingest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"loch/shared/event"
	"loch/shared/profile"
	"loch/shared/wire"
)

// forgetDevices gives the visitors of projects without cookies a device of the
// day: a hash of address, agent and project under a salt that is thrown away at
// midnight UTC. What the browser sent as its own id is not used at all. Events of
// servers keep their ids, since their address and agent say nothing of a visitor.
//
// Everybody behind one address with one agent is the same device of the day, so
// nothing may tie it to a person: an event that names a user has no device, and
// the traits of a device are not kept. What a device was given before the project
// went without cookies can still be taken away.
func (h *handler) forgetDevices(ctx context.Context, b *wire.Batch, events []event.Event, updates []profile.Update, o *owners) ([]profile.Update, error) {
	o.browser = b.Client.Browser
	for i := range events {
		e := &events[i]
		if !o.daily(e.Row.Project) || o.unlink(e) {
			continue
		}
		device, err := h.deviceOfToday(ctx, e.Row.Project, &b.Client)
		if err != nil {
			return nil, err
		}
		o.replaceDevice(e, event.ID{Kind: event.IDDevice, Value: device})
		e.IDs.Device = device
	}
	kept := updates[:0]
	for _, u := range updates {
		if !u.Device || !o.daily(u.Project) {
			kept = append(kept, u)
			continue
		}
		less, ok := onlyTakesAway(u)
		if ok { // from a device that is known: it must not become so by this
			var err error
			if _, ok, err = h.Vault.Lookup(ctx, u.Project, event.IDDevice, u.ClearID); err != nil {
				return nil, err
			}
		}
		if ok {
			kept = append(kept, less)
			continue
		}
		b.Rejected = append(b.Rejected, event.Rejection{Index: u.Index, Token: u.Token, Reason: event.ReasonNoConsent})
	}
	return kept, nil
}

// daily tells whether the devices of this request are devices of the day in a
// project.
func (o *owners) daily(projectID string) bool {
	return o.browser && o.settings(projectID).Privacy.Cookieless
}

// unlink leaves an event that names a user nothing of the device: both in one row
// would tie what the device did before to the user. It tells whether there is a
// user.
func (o *owners) unlink(e *event.Event) bool {
	user := userOf(e)
	if user == "" {
		return false
	}
	o.replaceDevice(e, event.ID{Kind: event.IDUser, Value: user})
	e.IDs.Device = ""
	return true
}

// userOf is the user that an event names, be it only beside its device, as an
// alias is.
func userOf(e *event.Event) string {
	if e.IDs.User != "" {
		return e.IDs.User
	}
	for _, s := range e.IDSpans {
		if s.ID.Kind == event.IDUser {
			return s.ID.Value
		}
	}
	return ""
}

// replaceDevice puts another identifier where the event names its device. What
// stood there is noted, since a website may have repeated it elsewhere.
func (o *owners) replaceDevice(e *event.Event, by event.ID) {
	for i := range e.IDSpans {
		s := &e.IDSpans[i]
		if s.ID.Kind != event.IDDevice {
			continue
		}
		o.forget(e, s.ID.Value)
		s.ID = by
		if by.Kind != event.IDDevice {
			s.Prefix = ""
		}
	}
}

func (h *handler) deviceOfToday(ctx context.Context, projectID string, c *event.Client) (string, error) {
	salt, err := h.Vault.DailySalt(ctx, projectID, h.Now())
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, salt)
	mac.Write([]byte(projectID + "\x00" + c.Address.String() + "\x00" + c.UserAgent))
	return "today-" + hex.EncodeToString(mac.Sum(nil)[:16]), nil
}
