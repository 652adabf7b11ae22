package ingest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"loch/shared/event"
	"loch/shared/profile"
)

// forgetDevices gives the visitors of projects without cookies a device of the
// day: a hash of address, agent and project under a salt that is thrown away at
// midnight UTC. What the browser sent as its own id is not used at all. Events of
// servers keep their ids, since their address and agent say nothing of a visitor.
func (h *handler) forgetDevices(ctx context.Context, events []event.Event, updates []profile.Update, o *owners, c *event.Client) error {
	if !c.Browser {
		return nil
	}
	for i := range events {
		e := &events[i]
		if !o.settings(e.Row.Project).Privacy.Cookieless {
			continue
		}
		device, err := h.deviceOfToday(ctx, e.Row.Project, c)
		if err != nil {
			return err
		}
		e.IDs.Device = device
		for j := range e.IDSpans {
			if s := &e.IDSpans[j]; s.ID.Kind == event.IDDevice {
				s.ID.Value = device
			}
		}
	}
	for i := range updates {
		u := &updates[i]
		if !u.Device || !o.settings(u.Project).Privacy.Cookieless {
			continue
		}
		var err error
		if u.ClearID, err = h.deviceOfToday(ctx, u.Project, c); err != nil {
			return err
		}
	}
	return nil
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
