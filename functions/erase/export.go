package erase

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"loch/shared/audit"
	"loch/shared/fault"
	"loch/shared/profile"
	"loch/shared/project"
	"loch/shared/web"
)

// writeGrace is how long a client may take to read what is already written.
const writeGrace = time.Minute

// export streams one JSON document: the profile in clear, every lake id and link,
// every event, and every row of the ledger about the person. It is a row of the
// ledger itself before its first byte goes out. Nothing is sent before the first
// events are there: until then an error has a status of its own. After that an
// error cuts the connection, because a document that ends well says that it is
// whole.
func (h *handler) export(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	x, err := h.openExport(ctx, r)
	if err != nil {
		fail(w, r, err)
		return
	}
	page, err := x.pages.next(ctx)
	if err == nil {
		err = x.note(ctx)
	}
	if err != nil {
		fail(w, r, err)
		return
	}
	head := w.Header()
	head.Set("Content-Type", "application/json; charset=utf-8")
	head.Set("Content-Disposition", `attachment; filename="loch-export-`+x.person.id[:12]+`.json"`)
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("X-Events", strconv.FormatInt(x.events, 10)) // for whoever shows how far it is
	web.NoStore(w)
	w.WriteHeader(http.StatusOK)
	if err := x.write(ctx, w, page); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// exported is an export under way.
type exported struct {
	h      *handler
	key    project.Key
	who    whom
	why    string
	id     string // of the request
	atMS   int64
	person person
	traits []profile.Trait
	opened []string // names of the traits that were sealed
	events int64
	pages  *pager
}

// openExport finds the person, opens the profile and counts the events.
func (h *handler) openExport(ctx context.Context, r *http.Request) (*exported, error) {
	key, err := web.Authorize(r, h.Registry, project.Erase)
	if err != nil {
		return nil, err
	}
	parameters, err := readParameters(r, "group_key", "by", "why")
	if err != nil {
		return nil, err
	}
	x := &exported{h: h, key: key, id: web.RequestID(ctx), atMS: h.Now().UnixMilli()}
	if x.who, err = readWhom(r, parameters); err != nil {
		return nil, err
	}
	why := parameters["why"]
	if header := r.Header.Get("X-Reason"); header != "" {
		if why != "" {
			return nil, twice("why")
		}
		why = header
	}
	if err := checkWhy(why); err != nil {
		return nil, err
	}
	x.why = audit.CleanReason(why, x.who.asked, h.Scrub)
	// That nobody is found is an answer, too, so the search takes the key's turn.
	if err := h.take(key); err != nil {
		return nil, err
	}
	projectID := key.Project.ID
	people, err := h.find(ctx, projectID, x.who)
	if err != nil {
		return nil, err
	}
	if len(people) > 1 { // that there are several is an answer about each of them
		if err := h.noteFound(ctx, key, people, x.why, x.id); err != nil {
			return nil, err
		}
	}
	if x.person, err = onlyOne(people, x.who); err != nil {
		return nil, err
	}
	if p := x.person.profile; p != nil {
		if x.traits, x.opened, err = h.Vault.OpenTraits(ctx, projectID, x.person.ids, p.Traits); err != nil {
			return nil, err
		}
	}
	if x.events, err = h.countEvents(ctx, projectID, x.who, x.person.ids, x.atMS); err != nil {
		return nil, err
	}
	x.pages = &pager{h: h, project: projectID, ids: x.person.ids, untilMS: x.atMS, size: firstPage}
	if x.events == 0 { // also a group: its events are those of people
		x.pages.ids = nil
	}
	return x, nil
}

// onlyOne refuses to put two people's data into one document.
func onlyOne(people []person, q whom) (person, error) {
	switch {
	case len(people) == 1:
		return people[0], nil
	case len(people) == 0:
		return person{}, fault.New(fault.NotFound,
			"nothing is known of this id; ids are case-sensitive and must be URL-escaped, a device's id may be written as $device:ID, and a group's needs ?group_key=KIND")
	case q.by == "email":
		return person{}, fault.Newf(fault.Conflict, "%d people have this e-mail address, and none of them was exported; see who they are "+
			"by erasing with dry_run=true, then export each with by=person and the person_id", len(people)).At("by")
	}
	return person{}, fault.New(fault.Conflict,
		"a user and a device have this id, and they are not linked; say which with by=user or by=device").At("by")
}

// note writes the export down.
func (x *exported) note(ctx context.Context) error {
	_, err := x.h.Audit.Append(ctx, audit.Entry{
		Project: x.key.Project.ID, Kind: audit.Export, Key: x.key.Name, Person: x.person.id,
		Fields: x.opened, Why: x.why, RequestID: x.id,
	})
	return err
}

// document is the beginning of an export. "events", "event_count" and "reads"
// follow.
type document struct {
	DistinctID  string         `json:"distinct_id"` // as it was asked
	PersonID    string         `json:"person_id"`
	Project     string         `json:"project"`
	Exported    *string        `json:"exported"`
	RequestID   string         `json:"request_id"`
	Profile     *profile.Shown `json:"profile"`
	Identifiers []string       `json:"identifiers"`
	Links       []linkJSON     `json:"links"`
}

type linkJSON struct {
	DeviceID string `json:"device_id"`
	UserID   string `json:"user_id"`
}

func (x *exported) document() document {
	d := document{
		DistinctID: x.who.asked, PersonID: x.person.id, Project: x.key.Project.ID, Exported: profile.ShowTime(x.atMS),
		RequestID: x.id, Identifiers: x.person.ids, Links: []linkJSON{},
	}
	if x.person.profile != nil {
		shown := x.person.profile.Show(x.traits)
		d.Profile = &shown
	}
	for _, id := range x.person.ids[1:] {
		d.Links = append(d.Links, linkJSON{DeviceID: id, UserID: x.person.id})
	}
	return d
}

// write sends the document, each event and each row of the ledger on a line of
// its own.
func (x *exported) write(ctx context.Context, w http.ResponseWriter, page [][]byte) error {
	out := bufio.NewWriterSize(w, 64<<10)
	head, err := marshal(x.document())
	if err != nil {
		return err
	}
	text := func(s string) { _, _ = out.WriteString(s) } // bufio keeps the error for Flush
	text(string(head[:len(head)-1]) + ",\n\"events\":[")
	sent := int64(0)
	for len(page) > 0 {
		x.h.extendDeadline(w)
		for _, e := range page {
			text(comma(sent))
			_, _ = out.Write(e)
			sent++
		}
		if err := out.Flush(); err != nil {
			return err
		}
		// A writer that cannot flush sends at the end instead.
		_ = http.NewResponseController(w).Flush()
		if page, err = x.pages.next(ctx); err != nil {
			return err
		}
	}
	text("\n],\n\"event_count\":" + strconv.FormatInt(sent, 10) + ",\n\"reads\":[")
	x.h.extendDeadline(w)
	reads := int64(0)
	err = x.h.Audit.Walk(ctx, 1, func(e audit.Entry) error {
		if !x.about(&e) {
			return nil
		}
		line, err := marshal(readOf(&e))
		text(comma(reads) + string(line))
		reads++
		return err
	})
	text("\n]}\n")
	return errors.Join(err, out.Flush())
}

func comma(before int64) string {
	if before == 0 {
		return "\n"
	}
	return ",\n"
}

// about tells a row of the ledger that is about the person, under whichever of
// the lake ids it was then.
func (x *exported) about(e *audit.Entry) bool {
	mine := func(id string) bool { return slices.Contains(x.person.ids, id) }
	return e.Project == x.key.Project.ID && (mine(e.Person) || slices.ContainsFunc(e.IDs, mine))
}

// extendDeadline lets an export go on for longer than the server allows one
// answer, as long as each page is found and read in time.
func (h *handler) extendDeadline(w http.ResponseWriter) {
	// A writer that knows no deadlines has none to extend.
	_ = http.NewResponseController(w).SetWriteDeadline(h.Now().Add(h.MaxTime + writeGrace))
}
