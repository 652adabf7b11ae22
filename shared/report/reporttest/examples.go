package reporttest

import (
	"time"

	"loch/shared/report"
)

// examples are the cases made by hand.
var examples = []example{
	{
		kind: "insights", why: "Days without events are 0 and never missing. The total of persons is not the sum of the days.",
		events: []string{"2026-11-01T10:00:00Z A d1/", "2026-11-01T11:00:00Z A d1/", "2026-11-03T10:00:00Z A d1/", "2026-11-03T10:00:00Z A d2/"},
		spec:   `{"from":"2026-11-01","to":"2026-11-04","series":[{"event":"A","name":"events"},{"event":"A","measure":"uniques","name":"persons"}]}`,
		want:   []string{"events null: 2 0 2 0 = 4", "persons null: 1 0 2 0 = 2"},
	},
	{
		kind: "insights", why: "Who logs in on Tuesday is the same person on Monday: the link of device and user counts for what was before it.",
		events: []string{"2026-11-02T10:00:00Z A d1/", "2026-11-03T10:00:00Z Login d1/u1", "2026-11-04T10:00:00Z A d2/u1", "2026-11-04T11:00:00Z A d2/"},
		spec:   `{"from":"2026-11-02","to":"2026-11-04","series":[{"event":"A","measure":"uniques","name":"persons"}]}`,
		want:   []string{"persons null: 1 0 1 = 1"},
	},
	{
		kind: "insights", why: "Two people share a device: it stays the first one's, and what the other does counts for the other only where the event says so.",
		events: []string{"2026-11-02T10:00:00Z A d1/u1", "2026-11-03T10:00:00Z A d1/u2", "2026-11-04T10:00:00Z A d1/"},
		spec:   `{"from":"2026-11-02","to":"2026-11-04","series":[{"event":"A","measure":"uniques","name":"persons"}],"breakdown":[{"property":"person_id"}]}`,
		want:   []string{`persons "u1": 1 0 1 = 1`, `persons "u2": 0 1 0 = 1`},
	},
	{
		kind: "insights", why: "A day is the project's: half past eleven at night in UTC is tomorrow in Berlin.",
		events: []string{"2026-11-01T22:59:59.999Z A d1/", "2026-11-01T23:00:00Z A d1/", "2026-11-02T22:59:59.999Z A d1/", "2026-11-02T23:00:00Z A d1/"},
		spec:   `{"from":"2026-11-02","to":"2026-11-02","series":[{"event":"A","name":"events"}]}`,
		env:    report.Env{Timezone: "Europe/Berlin"},
		want:   []string{"events null: 2 = 2"},
	},
	{
		kind: "insights", why: "On the day that clocks are set back two o'clock comes twice and is two hours; nothing is counted twice or lost.",
		events: []string{"2026-10-25T00:30:00Z A d1/", "2026-10-25T01:30:00Z A d1/", "2026-10-25T01:59:00Z A d1/", "2026-10-25T22:30:00Z A d1/"},
		spec:   `{"from":"2026-10-25","to":"2026-10-25","interval":"hour","timezone":"Europe/Berlin","series":[{"event":"A","name":"events"}]}`,
		want:   []string{"events null: 0 0 1 2 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1 = 4"},
	},
	{
		kind: "insights", why: "The first and the last week are cut by the report; a week begins on Sunday where that is asked.",
		events: []string{"2026-10-31T12:00:00Z A d1/", "2026-11-01T12:00:00Z A d1/", "2026-11-07T12:00:00Z A d1/", "2026-11-08T12:00:00Z A d1/", "2026-11-11T12:00:00Z A d1/"},
		spec:   `{"from":"2026-10-30","to":"2026-11-10","interval":"week","week_start":"sunday","series":[{"event":"A","name":"events"}]}`,
		want:   []string{"events null: 1 2 1 = 4"},
	},
	{
		kind: "insights", why: "Weekly actives of a day are those of the seven days up to it, also of days before the report. The total is of the report's days.",
		events: []string{"2026-10-27T10:00:00Z A d1/", "2026-11-01T10:00:00Z A d2/", "2026-11-03T10:00:00Z A d1/"},
		spec:   `{"from":"2026-11-01","to":"2026-11-04","series":[{"event":"A","measure":"uniques","rolling_days":7,"name":"weekly"}]}`,
		want:   []string{"weekly null: 2 2 2 2 = 2"},
	},
	{
		kind: "insights", why: "A person drops out of the weekly actives on the eighth day.",
		events: []string{"2026-11-01T10:00:00Z A d1/", "2026-11-03T10:00:00Z A d2/"},
		spec:   `{"from":"2026-11-06","to":"2026-11-10","series":[{"event":"A","measure":"uniques","rolling_days":7,"name":"weekly"}]}`,
		want:   []string{"weekly null: 2 2 1 1 0 = 0"},
	},
	{
		kind: "insights", why: "A session over midnight is one, and is there on both days. A silence of exactly 30 minutes does not end it.",
		events: []string{"2026-11-01T23:50:00Z A d1/", "2026-11-02T00:20:00Z A d1/", "2026-11-02T00:50:00.001Z A d1/", "2026-11-02T00:51:00Z A d2/"},
		spec:   `{"from":"2026-11-01","to":"2026-11-02","series":[{"event":"A","measure":"sessions","name":"sessions"}]}`,
		want:   []string{"sessions null: 1 3 = 3"},
	},
	{
		kind: "insights", why: "A session that was going on at the first midnight is one of the day, too: where it began does not matter, and what it was before does not cut it.",
		events: []string{"2026-11-01T23:50:00Z A d1/", "2026-11-02T00:10:00Z B d1/", "2026-11-02T00:35:00Z A d1/", "2026-11-02T01:05:00Z A d1/", "2026-11-01T23:59:00Z A d2/"},
		spec:   `{"from":"2026-11-02","to":"2026-11-02","series":[{"event":"A","measure":"sessions","name":"sessions"}]}`,
		want:   []string{"sessions null: 1 = 1"},
	},
	{
		kind: "insights", why: "Events that the series does not ask for hold a session together all the same.",
		events: []string{"2026-11-01T10:00:00Z A d1/", "2026-11-01T10:20:00Z B d1/", "2026-11-01T10:40:00Z A d1/"},
		spec:   `{"from":"2026-11-01","to":"2026-11-01","series":[{"event":"A","measure":"sessions","name":"sessions"}],"where":[{"property":"p","op":"is_not_set"}]}`,
		want:   []string{"sessions null: 1 = 1"},
	},
	{
		kind: "insights", why: `The text "1" is not the number 1, 1.0 is; what is absent and what is null are (not set), a text without characters is (empty).`,
		events: []string{`2026-11-01T10:00:00Z A d1/ {"p":1}`, `2026-11-01T10:00:00Z A d1/ {"p":1.0}`, `2026-11-01T10:00:00Z A d1/ {"p":10e-1}`, `2026-11-01T10:00:00Z A d1/ {"p":"1"}`,
			`2026-11-01T10:00:00Z A d1/ {"p":""}`, `2026-11-01T10:00:00Z A d1/ {"p":null}`, `2026-11-01T10:00:00Z A d1/`, `2026-11-01T10:00:00Z A d1/ {"p":true}`, `2026-11-01T10:00:00Z A d1/ {"p":[1]}`},
		spec: `{"from":"2026-11-01","to":"2026-11-01","series":[{"event":"A","name":"events"}],"breakdown":[{"property":"p"}]}`,
		want: []string{"events 1: 3 = 3", `events "(not set)": 2 = 2`, `events "(empty)": 1 = 1`, `events "(list)": 1 = 1`, `events "1": 1 = 1`, "events true: 1 = 1"},
	},
	{
		kind: "insights", why: "(other) is counted anew: who has two of the values beyond the limit is one person of it. Ties are broken by name.",
		events: []string{`2026-11-01T10:00:00Z A d1/ {"p":"a"}`, `2026-11-01T10:00:00Z A d2/ {"p":"a"}`, `2026-11-01T10:00:00Z A d1/ {"p":"c"}`, `2026-11-01T10:00:00Z A d1/ {"p":"b"}`, `2026-11-01T10:00:00Z A d1/ {"p":"d"}`},
		spec:   `{"from":"2026-11-01","to":"2026-11-01","series":[{"event":"A","measure":"uniques","name":"persons"}],"breakdown":[{"property":"p","limit":2}]}`,
		want:   []string{`persons "a": 2 = 2`, `persons "b": 1 = 1`, `persons "(other)": 1 = 1`},
	},
	{
		kind: "insights", why: "A text that says (other) is one of the others.",
		events: []string{`2026-11-01T10:00:00Z A d1/ {"p":"(other)"}`, `2026-11-01T10:00:00Z A d1/ {"p":"(other)"}`, `2026-11-01T10:00:00Z A d1/ {"p":"a"}`, `2026-11-01T10:00:00Z A d1/ {"p":"b"}`},
		spec:   `{"from":"2026-11-01","to":"2026-11-01","series":[{"event":"A","name":"events"}],"breakdown":[{"property":"p","limit":1}]}`,
		want:   []string{`events "a": 1 = 1`, `events "(other)": 3 = 3`},
	},
	{
		kind: "insights", why: "Two properties make a segment of each pair; each property has its own limit.",
		events: []string{`2026-11-01T10:00:00Z A d1/ country=DE {"p":"a"}`, `2026-11-01T10:00:00Z A d1/ country=DE {"p":"b"}`, `2026-11-01T10:00:00Z A d1/ country=FR {"p":"a"}`, `2026-11-01T10:00:00Z A d1/ {"p":"c"}`},
		spec:   `{"from":"2026-11-01","to":"2026-11-01","interval":"total","series":[{"event":"A","name":"events"}],"breakdown":[{"property":"country","limit":1},{"property":"p","limit":1}]}`,
		want:   []string{`events ["DE","a"]: 1 = 1`, `events ["DE","(other)"]: 1 = 1`, `events ["(other)","a"]: 1 = 1`, `events ["(other)","(other)"]: 1 = 1`},
	},
	{
		kind: "insights", why: "Sums are exact: 0.1 and 0.2 are 0.3. A text is no number, and a day without numbers is 0.",
		events: []string{`2026-11-01T10:00:00Z A d1/ {"n":0.1}`, `2026-11-01T10:00:00Z A d1/ {"n":0.2}`, `2026-11-01T10:00:00Z A d1/ {"n":"5"}`, `2026-11-02T10:00:00Z A d1/ {"n":"5"}`},
		spec:   `{"from":"2026-11-01","to":"2026-11-02","series":[{"event":"A","measure":"sum","property":"n","name":"sum"},{"event":"A","measure":"avg","property":"n","name":"avg"}]}`,
		want:   []string{"sum null: 0.3 0 = 0.3", "avg null: 0.15 0 = 0.15"},
	},
	{
		kind: "insights", why: "The median of an even number is halfway between the two in the middle; a percentile is one of the values, the smallest that so many do not exceed.",
		events: []string{`2026-11-01T10:00:00Z A d1/ {"n":1}`, `2026-11-01T10:00:00Z A d1/ {"n":2}`, `2026-11-01T10:00:00Z A d1/ {"n":4}`, `2026-11-02T10:00:00Z A d1/ {"n":100}`},
		spec:   `{"from":"2026-11-01","to":"2026-11-02","series":[{"event":"A","measure":"median","property":"n","name":"median"},{"event":"A","measure":"p90","property":"n","name":"p90"}]}`,
		want:   []string{"median null: 2 100 = 3", "p90 null: 4 100 = 100"},
	},
	{
		kind: "insights", why: "A division by 0 is none, in each interval by itself; the total is calculated of the totals.",
		events: []string{`2026-11-01T10:00:00Z A d1/`, `2026-11-01T10:00:00Z B d1/ {"n":5}`, `2026-11-02T10:00:00Z B d1/ {"n":5}`},
		spec:   `{"from":"2026-11-01","to":"2026-11-02","series":[{"event":"A","name":"a"},{"event":"B","measure":"sum","property":"n","name":"b"},{"formula":"B / A * (1 + 1)","name":"f"}]}`,
		want:   []string{"a null: 1 0 = 1", "b null: 5 5 = 10", "f null: 10 null = 20"},
	},
	{
		kind: "insights", why: "Per user is of those who did it: three events of two persons are one and a half each.",
		events: []string{`2026-11-01T10:00:00Z A d1/`, `2026-11-01T10:00:00Z A d1/`, `2026-11-01T10:00:00Z A d2/`, `2026-11-01T10:00:00Z B d3/`, `2026-11-02T10:00:00Z A d2/`},
		spec:   `{"from":"2026-11-01","to":"2026-11-02","series":[{"event":"A","measure":"per_user","per_user":"avg","name":"each"}]}`,
		want:   []string{"each null: 1.5 1 = 2"},
	},
	{
		kind: "insights", why: "Bots are left out, and rows that tell who somebody is are no events of any kind.",
		events: []string{"2026-11-01T10:00:00Z A d1/ bot", "2026-11-01T10:00:00Z $identify d2/u2 identify", "2026-11-01T10:00:00Z A d3/ page"},
		spec:   `{"from":"2026-11-01","to":"2026-11-01","series":[{"event":"*","measure":"uniques","name":"persons"},{"event":"$identify","name":"identify"}]}`,
		want:   []string{"persons null: 1 = 1", "identify null: 1 = 1"},
	},
	{
		kind: "insights", why: "A cohort is who did something in the days that end with the report's last, its own day included.",
		events: []string{"2026-11-01T10:00:00Z A d1/", "2026-11-01T10:00:00Z A d2/", "2026-11-02T10:00:00Z Buy d1/", "2026-11-01T23:59:59Z Buy d2/"},
		spec:   `{"from":"2026-11-01","to":"2026-11-03","series":[{"event":"A","name":"events"}],"cohort":{"did":{"event":"Buy","within_days":2}}}`,
		want:   []string{"events null: 1 0 0 = 1"},
	},
	{
		kind: "insights", why: "A profile's value is its newest, also for what was before; one that is gone has none.",
		events: []string{"2026-11-01T10:00:00Z A d1/", "2026-11-01T10:00:00Z A d2/", "2026-11-01T10:00:00Z A d3/"},
		profiles: []string{`d1 2026-11-05T00:00:00Z {"plan":"free"}`, `d1 2026-11-06T00:00:00Z {"plan":"pro"}`,
			`d2 2026-11-05T00:00:00Z {"plan":"pro"}`, `d2 2026-11-06T00:00:00Z gone`, `d3 2026-11-05T00:00:00Z {"plan":"pro"}`},
		spec: `{"from":"2026-11-01","to":"2026-11-01","series":[{"event":"A","name":"events"}],"breakdown":[{"property":"profile.plan"}]}`,
		want: []string{`events "pro": 2 = 2`, `events "(not set)": 1 = 1`},
	},
	{
		kind: "insights", why: "Neighbours beyond 2^53 are two numbers, in filters and in segments.",
		events: []string{`2026-11-01T10:00:00Z A d1/ {"id":9007199254740992}`, `2026-11-01T10:00:00Z A d1/ {"id":9007199254740993}`},
		spec:   `{"from":"2026-11-01","to":"2026-11-01","series":[{"event":"A","name":"all"},{"event":"A","name":"one","where":[{"property":"id","op":"gt","value":9007199254740992}]}],"breakdown":[{"property":"id"}]}`,
		want:   []string{"all 9007199254740992: 1 = 1", "all 9007199254740993: 1 = 1", "one 9007199254740992: 0 = 0", "one 9007199254740993: 1 = 1"},
	},
	{
		kind: "insights", why: "A group of fewer persons than the project shows is hidden, and with it the next smallest, or it could be subtracted.",
		events: []string{"2026-11-01T10:00:00Z A d1/ country=DE", "2026-11-01T10:00:00Z A d2/ country=DE", "2026-11-01T10:00:00Z A d3/ country=DE", "2026-11-01T10:00:00Z A d1/ country=FR",
			"2026-11-01T10:00:00Z A d4/ country=NO", "2026-11-01T10:00:00Z A d5/ country=NO"},
		spec: `{"from":"2026-11-01","to":"2026-11-01","series":[{"event":"A","name":"events"}],"breakdown":[{"property":"country"}]}`,
		env:  report.Env{MinCell: 2},
		want: []string{`events "DE": 3 = 3`, "hidden 2"},
	},
	{
		kind: "insights", why: "A silence may be longer where the project says so.",
		events: []string{"2026-11-01T10:00:00Z A d1/", "2026-11-01T11:00:00Z A d1/"},
		spec:   `{"from":"2026-11-01","to":"2026-11-01","series":[{"event":"A","measure":"sessions","name":"sessions"}]}`,
		env:    report.Env{SessionGap: time.Hour},
		want:   []string{"sessions null: 1 = 1"},
	},
}
