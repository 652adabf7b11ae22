package command

import (
	"io"
	"strings"
	"time"

	"loch/shared/sample"
)

// summary is what `loch seed` did; its JSON is the answer to programs.
type summary struct {
	Sent           int       `json:"events_sent"`
	Accepted       int       `json:"events_accepted"`
	Refused        int       `json:"events_refused"`
	Again          int       `json:"events_sent_twice"`
	Updates        int       `json:"updates_sent"`
	UpdatesRefused int       `json:"updates_refused"`
	Requests       int       `json:"requests"`
	Retries        int       `json:"retries"`
	Bytes          int64     `json:"bytes"`
	People         int       `json:"people"`
	SignUps        int       `json:"signed_up"`
	Bots           int       `json:"bot_events"`
	Days           int       `json:"days"`
	From           time.Time `json:"from"`
	To             time.Time `json:"to"`
	Seconds        float64   `json:"seconds"`
	Rate           float64   `json:"events_per_second"`
	Interrupted    bool      `json:"interrupted"`
	Problem        string    `json:"first_problem,omitempty"`
	User           string    `json:"user,omitempty"`
	Dashboard      string    `json:"dashboard,omitempty"`
}

func (s *seedCommand) summary(t *tally, g sample.Stats, took time.Duration, session *Session) *summary {
	u := &summary{
		Sent: t.events, Accepted: t.accepted, Refused: t.events - t.accepted, Again: t.again,
		Updates: t.updates, UpdatesRefused: t.updates - t.taken,
		Requests: t.requests, Retries: t.retries, Bytes: t.bytes,
		People: g.People, SignUps: g.SignUps, Bots: g.Bots, Days: s.options.Days,
		From: g.First, To: g.Last, Seconds: float64(took.Milliseconds()) / 1000,
		Problem: t.problem, User: g.User,
	}
	if took > 0 {
		u.Rate = float64(int64(float64(t.events) / took.Seconds()))
	}
	if session.PublicURL != "" {
		u.Dashboard = session.PublicURL + "/"
	}
	return u
}

// print writes the summary for people, with what to try next.
func (u *summary) print(w io.Writer, s screen, next [][2]string) error {
	took := time.Duration(u.Seconds * float64(time.Second))
	type line struct {
		name, number, rest string
	}
	table := []line{
		{"events sent", count(int64(u.Sent)), "in " + plural(int64(u.Requests), "request") + ", " + size(u.Bytes)},
		{"accepted", count(int64(u.Accepted)), count(int64(u.Again)) + " of them sent twice, as browsers do"},
	}
	if u.Refused > 0 {
		table = append(table, line{"refused", count(int64(u.Refused)), u.Problem})
	}
	table = append(table,
		line{"profile updates", count(int64(u.Updates)), ""},
		line{"people", count(int64(u.People)), count(int64(u.SignUps)) + " signed up; bots sent " + plural(int64(u.Bots), "event")},
		line{"days", count(int64(u.Days)), u.From.Format("2 Jan 2006") + " to " + u.To.Format("2 Jan 2006")},
	)
	if u.Rate > 0 {
		table = append(table, line{"events a second", count(int64(u.Rate)), "for " + lasting(took)})
	}
	if u.Retries > 0 {
		table = append(table, line{"tries again", count(int64(u.Retries)), "when the server asked for patience"})
	}
	name, number := 0, 0
	for _, l := range table {
		name, number = max(name, len(l.name)), max(number, len(l.number))
	}

	head := s.paint(green, "✓") + " " + s.paint(bold, "Done")
	switch {
	case u.Interrupted:
		head = s.paint(yellow, "■") + " " + s.paint(bold, "Interrupted") + ": what was accepted is kept"
	case u.Refused > 0 || u.UpdatesRefused > 0:
		head = s.paint(yellow, "!") + " " + s.paint(bold, "Done in part")
	}
	out := []string{head, ""}
	if s.live { // below the bar
		out = []string{"", head, ""}
	}
	for _, l := range table {
		text := "  " + fit(l.name, name, false) + "  " + s.paint(bold, fit(l.number, number, true)) + "  " + s.paint(dim, clean(l.rest, 0))
		out = append(out, strings.TrimRight(text, " "))
	}
	out = append(out, "", "Try next", "")
	for _, n := range next {
		out = append(out, "  "+s.paint(dim, n[0]), "    "+s.paint(cyan, n[1]))
	}
	return lines(w, out...)
}
