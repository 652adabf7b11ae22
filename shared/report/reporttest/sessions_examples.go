package reporttest

import (
	"fmt"
	"strings"
	"time"

	"loch/shared/report"
)

const oneDay = `{"from":"2026-11-02","to":"2026-11-02"`

// sessionsExamples are sessions cut by hand. An answer is told as a line for each
// segment: its value, the sessions of each interval, and of all sessions how many,
// their median and mean seconds, events a session and bounce rate; then the pages.
var sessionsExamples = []example{
	{
		kind: "sessions", why: "A silence of exactly 30 minutes does not end a session, a millisecond more does.",
		events: []string{"2026-11-02T10:00:00Z A d1/", "2026-11-02T10:30:00Z A d1/", "2026-11-02T11:00:00.001Z A d1/"},
		spec:   oneDay + `}`,
		want:   []string{"null: 2 = 2, 900 900 1.5 0"},
	},
	{
		kind: "sessions", why: "A session does not end at midnight, and is of the day on which it began.",
		events: []string{"2026-11-01T23:50:00Z A d1/", "2026-11-02T00:10:00Z A d1/", "2026-11-02T00:30:00Z A d1/"},
		spec:   `{"from":"2026-11-01","to":"2026-11-02"}`,
		want:   []string{"null: 1 0 = 1, 2400 2400 3 0"},
	},
	{
		kind: "sessions", why: "What goes on when the report begins is no new session.",
		events: []string{"2026-11-01T23:50:00Z A d1/", "2026-11-02T00:20:00Z A d1/", "2026-11-02T00:40:00Z A d1/", "2026-11-02T12:00:00Z A d1/"},
		spec:   oneDay + `}`,
		want:   []string{"null: 1 = 1, 0 0 1 0"},
	},
	{
		kind: "sessions", why: "A session that began half an hour and a millisecond before is over.",
		events: []string{"2026-11-01T23:29:59.999Z A d1/", "2026-11-02T00:00:00Z A d1/"},
		spec:   oneDay + `}`,
		want:   []string{"null: 1 = 1, 0 0 1 0"},
	},
	{
		kind: "sessions", why: "A session that goes on after the last day is told whole.",
		events: []string{"2026-11-02T23:50:00Z A d1/", "2026-11-03T00:10:00Z A d1/", "2026-11-03T12:00:00Z A d1/"},
		spec:   oneDay + `}`,
		want:   []string{"null: 1 = 1, 1200 1200 2 0"},
	},
	{
		kind: "sessions", why: "It is followed for 24 hours after the last day: one that does not end is told until then.",
		events: []string{"2026-11-02T23:00:00Z A d1/", "2026-11-03T22:00:00Z A d1/", "2026-11-03T23:59:59.999Z A d1/", "2026-11-04T00:00:00Z A d1/"},
		spec:   oneDay + `}`, env: report.Env{SessionGap: 24 * time.Hour},
		want: []string{"null: 1 = 1, 89999.999 89999.999 3 0"},
	},
	{
		kind: "sessions", why: "The day is the project's, and so is the silence.",
		events: []string{"2026-11-01T22:59:00Z A d1/", "2026-11-01T23:00:01Z A d1/", "2026-11-01T23:02:00Z A d1/"},
		spec:   oneDay + `}`, env: report.Env{Timezone: "Europe/Berlin", SessionGap: time.Minute},
		want: []string{"null: 2 = 2, 0 0 1 0"},
	},
	{
		kind: "sessions", why: "A bounce is one page view and nothing else: neither two page views, nor an event alone, nor a page view with an event.",
		events: []string{"2026-11-02T10:00:00Z V d1/ page page_path=/", "2026-11-02T10:00:00Z V d2/ page page_path=/a", "2026-11-02T10:00:01Z V d2/ page page_path=/b",
			"2026-11-02T10:00:00Z A d3/", "2026-11-02T10:00:00Z V d4/ page page_path=/", "2026-11-02T10:00:00Z A d4/"},
		spec: oneDay + `}`,
		want: []string{"null: 4 = 4, 0 0.25 1.5 0.25", "in / 2, /a 1", "out / 2, /b 1"},
	},
	{
		kind: "sessions", why: "What tells who somebody is is nothing that they do: it holds no session together.",
		events: []string{"2026-11-02T10:00:00Z A d1/", "2026-11-02T10:20:00Z $identify d1/u1 identify", "2026-11-02T10:40:00Z A d1/"},
		spec:   oneDay + `}`,
		want:   []string{"null: 2 = 2, 0 0 1 0"},
	},
	{
		kind: "sessions", why: "Who logs in goes on with the same session, on both of their devices. Bots have none.",
		events: []string{"2026-11-02T10:00:00Z A d1/", "2026-11-02T10:10:00Z Login d1/u1", "2026-11-02T10:20:00Z A d2/u1", "2026-11-02T10:00:00Z A d3/ bot"},
		spec:   oneDay + `}`,
		want:   []string{"null: 1 = 1, 1200 1200 3 0"},
	},
	{
		kind: "sessions", why: "Filters ask for sessions in which something is: they are whole, with what does not pass.",
		events: []string{"2026-11-02T10:00:00Z A d1/", `2026-11-02T10:20:00Z A d1/ {"p":1}`, "2026-11-02T10:40:00Z A d1/", "2026-11-02T10:00:00Z A d2/"},
		spec:   oneDay + `,"where":[{"property":"p","op":"eq","value":1}]}`,
		want:   []string{"null: 1 = 1, 2400 2400 3 0"},
	},
	{
		kind: "sessions", why: "One event has to pass all filters: that two pass one each is not enough.",
		events: []string{`2026-11-02T10:00:00Z A d1/ {"p":1}`, `2026-11-02T10:20:00Z A d1/ {"q":1}`},
		spec:   oneDay + `,"where":[{"property":"p","op":"eq","value":1},{"property":"q","op":"eq","value":1}]}`,
		want:   []string{"null: 0 = 0, null null null null"},
	},
	{
		kind: "sessions", why: "A break-down takes the value by which a session began.",
		events: []string{"2026-11-02T10:00:00Z A d1/ country=DE", "2026-11-02T10:20:00Z A d1/ country=FR", "2026-11-02T10:00:00Z A d2/ country=FR", "2026-11-02T12:00:00Z A d2/ country=DE"},
		spec:   oneDay + `,"breakdown":[{"property":"country"}]}`,
		want:   []string{`"DE": 2 = 2, 600 600 1.5 0`, `"FR": 1 = 1, 0 0 1 0`},
	},
	{
		kind: "sessions", why: "Pages are those of the first and the last page view, also where other events come before and after. A page view without a path is (not set).",
		events: []string{"2026-11-02T10:00:00Z A d1/", "2026-11-02T10:01:00Z V d1/ page page_path=/a", "2026-11-02T10:02:00Z V d1/ screen", "2026-11-02T10:03:00Z A d1/"},
		spec:   oneDay + `}`,
		want:   []string{"null: 1 = 1, 180 180 4 0", "in /a 1", "out (not set) 1"},
	},
	{
		kind: "sessions", why: "In the same instant the event that arrived first is first.",
		events: []string{"2026-11-02T10:00:00Z V d1/ page page_path=/a", "2026-11-02T10:00:00Z V d1/ page page_path=/b"},
		spec:   oneDay + `}`,
		want:   []string{"null: 1 = 1, 0 0 2 0", "in /a 1", "out /b 1"},
	},
	{
		kind: "sessions", why: "The most frequent pages are by themselves, ties by name; the rest is one.",
		events: []string{"2026-11-02T10:00:00Z V d1/ page page_path=/b", "2026-11-02T10:00:00Z V d2/ page page_path=/a", "2026-11-02T10:00:00Z V d3/ page page_path=/c",
			"2026-11-02T10:00:00Z V d4/ page page_path=/c", "2026-11-02T10:00:00Z A d5/"},
		spec: oneDay + `,"top":2,"interval":"total"}`,
		want: []string{"null: 5 = 5, 0 0 1 0.8", "in /c 2, /a 1, (other) 1", "out /c 2, /a 1, (other) 1"},
	},
	{
		kind: "sessions", why: "A page of fewer persons than the project shows is hidden, and with it the next smallest, or it could be subtracted.",
		events: []string{"2026-11-02T10:00:00Z V d1/ page page_path=/a", "2026-11-02T10:00:00Z V d2/ page page_path=/a", "2026-11-02T10:00:00Z V d3/ page page_path=/b",
			"2026-11-02T10:00:00Z V d4/ page page_path=/c", "2026-11-02T10:00:00Z V d5/ page page_path=/c", "2026-11-02T10:00:00Z V d6/ page page_path=/c"},
		spec: oneDay + `}`, env: report.Env{MinCell: 2},
		want: []string{"null: 6 = 6, 0 0 1 1", "in /c 3", "out /c 3", "hidden 4"},
	},
	{
		kind: "sessions", why: "The night in which clocks are set back is an hour longer; a session in it is as long as it took.",
		events: []string{"2026-10-25T00:30:00Z A d1/", "2026-10-25T01:00:00Z A d1/", "2026-10-25T01:30:00Z A d1/", "2026-10-25T22:30:00Z A d1/"},
		spec:   `{"from":"2026-10-25","to":"2026-10-25","timezone":"Europe/Berlin"}`,
		want:   []string{"null: 2 = 2, 1800 1800 2 0"},
	},
}

// tellSessions writes an answer in lines.
func tellSessions(answer any) (told []string) {
	for _, one := range answer.(object)["segments"].([]any) {
		s := one.(object)
		var counts []string
		for _, p := range s["points"].([]any) {
			counts = append(counts, written(p.(object)["sessions"]))
		}
		total := s["total"].(object)
		told = append(told, fmt.Sprintf("%s: %s = %s, %s %s %s %s", written(s["segment"]), strings.Join(counts, " "), written(total["sessions"]),
			written(total["median_seconds"]), written(total["avg_seconds"]), written(total["events_per_session"]), written(total["bounce_rate"])))
		for _, list := range [][2]string{{"in", "entry_pages"}, {"out", "exit_pages"}} {
			var pages []string
			for _, p := range s[list[1]].([]any) {
				pages = append(pages, fmt.Sprintf("%s %s", p.(object)["page"], written(p.(object)["sessions"])))
			}
			if len(pages) > 0 {
				told = append(told, list[0]+" "+strings.Join(pages, ", "))
			}
		}
	}
	if hidden, ok := answer.(object)["hidden"]; ok {
		told = append(told, fmt.Sprintf("hidden %v", hidden))
	}
	return told
}
