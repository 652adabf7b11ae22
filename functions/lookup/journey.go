package lookup

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"

	"loch/shared/audit"
	"loch/shared/event"
	"loch/shared/fault"
	"loch/shared/privacy"
	"loch/shared/profile"
	"loch/shared/project"
	"loch/shared/vault"
	"loch/shared/web"
)

const (
	defaultPage = 100
	mostPage    = 1000
	journeyTime = 20 * time.Second
)

// journey is the body of GET /api/profiles/{distinct_id}/events.
type journey struct {
	DistinctID string         `json:"distinct_id"` // as it was asked
	PersonID   string         `json:"person_id"`   // the lake id, as SQL has it
	Events     []journeyEvent `json:"events"`      // newest first
	Next       *string        `json:"next"`        // the cursor of the page behind this one; null at the end
}

// journeyEvent is one event. What is not known is left out; ids are lake ids.
type journeyEvent struct {
	Time        *string         `json:"time"`
	Event       string          `json:"event"`
	Kind        event.Kind      `json:"kind"`
	DeviceID    string          `json:"device_id,omitempty"`
	UserID      string          `json:"user_id,omitempty"`
	SessionID   string          `json:"session_id,omitempty"`
	Groups      json.RawMessage `json:"groups,omitempty"`
	Country     string          `json:"country,omitempty"`
	Region      string          `json:"region,omitempty"`
	City        string          `json:"city,omitempty"`
	Browser     string          `json:"browser,omitempty"`
	OS          string          `json:"os,omitempty"`
	DeviceType  string          `json:"device_type,omitempty"`
	PageURL     string          `json:"page_url,omitempty"`
	PagePath    string          `json:"page_path,omitempty"`
	PageTitle   string          `json:"page_title,omitempty"`
	Referrer    string          `json:"referrer_host,omitempty"`
	Channel     string          `json:"channel,omitempty"`
	UTMSource   string          `json:"utm_source,omitempty"`
	UTMCampaign string          `json:"utm_campaign,omitempty"`
	Revenue     *float64        `json:"revenue,omitempty"`
	Currency    string          `json:"currency,omitempty"`
	Lib         string          `json:"lib,omitempty"`
	AppVersion  string          `json:"app_version,omitempty"`
	Flags       string          `json:"flags,omitempty"`
	Properties  json.RawMessage `json:"properties"`
}

func (h *handler) events(w http.ResponseWriter, r *http.Request) {
	a, err := h.journey(r)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	web.WriteJSON(w, http.StatusOK, a)
}

// journey answers with a page of the events of one person, over all of their
// identifiers. To a key of scope pii the page is shown as it is stored, once that
// is in the ledger. For others every value that a rule recognises is replaced,
// whatever the project stores.
func (h *handler) journey(r *http.Request) (*journey, error) {
	key, err := web.Authorize(r, h.Registry, project.Read)
	if err != nil {
		return nil, err
	}
	asked, query := web.DistinctID(r), r.URL.Query()
	if query.Get("group_key") != "" {
		return nil, fault.New(fault.Invalid, "a group has no journey of its own; ask for its people, or for its events in SQL by the column groups").At("group_key")
	}
	if err := checkID(asked, ""); err != nil {
		return nil, err
	}
	said, err := saidReason(r)
	if err != nil {
		return nil, err
	}
	limit, err := readLimit(query.Get("limit"))
	if err != nil {
		return nil, err
	}
	before, err := readMoment(query.Get("cursor"))
	if err != nil {
		return nil, err
	}
	pii := key.Scope.Allows(project.PII)
	if pii && query.Get("by") != "email" { // to find by e-mail takes a turn itself
		if err := h.take(key); err != nil {
			return nil, err
		}
	}
	ids, err := h.identifiers(r.Context(), key, asked, query.Get("by"))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), journeyTime)
	defer cancel()
	rows, err := h.Journeys.Journey(ctx, key.Project.ID, ids, before, limit+1)
	if err != nil {
		return nil, err
	}
	a := &journey{DistinctID: asked, PersonID: ids[0], Events: []journeyEvent{}}
	if len(rows) > limit {
		rows = rows[:limit]
		next := momentCursor(rows[limit-1].Moment())
		a.Next = &next
	}
	if !pii {
		if err := hidePersonal(rows); err != nil {
			return nil, err
		}
	} else if len(rows) > 0 {
		if _, err := h.Audit.Append(r.Context(), audit.Entry{
			Project: key.Project.ID, Kind: audit.Read, Key: key.Name, Person: ids[0], Fields: []string{"events"},
			Why: reason(said, asked), RequestID: web.RequestID(r.Context()),
		}); err != nil {
			return nil, err
		}
	}
	for i := range rows {
		a.Events = append(a.Events, eventOf(&rows[i]))
	}
	return a, nil
}

func readLimit(text string) (int, error) {
	if text == "" {
		return defaultPage, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > mostPage {
		return 0, fault.Newf(fault.Invalid, "a page has 1 to %d events; without a limit it has %d", mostPage, defaultPage).At("limit")
	}
	return n, nil
}

// identifiers are the lake ids that are one person, the person's own first. Unlike
// a profile, a journey may be somebody's who has no profile: of whom all traits
// were deleted, or whose browser asked that there be none.
func (h *handler) identifiers(ctx context.Context, key project.Key, asked, by string) ([]string, error) {
	p, err := h.find(ctx, key, asked, "", by)
	if err == nil {
		return h.Profiles.Linked(ctx, p.Project, p.ID)
	}
	if fault.CodeOf(err) != fault.NotFound || by == "email" {
		return nil, err
	}
	for _, c := range candidates(asked, "") {
		id, ok, err := h.Vault.Lookup(ctx, key.Project.ID, c.kind, c.value)
		if err != nil {
			return nil, err
		}
		if ok {
			return h.Profiles.Linked(ctx, key.Project.ID, id)
		}
	}
	if vault.IsID(asked) {
		return h.Profiles.Linked(ctx, key.Project.ID, asked)
	}
	return nil, err
}

// hidePersonal replaces what a rule recognises in the texts of events. Projects
// may keep such values (settings.privacy.scan), and events from before a setting
// was made hold them.
func hidePersonal(rows []event.Row) error {
	policy, err := privacy.NewPolicy(project.Privacy{}) // every rule is on
	if err != nil {
		return err
	}
	word := func(f privacy.Found) string { return f.Rule.Word() }
	for i := range rows {
		r := &rows[i]
		r.Properties = policy.Clean(r.Properties, word)
		for _, text := range []*string{&r.Name, &r.SessionID, &r.PageURL, &r.PagePath, &r.PageTitle, &r.UTMSource, &r.UTMCampaign} {
			*text = policy.CleanText(*text, word)
		}
	}
	return nil
}

func eventOf(r *event.Row) journeyEvent {
	e := journeyEvent{
		Time: profile.ShowTime(r.TimeMS), Event: r.Name, Kind: r.Kind, DeviceID: r.DeviceID, UserID: r.UserID, SessionID: r.SessionID,
		Country: r.Country, Region: r.Region, City: r.City, Browser: r.Browser, OS: r.OS, DeviceType: r.DeviceType,
		PageURL: r.PageURL, PagePath: r.PagePath, PageTitle: r.PageTitle, Referrer: r.ReferrerHost, Channel: r.Channel,
		UTMSource: r.UTMSource, UTMCampaign: r.UTMCampaign, Currency: r.Currency, Lib: r.Lib, AppVersion: r.AppVersion, Flags: r.Flags,
		Groups: jsonOf(r.Groups, nil), Properties: jsonOf(r.Properties, []byte("{}")),
	}
	if !math.IsNaN(r.Revenue) {
		e.Revenue = &r.Revenue
	}
	return e
}

// jsonOf is stored JSON; what is none is left out.
func jsonOf(text string, otherwise json.RawMessage) json.RawMessage {
	if text == "" || !json.Valid([]byte(text)) {
		return otherwise
	}
	return json.RawMessage(text)
}
