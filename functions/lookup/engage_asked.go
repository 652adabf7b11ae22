package lookup

import (
	"encoding/base64"
	"encoding/json"
	"hash/crc32"
	"net/http"
	"slices"
	"strings"
	"time"

	"loch/shared/event"
	"loch/shared/fault"
	"loch/shared/project"
	"loch/shared/roster"
	"loch/shared/web"
)

const (
	engagePage = 1000 // people; as Mixpanel answers
	mostPages  = 100_000
	// mostAsked bounds identifiers and names of properties in one request.
	mostAsked = 1000
)

// engagement is a call that was understood.
type engagement struct {
	listing          // always in the order of ids; limit is the page's size
	ids     []string // who is asked for, as they were named; nil for a list
	output  []string // names of the properties that are wanted; nil for all
	page    int
	session session
}

// session is what session_id says: where a page of a list ended. It names nobody.
type session struct {
	Page     int    `json:"p"`
	ID       string `json:"i"` // the lake id at its end; "" before the first page
	Size     int    `json:"n"`
	Question uint32 `json:"q"` // checksum of what is asked, so that no other is gone on with
}

// String is the session as an answer has it.
func (s session) String() string {
	text, _ := json.Marshal(s) //nolint:errchkjson // a text and numbers always encode
	return base64.RawURLEncoding.EncodeToString(text)
}

func readEngagement(r *http.Request, p *web.Parameters, key project.Key) (*engagement, error) {
	e := &engagement{listing: listing{key: key, order: roster.PersonID, unlimited: true, together: true}}
	var err error
	if e.policy, err = policyOf(key); err != nil {
		return nil, err
	}
	if err = e.mayCount(); err != nil {
		return nil, err
	}
	if e.groupKey = p.Text("data_group_id"); e.groupKey != "" && !slices.Contains(key.Project.Settings.GroupKeys, e.groupKey) {
		return nil, fault.New(fault.Invalid, "it is the name of a kind of group here, one of the project's group_keys, such as company").At("data_group_id")
	}
	personal, err := p.Word("personal", "true", "false")
	if err != nil {
		return nil, err
	}
	e.clear = key.Scope.Allows(project.PII) && personal == "true"
	if e.said, err = oneReason(r, []string{p.Text(reasonParameter)}); err != nil {
		return nil, err
	}
	if e.ids, err = askedIDs(p); err != nil {
		return nil, err
	}
	if e.output, err = namesIn(p, "output_properties"); err != nil {
		return nil, err
	}
	where, err := readWhere(p)
	if err != nil {
		return nil, err
	}
	if err := e.split(where); err != nil {
		return nil, asWhere(err)
	}
	p.Text("include_all_users") // says something of filter_by_cohort only
	if p.Has("filter_by_cohort") || p.Has("behaviors") || p.Has("as_of_timestamp") {
		return nil, fault.New(fault.Invalid, "there are no saved cohorts and no behaviors here; GET /api/profiles takes cohort={\"did\":{\"event\":\"Purchase\",\"at_least\":3,\"within_days\":30}}").At("filter_by_cohort")
	}
	if err := e.readPage(p); err != nil {
		return nil, err
	}
	return e, p.Done()
}

// readPage reads which page it is, and of which session.
func (e *engagement) readPage(p *web.Parameters) (err error) {
	if e.page, err = p.Whole("page", 0, mostPages, 0); err != nil {
		return err
	}
	usual := engagePage
	if e.clear {
		// So many turns come in the time that an export pauses: pages follow each
		// other as fast as the key may open people.
		usual = min(engagePage, max(1, e.key.Project.Settings.LookupLimit()*int(exportPause/time.Second)/60))
	}
	question := crc32.ChecksumIEEE([]byte(strings.Join([]string{e.key.Project.ID, e.groupKey, p.Text("where"), p.Text("selector")}, "\x00")))
	asked := p.Text("session_id")
	if asked != "" {
		text, err := base64.RawURLEncoding.DecodeString(asked)
		if err != nil || json.Unmarshal(text, &e.session) != nil || e.session.Page < 0 || e.session.Page > mostPages ||
			e.session.Size < 1 || e.session.Size > engagePage {
			return fault.New(fault.Invalid, "this is no session; take session_id from the answer with the page before").At("session_id")
		}
		if e.session.Question != question {
			return fault.New(fault.Invalid, "the session is of another question; go on with the same where, or begin without session_id and page").At("session_id")
		}
		usual = e.session.Size
	}
	if e.limit, err = p.Whole("page_size", 1, engagePage, usual); err != nil {
		return err
	}
	switch {
	case e.page > 0 && asked == "":
		return fault.New(fault.Invalid, "pages after the first need the session_id of the answer with the page before").At("page")
	case asked != "" && e.limit != e.session.Size:
		return fault.Newf(fault.Invalid, "the session's pages have %d people; begin without session_id for others", e.session.Size).At("page_size")
	case e.ids != nil && (e.page > 0 || len(e.ids) > e.limit && p.Has("page_size")):
		return fault.New(fault.Invalid, "people who are asked for by identifier come on one page").At("page")
	}
	if e.ids != nil {
		e.limit = max(e.limit, len(e.ids))
	}
	e.session.Size, e.session.Question = e.limit, question
	return nil
}

// askedIDs are the identifiers in distinct_id or distinct_ids.
func askedIDs(p *web.Parameters) ([]string, error) {
	if !p.Has("distinct_ids") && !p.Has("distinct_id") {
		return nil, nil
	}
	place := "distinct_id"
	ids := []string{p.Text(place)}
	if p.Has("distinct_ids") {
		if p.Has(place) {
			return nil, fault.New(fault.Invalid, "ask with distinct_id or with distinct_ids").At("distinct_ids")
		}
		var err error
		place = "distinct_ids"
		if ids, err = namesIn(p, place); err != nil {
			return nil, err
		}
	}
	for _, id := range ids {
		if err := checkID(id, ""); err != nil {
			return nil, fault.From(err).At(place)
		}
	}
	return ids, nil
}

// namesIn is a JSON list of texts. Identifiers may be numbers, which scripts leave bare.
func namesIn(p *web.Parameters, name string) ([]string, error) {
	text := p.Text(name)
	if text == "" && !p.Has(name) {
		return nil, nil
	}
	wrong := fault.Newf(fault.Invalid, `it must be a JSON list of at most %d texts, such as ["a","b"]`, mostAsked).At(name)
	var items []json.RawMessage
	if err := json.Unmarshal([]byte(text), &items); err != nil || items == nil || len(items) > mostAsked {
		return nil, wrong
	}
	list := make([]string, len(items))
	for i, item := range items {
		var number json.Number
		switch {
		case json.Unmarshal(item, &list[i]) == nil && item[0] == '"' && len(list[i]) <= event.MaxIDBytes:
		case item[0] != '"' && json.Unmarshal(item, &number) == nil && number != "":
			list[i] = number.String()
		default:
			return nil, wrong
		}
	}
	return list, nil
}
