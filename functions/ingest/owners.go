package ingest

import (
	"context"
	"slices"

	"loch/shared/event"
	"loch/shared/fault"
	"loch/shared/privacy"
	"loch/shared/profile"
	"loch/shared/project"
	"loch/shared/wire"
	"loch/shared/wire/mixpanel"
)

// owners tells which project each record of one request belongs to: by the
// token inside the record, else by the request's credential.
type owners struct {
	h        *handler
	ctx      context.Context
	cred     mixpanel.Credential
	asked    bool // the credential has been looked up
	byCred   project.Project
	byToken  map[string]project.Project // known tokens; the zero Project for unknown ones
	projects map[string]project.Settings
	policies map[string]*privacy.Cleaner
	optOut   bool // the client asks not to be tracked
	browser  bool // the client is a browser

	forgotten map[int][]string // by the index of an event: ids of devices that were taken out of it
}

func (h *handler) owners(ctx context.Context, cred mixpanel.Credential) *owners {
	return &owners{h: h, ctx: ctx, cred: cred,
		byToken: map[string]project.Project{}, projects: map[string]project.Settings{}, policies: map[string]*privacy.Cleaner{}}
}

// find returns the project for a token, the zero Project when there is none. An
// error means that the registry could not tell.
func (o *owners) find(token string) (project.Project, error) {
	p, known := o.byToken[token]
	if known {
		return p, nil
	}
	if token != "" {
		var err error
		if p, err = ask(o.h.Registry.ByToken(o.ctx, token)); err != nil {
			return project.Project{}, err
		}
	}
	if p.ID == "" {
		var err error
		if p, err = o.credential(); err != nil {
			return project.Project{}, err
		}
	}
	policy, err := o.h.cleaners.of(p.ID, p.Settings.Privacy)
	if err != nil { // checked at start, so the settings were edited since
		return project.Project{}, fault.Wrap(err, fault.Unavailable, "the project's privacy settings are wrong: "+fault.From(err).Error())
	}
	o.byToken[token] = p
	o.projects[p.ID], o.policies[p.ID] = p.Settings, policy
	return p, nil
}

// credential finds the project of the request's Basic credential: the token as
// user with an empty password, or a service account with its secret. Whoever sends
// a secret is known by it or not at all.
func (o *owners) credential() (project.Project, error) {
	if o.asked || o.cred.User == "" {
		return o.byCred, nil
	}
	var p project.Project
	var err error
	if o.cred.Secret == "" {
		p, err = ask(o.h.Registry.ByToken(o.ctx, o.cred.User))
	} else {
		p, err = ask(o.h.Registry.ByServiceAccount(o.ctx, o.cred.User, o.cred.Secret))
	}
	if err != nil {
		return project.Project{}, err
	}
	o.asked, o.byCred = true, p
	return p, nil
}

// errWrongSecret answers an import whose credential is wrong.
var errWrongSecret = fault.New(fault.Unauthorized,
	"invalid credentials: no project has a service account of this name and secret; compare them with service_account in credentials.json")

// authenticate refuses an import whose Basic credential has a wrong secret,
// whatever tokens its events carry, as Mixpanel does: the sender believes itself to
// be somebody. The other routes know no credential but the token; what stands in the
// header there may be for a proxy in between.
func (o *owners) authenticate(route mixpanel.Route) error {
	if route != mixpanel.Import || o.cred.Secret == "" {
		return nil
	}
	p, err := o.credential()
	if err == nil && p.ID == "" {
		err = errWrongSecret
	}
	return err
}

// proved tells whether the request has shown the secret of a project's service
// account, which authenticate has checked.
func (o *owners) proved(projectID string) bool {
	return o.cred.Secret != "" && o.asked && projectID != "" && o.byCred.ID == projectID
}

// ask turns "nobody has this" into the zero Project, and passes on only that
// the registry could not tell.
func ask(p project.Project, err error) (project.Project, error) {
	if err == nil || fault.CodeOf(err) == fault.Unauthorized || fault.CodeOf(err) == fault.NotFound {
		return p, nil
	}
	return project.Project{}, err
}

// refusal is why a record without a project is rejected.
func refusal(token string) event.Reason {
	if token == "" {
		return event.ReasonMissingToken
	}
	return event.ReasonUnknownToken
}

// events gives each event its project, and moves those without one to the
// batch's rejections.
func (o *owners) events(b *wire.Batch) ([]event.Event, error) {
	kept := b.Events[:0]
	for i := range b.Events {
		e := &b.Events[i]
		p, err := o.find(e.Token)
		if err != nil {
			return nil, err
		}
		if p.ID == "" {
			b.Rejected = append(b.Rejected, event.Rejection{
				Index: e.Index, Token: e.Token, InsertID: e.Row.InsertID, Reason: refusal(e.Token), Field: "properties.token", Payload: e.Raw,
			})
			continue
		}
		e.Row.Project = p.ID
		kept = keep(kept, e, i)
	}
	for _, r := range b.Rejected { // so that the sealed row says whose it was
		if _, err := o.find(r.Token); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

// keep appends an event to a list that grows over its own source, without
// copying it onto itself: events are large.
func keep(kept []event.Event, e *event.Event, at int) []event.Event {
	if len(kept) == at {
		return kept[:at+1]
	}
	return append(kept, *e)
}

// updates does the same for profile updates, and remembers new kinds of group.
func (o *owners) updates(b *wire.Batch) ([]profile.Update, error) {
	kept := b.Updates[:0]
	for _, u := range b.Updates {
		p, err := o.find(u.Token)
		if err != nil {
			return nil, err
		}
		if p.ID == "" {
			b.Rejected = append(b.Rejected, event.Rejection{
				Index: u.Index, Token: u.Token, Reason: refusal(u.Token), Field: "$token", Payload: u.Raw,
			})
			continue
		}
		u.Project = p.ID
		reason, err := o.groupKind(p.ID, u.GroupKey)
		if err != nil {
			return nil, err
		}
		if reason != "" {
			b.Rejected = append(b.Rejected, event.Rejection{
				Index: u.Index, Token: u.Token, Reason: reason, Field: "$group_key", Payload: u.Raw,
			})
			continue
		}
		kept = append(kept, u)
	}
	return kept, nil
}

// groupKind has the registry remember a kind of group that is new to a project. It
// returns the reason if the project cannot have it: the write token is public, and
// what is a kind of group is sealed in every later event.
func (o *owners) groupKind(projectID, key string) (event.Reason, error) {
	settings := o.projects[projectID]
	switch {
	case key == "" || slices.Contains(settings.GroupKeys, key):
		return "", nil
	case settings.OnlyListedGroups:
		return event.ReasonUnlistedGroup, nil
	case mixpanel.IsReserved(key):
		return event.ReasonReservedGroup, nil
	}
	err := o.h.Registry.AddGroupKey(o.ctx, projectID, key)
	switch {
	case err == nil:
		return "", nil
	case fault.CodeOf(err) == fault.Invalid:
		return event.ReasonTooManyGroups, nil
	case fault.CodeOf(err) == fault.Forbidden: // the setting was changed since
		return event.ReasonUnlistedGroup, nil
	}
	return "", err
}

// settings returns the settings of a project that find has seen.
func (o *owners) settings(projectID string) project.Settings { return o.projects[projectID] }

// policy returns the privacy policy of a project that find has seen.
func (o *owners) policy(projectID string) *privacy.Cleaner { return o.policies[projectID] }

// projectOf is the project of a token that find has seen, empty for none.
func (o *owners) projectOf(token string) string { return o.byToken[token].ID }
