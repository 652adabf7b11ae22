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
//
// Until the first of it is written, the request may be given up: when its memory or
// its time is over, nothing of it is kept and its client is told so. From then on it
// is carried to its end: who is who first, since rows say what came of it.
func (h *handler) take(ctx context.Context, share *web.Share, req mixpanel.Request, cred mixpanel.Credential, requestID string) (mixpanel.Control, mixpanel.Outcome) {
	walk, cancel := context.WithTimeout(ctx, h.MaxWalk)
	defer cancel()
	batch, control, problem := mixpanel.Decode(req)
	failed := func(err error) (mixpanel.Control, mixpanel.Outcome) {
		return control, mixpanel.Outcome{Err: inTime(walk, err)}
	}
	if err := share.Take(weight(&req, &batch)); err != nil {
		return failed(err)
	}
	owners := h.owners(walk, cred)
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
		if walk.Err() != nil {
			return failed(walk.Err())
		}
		e := &events[i]
		e.Row.RequestID = requestID
		h.Enricher.Event(e, &surroundings)
		event.FindGroups(e, owners.settings(e.Row.Project).GroupKeys)
	}
	events = fewEnough(&batch, events)
	if updates, err = h.forgetDevices(walk, &batch, events, updates, owners); err != nil {
		return failed(err)
	}
	if err := h.sealEvents(walk, events, owners, batch.Client); err != nil {
		return failed(err)
	}
	events = dropSuppressed(&batch, events)
	if events, err = h.clean(walk, &batch, events, owners); err != nil {
		return failed(err)
	}
	events = h.fitting(&batch, events)
	event.FillInsertIDs(events, h.Vault.InsertID)
	if updates, err = h.nameUpdates(walk, &batch, updates, owners, &surroundings); err != nil {
		return failed(err)
	}
	if updates, err = h.sealUpdates(walk, &batch, updates, owners); err != nil {
		return failed(err)
	}

	if walk.Err() != nil {
		return failed(walk.Err())
	}

	if err := h.merge(ctx, events, owners); err != nil {
		return failed(err)
	}
	if err := h.link(ctx, events, owners); err != nil {
		return failed(err)
	}
	parcel := h.parcel(&batch, events, owners, req.Received, requestID)
	if len(parcel.Rows)+len(parcel.Rejected) > 0 {
		if err := h.Sink.Put(ctx, parcel); err != nil {
			return control, mixpanel.Outcome{Err: err}
		}
	}
	refused, err := h.Profiles.Apply(ctx, changes(events, updates, surroundings.Device, owners))
	if err != nil {
		return control, mixpanel.Outcome{Err: err}
	}
	if len(refused) > 0 {
		late := refusals(refused, updates)
		if err := h.Sink.Put(ctx, h.parcel(&wire.Batch{Protocol: batch.Protocol, Rejected: late}, nil, owners, req.Received, requestID)); err != nil {
			return control, mixpanel.Outcome{Err: err}
		}
		batch.Rejected = append(batch.Rejected, late...)
	}

	good := len(events) + len(updates) - len(refused)
	h.count(&batch, good)
	return control, outcome(good, batch.Rejected, problem)
}

// weight is about how many bytes a walk holds beside the body: of each record its
// row, its spans and their copies, and its text as decoded, sealed, cleaned and as
// the log writes it.
func weight(req *mixpanel.Request, b *wire.Batch) int64 {
	return weightOf(len(b.Events)+len(b.Updates)+len(b.Rejected), len(req.Body)+len(req.Query.Get("data")))
}

func weightOf(records, bytes int) int64 {
	const perRecord, perByte = 4 << 10, 4
	return int64(records)*perRecord + int64(bytes)*perByte
}

// inTime says of an error that the time is over, if it is: whatever a step or a
// store makes of that, nothing was written yet.
func inTime(walk context.Context, err error) error {
	if walk.Err() == nil {
		return err
	}
	return fault.Wrap(err, fault.Unavailable, "the request took too long to work on; nothing was kept, send it again, in smaller batches")
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

// fitting refuses events whose rows the sink cannot keep: a limit on what was sent
// does not bound them, since texts grow where a sink has to escape them.
func (h *handler) fitting(b *wire.Batch, events []event.Event) []event.Event {
	if h.RowFits == nil {
		return events
	}
	kept := events[:0]
	for i := range events {
		e := &events[i]
		if !h.RowFits(&e.Row) {
			b.Rejected = append(b.Rejected, event.Rejection{
				Index: e.Index, Token: e.Token, InsertID: e.Row.InsertID, Reason: event.ReasonTooLarge, Field: "properties", Payload: e.Raw,
			})
			continue
		}
		kept = keep(kept, e, i)
	}
	return kept
}

// refusals turns what the profile store would not apply into rejections.
func refusals(refused []profile.Refusal, updates []profile.Update) []event.Rejection {
	list := make([]event.Rejection, 0, len(refused))
	for _, f := range refused {
		r := event.Rejection{Index: f.Index, Reason: event.ReasonBadOperator, Field: f.Field, Words: f.Reason}
		if f.Field == profile.FieldGroupKey {
			r.Reason = event.ReasonBadID
		}
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
