package ingest

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"

	"loch/shared/enrich"
	"loch/shared/event"
	"loch/shared/fault"
	"loch/shared/privacy"
	"loch/shared/profile"
	"loch/shared/project"
	"loch/shared/vault"
	"loch/shared/web"
	"loch/shared/wire"
)

// importPath takes profiles as lines of JSON, in the form in which they are
// exported, or in which Mixpanel exports them.
const importPath = "api/profiles.ndjson"

const (
	importProtocol = "ndjson"
	maxImportBytes = 10 << 20
	maxImportLines = 2000
)

// imported is the answer to an import. A line that failed does not stop the others,
// and is told by its number and the reason, never by what is in it.
type imported struct {
	Received int          `json:"received"`
	Imported int          `json:"imported"`
	Failed   []failedLine `json:"failed"`
}

type failedLine struct {
	Line   int          `json:"line"` // from 1
	Reason event.Reason `json:"reason"`
	Field  string       `json:"field,omitempty"`
}

// importProfiles answers POST /api/profiles.ndjson. Every line sets what it names,
// so a file may be sent again, whole or in parts. It needs a key of scope pii: a
// line may name anybody by the lake id, and carries personal traits in clear.
func (h *handler) importProfiles(w http.ResponseWriter, r *http.Request) {
	web.NameRoute(r, "POST /"+importPath)
	if r.Method != http.MethodPost {
		web.WriteMethodNotAllowed(w, r, "import profiles with POST, one JSON object a line", http.MethodPost)
		return
	}
	key, err := web.Authorize(r, h.Registry, project.PII)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	share := h.Budget.Share()
	defer share.Release()
	body, err := web.Body(w, r, share, maxImportBytes)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	lines := splitLines(body)
	if len(lines) > maxImportLines {
		web.WriteError(w, r, fault.Newf(fault.TooLarge, "there are %d lines; at most %d are taken at once", len(lines), maxImportLines))
		return
	}
	if err := share.Take(weightOf(len(lines), len(body))); err != nil {
		web.WriteError(w, r, err)
		return
	}
	ctx, cancel := web.Detach(r.Context())
	defer cancel()
	walk, cancelWalk := context.WithTimeout(ctx, h.MaxWalk)
	defer cancelWalk()
	o, err := h.ownersOf(walk, key.Project)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	a, err := h.takeLines(ctx, lines, o, key.Project.ID, h.requestID(r))
	if err != nil {
		web.WriteError(w, r, inTime(walk, err))
		return
	}
	web.WriteJSON(w, http.StatusOK, a)
}

// ownersOf are the owners of a request whose every record is one project's.
func (h *handler) ownersOf(ctx context.Context, p project.Project) (*owners, error) {
	o := &owners{h: h, ctx: ctx, byToken: map[string]project.Project{"": p}, projects: map[string]project.Settings{p.ID: p.Settings}}
	cleaner, err := h.cleaners.of(p.ID, p.Settings.Privacy)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "the project's privacy settings are wrong: "+fault.From(err).Error())
	}
	o.policies = map[string]*privacy.Cleaner{p.ID: cleaner}
	return o, nil
}

// splitLines leaves out empty lines, but counts them.
func splitLines(body []byte) (lines [][]byte) {
	body = bytes.TrimRight(body, "\r\n")
	if len(body) == 0 {
		return nil
	}
	for line := range bytes.SplitSeq(body, []byte{'\n'}) {
		lines = append(lines, bytes.TrimSpace(line))
	}
	return lines
}

// takeLines is the walk of an import: the same sealing as of /engage, and then the
// profile store. An update's Index is its line. As in take, the owners' time is over
// at MaxWalk; what is written then is carried to its end.
func (h *handler) takeLines(ctx context.Context, lines [][]byte, o *owners, projectID, requestID string) (imported, error) {
	b := wire.Batch{Protocol: importProtocol}
	var named, known []profile.Update // by an identifier, by the lake id
	seen := map[int]profile.Seen{}
	a := imported{Failed: []failedLine{}}
	for i, line := range lines {
		if len(line) == 0 {
			continue
		}
		if o.ctx.Err() != nil {
			return a, o.ctx.Err()
		}
		a.Received++
		u, told, refused := readLine(line, h.Now())
		if refused != nil {
			refused.Index, refused.Payload = i, line
			b.Rejected = append(b.Rejected, *refused)
			continue
		}
		u.Index, u.Project, u.Raw = i, projectID, line
		if seen[i] = told; u.ID != "" {
			markPersonal(&u, o.policy(projectID), o.settings(projectID).GroupKeys)
			known = append(known, u)
		} else {
			named = append(named, u)
		}
	}
	known, err := h.knownOnes(o.ctx, &b, projectID, known)
	if err != nil {
		return a, err
	}
	if known, err = allowedKinds(&b, o, known); err != nil {
		return a, err
	}
	if named, err = allowedKinds(&b, o, named); err != nil {
		return a, err
	}
	named, err = h.nameUpdates(o.ctx, &b, named, o, &enrich.Surroundings{})
	if err != nil {
		return a, err
	}
	updates, err := h.sealImport(o.ctx, &b, slices.Concat(named, known), o)
	if err != nil {
		return a, err
	}
	if o.ctx.Err() != nil {
		return a, o.ctx.Err()
	}
	refused, err := h.Profiles.Apply(ctx, importChanges(updates, seen))
	if err != nil {
		return a, err
	}
	// Of a line that is two updates, both may be refused.
	refused = slices.CompactFunc(refused, func(x, y profile.Refusal) bool { return x.Index == y.Index })
	b.Rejected = append(b.Rejected, refusals(refused, updates)...)
	if len(b.Rejected) > 0 {
		if err := h.Sink.Put(ctx, h.parcel(&b, nil, o, h.Now(), requestID)); err != nil {
			return a, err
		}
	}
	for _, r := range b.Rejected {
		a.Failed = append(a.Failed, failedLine{r.Index + 1, r.Reason, r.Field})
	}
	slices.SortFunc(a.Failed, func(x, y failedLine) int { return x.Line - y.Line })
	a.Imported = a.Received - len(a.Failed)
	h.count(&b, a.Imported)
	return a, nil
}

// knownOnes keeps the updates of lake ids to which an identifier of the project leads.
// An id from another server or project, or of somebody who was erased since the export,
// would be a profile that nobody could find or erase by what the website calls its
// person. Nothing of such a line is kept.
func (h *handler) knownOnes(ctx context.Context, b *wire.Batch, projectID string, updates []profile.Update) ([]profile.Update, error) {
	ids := make([]string, len(updates))
	for i := range updates {
		ids[i] = updates[i].ID
	}
	known, err := h.Vault.Known(ctx, projectID, ids, func(id string) (bool, error) {
		_, err := h.Profiles.Get(ctx, projectID, id)
		if fault.CodeOf(err) == fault.NotFound {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		return nil, err
	}
	kept := updates[:0]
	for i := range updates {
		if !known[i] {
			b.Rejected = append(b.Rejected, event.Rejection{Index: updates[i].Index, Reason: event.ReasonUnknownPerson, Field: "person_id"})
			continue
		}
		kept = append(kept, updates[i])
	}
	return kept, nil
}

// allowedKinds keeps the updates of people, and of groups whose kind the project has
// or may have.
func allowedKinds(b *wire.Batch, o *owners, updates []profile.Update) ([]profile.Update, error) {
	kept := updates[:0]
	for i := range updates {
		u := updates[i]
		reason, err := o.groupKind(u.Project, u.GroupKey)
		if err != nil {
			return nil, err
		}
		if reason != "" {
			b.Rejected = append(b.Rejected, event.Rejection{Index: u.Index, Reason: reason, Field: "group_key", Payload: u.Raw})
			continue
		}
		kept = append(kept, u)
	}
	return kept, nil
}

// sealImport seals what is personal. A line may name somebody who was erased since
// it was exported: nobody's key is made again, so it fails, and it alone.
func (h *handler) sealImport(ctx context.Context, b *wire.Batch, updates []profile.Update, o *owners) ([]profile.Update, error) {
	alive := updates[:0:0]
	rejected := len(b.Rejected)
	sealed, err := h.sealUpdates(ctx, b, slices.Clone(updates), o)
	if !errors.Is(err, vault.ErrErased) {
		return sealed, err
	}
	b.Rejected = b.Rejected[:rejected]
	for i := range updates {
		one, err := h.sealUpdates(ctx, b, []profile.Update{updates[i]}, o)
		if errors.Is(err, vault.ErrErased) {
			b.Rejected = append(b.Rejected, event.Rejection{Index: updates[i].Index, Reason: event.ReasonSuppressed})
			continue
		}
		if err != nil {
			return nil, err
		}
		alive = append(alive, one...)
	}
	return alive, nil
}

// importChanges sets the traits and tells when somebody was seen, and how they first
// came. Both ends of that are updates, since a sighting may be lost with the process.
func importChanges(updates []profile.Update, seen map[int]profile.Seen) (c profile.Changes) {
	for _, u := range updates {
		told := seen[u.Index]
		if told.FirstMS != 0 {
			first := u
			first.Ops, first.TimeMS, first.KeepLastSeen, first.KeepPlace = nil, told.FirstMS, false, true
			first.Arrival = told.Arrival
			c.Updates = append(c.Updates, first)
		}
		u.KeepLastSeen, u.KeepPlace = told.LastMS == 0, true
		if told.LastMS != 0 {
			u.TimeMS = told.LastMS
			u.Place, u.KeepPlace, u.DeviceInfo = told.Place, told.Place == profile.Place{}, told.Device
		}
		c.Updates = append(c.Updates, u)
	}
	return c
}
