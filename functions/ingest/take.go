package ingest

import (
	"context"
	"encoding/hex"
	"io"
	"net/http"
	"slices"
	"time"

	"loch/shared/event"
	"loch/shared/fault"
	"loch/shared/profile"
	"loch/shared/web"
	"loch/shared/wire"
	"loch/shared/wire/mixpanel"
)

// take is the walk of one request: steps 3 to 10 of the design. Whatever
// happens, every record of the batch ends as stored, as applied, or as a
// rejection that is itself stored; or the whole request fails and the client
// sends it again.
func (h *handler) take(ctx context.Context, req mixpanel.Request, cred mixpanel.Credential, requestID string) (mixpanel.Control, mixpanel.Outcome) {
	batch, control, problem := mixpanel.Decode(req)
	failed := func(err error) (mixpanel.Control, mixpanel.Outcome) { return control, mixpanel.Outcome{Err: err} }
	owners := h.owners(ctx, cred)
	switch err := owners.authenticate(req.Route); {
	case fault.CodeOf(err) == fault.Unauthorized:
		batch, problem = mixpanel.Refuse(req, event.ReasonForbiddenWrite), err
	case err != nil:
		return failed(err)
	}
	events, err := owners.events(&batch)
	if err != nil {
		return failed(err)
	}
	updates, err := owners.updates(&batch)
	if err != nil {
		return failed(err)
	}
	events = validate(&batch, events, owners, req, control)
	events, updates = h.consent(&batch, events, updates, owners)

	surroundings := h.Enricher.Client(batch.Client)
	for i := range events {
		e := &events[i]
		e.Row.RequestID = requestID
		h.Enricher.Event(e, &surroundings)
		event.FindGroups(e, owners.settings(e.Row.Project).GroupKeys)
	}
	events = fewEnough(&batch, events)
	if updates, err = h.forgetDevices(ctx, &batch, events, updates, owners); err != nil {
		return failed(err)
	}
	if err := h.sealEvents(ctx, events, owners, batch.Client); err != nil {
		return failed(err)
	}
	events = dropSuppressed(&batch, events)
	if events, err = h.clean(ctx, &batch, events, owners); err != nil {
		return failed(err)
	}
	event.FillInsertIDs(events, h.Vault.InsertID)
	if updates, err = h.nameUpdates(ctx, &batch, updates, owners, &surroundings); err != nil {
		return failed(err)
	}
	if updates, err = h.sealUpdates(ctx, &batch, updates, owners); err != nil {
		return failed(err)
	}

	if err := h.merge(ctx, events, owners); err != nil {
		return failed(err)
	}
	parcel := h.parcel(&batch, events, owners, req.Received, requestID)
	if len(parcel.Rows)+len(parcel.Rejected) > 0 {
		if err := h.Sink.Put(ctx, parcel); err != nil {
			return failed(err)
		}
	}
	refused, err := h.Profiles.Apply(ctx, changes(events, updates, surroundings.Device, owners))
	if err != nil {
		return failed(err)
	}
	if len(refused) > 0 {
		late := refusals(refused, updates)
		if err := h.Sink.Put(ctx, h.parcel(&wire.Batch{Protocol: batch.Protocol, Rejected: late}, nil, owners, req.Received, requestID)); err != nil {
			return failed(err)
		}
		batch.Rejected = append(batch.Rejected, late...)
	}

	good := len(events) + len(updates) - len(refused)
	h.count(&batch, good)
	return control, outcome(good, batch.Rejected, problem)
}

// outcome is what the client is told. What was dropped because its person wants
// it so is none of the client's business, and sending it again would not help.
func outcome(good int, rejected []event.Rejection, problem error) mixpanel.Outcome {
	o := mixpanel.Outcome{Good: good, Err: problem}
	for _, r := range rejected {
		if unheard(r.Reason) {
			o.Good++
			continue
		}
		o.Failed = append(o.Failed, r)
	}
	return o
}

// unheard tells a record that is dropped because its person wants it so: nothing
// of it is kept.
func unheard(r event.Reason) bool {
	return r == event.ReasonSuppressed || r == event.ReasonNoConsent
}

// validate keeps the good events and moves the others to the batch's
// rejections.
func validate(b *wire.Batch, events []event.Event, o *owners, req mixpanel.Request, c mixpanel.Control) []event.Event {
	kept := events[:0]
	for i := range events {
		e := &events[i]
		settings := o.settings(e.Row.Project)
		rules := event.Rules{
			RejectFuture: req.Route == mixpanel.Import,
			RequireTime:  req.Route == mixpanel.Import && c.Strict && c.JSON,
		}
		if req.Route == mixpanel.Track {
			rules.MaxAge = time.Duration(settings.MaxEventAgeDays) * 24 * time.Hour
		}
		if reason, field := event.Validate(e, req.Received, rules); reason != "" {
			b.Rejected = append(b.Rejected, event.Rejection{
				Index: e.Index, Token: e.Token, InsertID: e.Row.InsertID, Reason: reason, Field: field, Payload: e.Raw,
			})
			continue
		}
		kept = keep(kept, e, i)
	}
	return kept
}

// fewEnough refuses events that name more identifiers, groups included, than one
// event may, or a group by an identifier that is too long.
func fewEnough(b *wire.Batch, events []event.Event) []event.Event {
	kept := events[:0]
	for i := range events {
		e := &events[i]
		var reason event.Reason
		switch {
		case len(e.IDSpans) > event.MaxIDs:
			reason = event.ReasonTooManyProps
		case slices.ContainsFunc(e.IDs.Groups, func(g event.Group) bool { return len(g.ID) > event.MaxIDBytes }):
			reason = event.ReasonBadID
		}
		if reason != "" {
			b.Rejected = append(b.Rejected, event.Rejection{
				Index: e.Index, Token: e.Token, InsertID: e.Row.InsertID, Reason: reason, Field: "properties", Payload: e.Raw,
			})
			continue
		}
		kept = keep(kept, e, i)
	}
	return kept
}

// parcel makes what the sink keeps of a request: the sealed rows, and each
// rejection with its payload sealed.
func (h *handler) parcel(b *wire.Batch, events []event.Event, o *owners, received time.Time, requestID string) *event.Parcel {
	p := &event.Parcel{
		Receipt: event.Receipt{
			RequestID: requestID, ReceivedTimeMS: received.UnixMilli(), Received: len(events) + len(b.Rejected),
		},
	}
	if len(events) > 0 {
		p.Rows = make([]event.Row, len(events))
		for i := range events {
			p.Rows[i] = events[i].Row
		}
	}
	for _, r := range b.Rejected {
		row := event.Rejected{
			Project: o.projectOf(r.Token), ReceivedTimeMS: received.UnixMilli(), Protocol: b.Protocol, RequestID: requestID,
			BatchIndex: int64(r.Index), Reason: r.Reason, Field: r.Field, PayloadBytes: int64(len(r.Payload)),
		}
		if !unheard(r.Reason) {
			row.Sealed = h.Vault.SealRejected(&row, r.Payload)
		}
		p.Rejected = append(p.Rejected, row)
	}
	return p
}

// refusals turns what the profile store would not apply into rejections.
func refusals(refused []profile.Refusal, updates []profile.Update) []event.Rejection {
	list := make([]event.Rejection, 0, len(refused))
	for _, f := range refused {
		r := event.Rejection{Index: f.Index, Reason: event.ReasonBadOperator, Field: f.Field}
		for i := range updates {
			if updates[i].Index == f.Index {
				r.Token, r.Payload = updates[i].Token, updates[i].Raw
			}
		}
		list = append(list, r)
	}
	return list
}

// unread accounts for a request whose body could not be read. A body that broke
// off is no input: the client still has it.
func (h *handler) unread(r *http.Request, req mixpanel.Request, err error) (mixpanel.Control, mixpanel.Outcome) {
	req.Body = nil
	_, control, _ := mixpanel.Decode(req)
	var reason event.Reason
	switch fault.CodeOf(err) {
	case fault.TooLarge:
		reason = event.ReasonTooLarge
	case fault.Invalid:
		reason = event.ReasonUndecodable
	default:
		return control, mixpanel.Outcome{Err: err}
	}
	requestID := h.requestID(r)
	b := wire.Batch{Protocol: mixpanel.Protocol, Rejected: []event.Rejection{{Index: -1, Reason: reason}}}
	o := h.owners(r.Context(), mixpanel.CredentialOf(r))
	if problem := h.Sink.Put(r.Context(), h.parcel(&b, nil, o, req.Received, requestID)); problem != nil {
		return control, mixpanel.Outcome{Err: problem}
	}
	h.count(&b, 0)
	return control, mixpanel.Outcome{Err: err}
}

// count adds a request to the counters, which then add up: received = stored +
// rejected.
func (h *handler) count(b *wire.Batch, good int) {
	if h.Counters == nil {
		return
	}
	h.Counters.Received(b.Protocol, good+len(b.Rejected))
	h.Counters.Stored(good)
	for _, r := range b.Rejected {
		h.Counters.Rejected(b.Protocol, r.Reason, 1)
	}
}

// requestID is the id that the answer and the log line have too.
func (h *handler) requestID(r *http.Request) string {
	if id := web.RequestID(r.Context()); id != "" {
		return id
	}
	var b [16]byte
	if _, err := io.ReadFull(h.Rand, b[:]); err != nil {
		return "none"
	}
	return hex.EncodeToString(b[:])
}
