package ingest

import (
	"slices"

	"loch/shared/event"
	"loch/shared/profile"
	"loch/shared/wire"
)

// The values of Settings.Privacy.Consent: what a browser's "do not track me"
// does, said by Sec-GPC: 1 (Global Privacy Control) or DNT: 1.
const (
	consentNoProfile = "no_profile" // the default
	consentDrop      = "drop"
	consentIgnore    = "ignore"
)

// consent carries out what the browser's wish means in each record's project:
// nothing, no profile, or nothing kept at all. What is not kept is counted and
// leaves a row without content, so that the books still balance. To take data
// away is in the spirit of the wish, so updates may do so under every policy.
func (h *handler) consent(b *wire.Batch, events []event.Event, updates []profile.Update, o *owners) ([]event.Event, []profile.Update) {
	if !b.Client.OptOut {
		return events, updates
	}
	o.optOut = true
	kept := events[:0]
	for i := range events {
		e := &events[i]
		switch o.consent(e.Row.Project) {
		case consentDrop:
			b.Rejected = append(b.Rejected, event.Rejection{
				Index: e.Index, Token: e.Token, InsertID: e.Row.InsertID, Reason: event.ReasonNoConsent,
			})
			continue
		case consentNoProfile:
			event.AddFlag(&e.Row, event.FlagNoProfile)
			o.unlink(e)
		}
		kept = keep(kept, e, i)
	}
	keptUpdates := updates[:0]
	for _, u := range updates {
		if o.profiled(u.Project) || u.GroupKey != "" && o.consent(u.Project) != consentDrop {
			keptUpdates = append(keptUpdates, u)
			continue
		}
		if less, ok := onlyTakesAway(u); ok {
			keptUpdates = append(keptUpdates, less)
			continue
		}
		b.Rejected = append(b.Rejected, event.Rejection{Index: u.Index, Token: u.Token, Reason: event.ReasonNoConsent})
	}
	if h.Counters != nil {
		h.Counters.OptedOut(len(events) + len(updates))
	}
	return kept, keptUpdates
}

// onlyTakesAway leaves an update the operators that take something away, and
// nothing that says when, where or with what the person was there. The record as
// sent goes too, for it may hold what is not kept.
func onlyTakesAway(u profile.Update) (profile.Update, bool) {
	u.Ops = slices.DeleteFunc(u.Ops, func(op profile.Op) bool {
		return op.Kind != profile.Delete && op.Kind != profile.Unset && op.Kind != profile.Remove
	})
	u.KeepLastSeen, u.AddressRule, u.Raw = true, event.AddressNone, nil
	return u, len(u.Ops) > 0
}

// consent is a project's policy.
func (o *owners) consent(projectID string) string {
	if policy := o.settings(projectID).Privacy.Consent; policy != "" {
		return policy
	}
	return consentNoProfile
}

// profiled tells whether this request may touch the profiles of people in a
// project.
func (o *owners) profiled(projectID string) bool {
	return !o.optOut || o.consent(projectID) == consentIgnore
}

// dropSuppressed moves events of people who asked never to be recorded again to
// the rejections, without their content.
func dropSuppressed(b *wire.Batch, events []event.Event) []event.Event {
	kept := events[:0]
	for i := range events {
		e := &events[i]
		if e.Suppressed {
			b.Rejected = append(b.Rejected, event.Rejection{Index: e.Index, Token: e.Token, Reason: event.ReasonSuppressed})
			continue
		}
		kept = keep(kept, e, i)
	}
	return kept
}
