package reporttest

import (
	"fmt"
	"slices"
	"strings"

	"loch/shared/report"
)

// walk makes the events of one person on a device, a minute apart from ten o'clock:
// "A B" is an A and then a B.
func walk(device, names string) (events []string) {
	for i, name := range strings.Fields(names) {
		events = append(events, fmt.Sprintf("2026-11-02T10:%02d:00Z %s %s/", i, name, device))
	}
	return events
}

// flowsExamples are paths followed by hand. An answer is told as a line for each
// step of each segment, with the nodes, and one with the links from there.
var flowsExamples = []example{
	{
		kind: "flows", why: "What comes next, and next; whoever did nothing more ends, once.",
		events: slices.Concat(walk("d1", "X S A B"), walk("d2", "S A"), walk("d3", "S B"), walk("d4", "A B")),
		spec:   oneDay + `,"anchor":{"event":"S"},"steps":3}`,
		want:   []string{"0: S 3", "   S>A 2, S>B 1", "1: A 2, B 1", "   A>B 1, A>(end) 1, B>(end) 1", "2: B 1, (end) 2", "   B>(end) 1", "3: (end) 1"},
	},
	{
		kind: "flows", why: "Backward is what came before, the nearest first.",
		events: slices.Concat(walk("d1", "A B S C"), walk("d2", "B S")),
		spec:   oneDay + `,"anchor":{"event":"S"},"direction":"backward","steps":2}`,
		want:   []string{"0: S 2", "   S>B 2", "1: B 2", "   B>A 1, B>(end) 1", "2: A 1, (end) 1"},
	},
	{
		kind: "flows", why: "The first anchor of a session is where its path begins; another one is a step like others.",
		events: walk("d1", "S A S B"),
		spec:   oneDay + `,"anchor":{"event":"S"},"steps":3}`,
		want:   []string{"0: S 1", "   S>A 1", "1: A 1", "   A>S 1", "2: S 1", "   S>B 1", "3: B 1"},
	},
	{
		kind: "flows", why: "Backward from the first anchor too, not from one after it.",
		events: walk("d1", "A S B S"),
		spec:   oneDay + `,"anchor":{"event":"S"},"direction":"backward","steps":2}`,
		want:   []string{"0: S 1", "   S>A 1", "1: A 1", "   A>(end) 1", "2: (end) 1"},
	},
	{
		kind: "flows", why: "Joined are neighbours only: A B A B stays what it is, A A B B is A B.",
		events: slices.Concat(walk("d1", "S A B A B"), walk("d2", "S A A B B")),
		spec:   oneDay + `,"anchor":{"event":"S"},"steps":4,"collapse":true}`,
		want:   []string{"0: S 2", "   S>A 2", "1: A 2", "   A>B 2", "2: B 2", "   B>A 1, B>(end) 1", "3: A 1, (end) 1", "   A>B 1", "4: B 1"},
	},
	{
		kind: "flows", why: "Without that each event is a step.",
		events: walk("d1", "S S A A"),
		spec:   oneDay + `,"anchor":{"event":"S"},"steps":3}`,
		want:   []string{"0: S 1", "   S>S 1", "1: S 1", "   S>A 1", "2: A 1", "   A>A 1", "3: A 1"},
	},
	{
		kind: "flows", why: "What is hidden is on no path, and what it stood between are neighbours.",
		events: walk("d1", "S A Beat A B"),
		spec:   oneDay + `,"anchor":{"event":"S"},"steps":2,"collapse":true,"hide":["Beat"]}`,
		want:   []string{"0: S 1", "   S>A 1", "1: A 1", "   A>B 1", "2: B 1"},
	},
	{
		kind: "flows", why: "A hidden event holds a session together all the same.",
		events: []string{"2026-11-02T10:00:00Z S d1/", "2026-11-02T10:20:00Z Beat d1/", "2026-11-02T10:40:00Z A d1/"},
		spec:   oneDay + `,"anchor":{"event":"S"},"steps":1,"hide":["Beat"]}`,
		want:   []string{"0: S 1", "   S>A 1", "1: A 1"},
	},
	{
		kind: "flows", why: "A session ends a path, a person goes on after it.",
		events: []string{"2026-11-02T10:00:00Z S d1/", "2026-11-02T12:00:00Z A d1/"},
		spec:   oneDay + `,"anchor":{"event":"S"},"steps":1}`,
		want:   []string{"0: S 1", "   S>(end) 1", "1: (end) 1"},
	},
	{
		kind: "flows", why: "Per person there is one path, over all sessions of the report's days.",
		events: []string{"2026-11-01T10:00:00Z S d1/", "2026-11-02T10:00:00Z S d1/", "2026-11-02T12:00:00Z A d1/", "2026-11-02T23:59:00Z B d1/", "2026-11-03T00:01:00Z C d1/"},
		spec:   oneDay + `,"anchor":{"event":"S"},"steps":3,"per":"person"}`,
		want:   []string{"0: S 1", "   S>A 1", "1: A 1", "   A>B 1", "2: B 1", "   B>(end) 1", "3: (end) 1"},
	},
	{
		kind: "flows", why: "A session is of the day on which it began: read whole after the last day, left out where it began before the first.",
		events: []string{"2026-11-01T23:50:00Z X d1/", "2026-11-02T00:10:00Z S d1/", "2026-11-02T23:50:00Z X d2/", "2026-11-03T00:10:00Z S d2/", "2026-11-03T00:20:00Z A d2/"},
		spec:   oneDay + `,"anchor":{"event":"S"},"steps":1}`,
		want:   []string{"0: S 1", "   S>A 1", "1: A 1"},
	},
	{
		kind: "flows", why: "Each step is counted before it is cut: its most frequent event is a node, ties by name, the rest is one, from which paths go on.",
		events: slices.Concat(walk("d1", "S A X"), walk("d2", "S B X"), walk("d3", "S C Y"), walk("d4", "S C Y")),
		spec:   oneDay + `,"anchor":{"event":"S"},"steps":2,"top":1}`,
		want:   []string{"0: S 4", "   S>C 2, S>(other) 2", "1: C 2, (other) 2", "   C>(other) 2, (other)>X 2", "2: X 2, (other) 2"},
	},
	{
		kind: "flows", why: "An event that is called (end) or (other) is one of the others.",
		events: slices.Concat(walk("d1", "S (end) A"), walk("d2", "S (other)"), walk("d3", "S")),
		spec:   oneDay + `,"anchor":{"event":"S"},"steps":2}`,
		want:   []string{"0: S 3", "   S>(other) 2, S>(end) 1", "1: (other) 2, (end) 1", "   (other)>A 1, (other)>(end) 1", "2: A 1, (end) 1"},
	},
	{
		kind: "flows", why: "Filters say what is on a path; the anchor's own say which can be the anchor.",
		events: []string{`2026-11-02T10:00:00Z S d1/ {"p":1}`, `2026-11-02T10:01:00Z S d1/ {"p":1,"q":2}`, `2026-11-02T10:02:00Z A d1/`, `2026-11-02T10:03:00Z S d1/ {"p":1}`},
		spec:   oneDay + `,"anchor":{"event":"S","where":[{"property":"q","op":"eq","value":2}]},"steps":1,"where":[{"property":"p","op":"eq","value":1}]}`,
		want:   []string{"0: S 1", "   S>S 1", "1: S 1"},
	},
	{
		kind: "flows", why: "A break-down takes the anchor's value; the nodes are those of all together.",
		events: []string{"2026-11-02T10:00:00Z S d1/ country=DE", "2026-11-02T10:01:00Z A d1/ country=FR", "2026-11-02T10:00:00Z S d2/ country=FR", "2026-11-02T10:01:00Z B d2/ country=FR",
			"2026-11-02T10:00:00Z S d3/ country=DE", "2026-11-02T10:01:00Z A d3/ country=DE"},
		spec: oneDay + `,"anchor":{"event":"S"},"steps":1,"top":1,"breakdown":[{"property":"country"}]}`,
		want: []string{"0: S 3", "   S>A 2, S>(other) 1", "1: A 2, (other) 1", `"DE"`, "0: S 2", "   S>A 2", "1: A 2", `"FR"`, "0: S 1", "   S>(other) 1", "1: (other) 1"},
	},
	{
		kind: "flows", why: "An event of fewer persons than the project shows is one of the others.",
		events: slices.Concat(walk("d1", "S A"), walk("d2", "S A"), walk("d3", "S B")),
		spec:   oneDay + `,"anchor":{"event":"S"},"steps":1}`, env: report.Env{MinCell: 2},
		want: []string{"0: S 3", "   S>A 2, S>(other) 1", "1: A 2, (other) 1"},
	},
	{
		kind: "flows", why: "So is one of many sessions of one person.",
		events: []string{"2026-11-02T10:00:00Z S d1/", "2026-11-02T10:01:00Z A d1/", "2026-11-02T12:00:00Z S d1/", "2026-11-02T12:01:00Z A d1/",
			"2026-11-02T10:00:00Z S d2/", "2026-11-02T10:01:00Z B d2/", "2026-11-02T10:00:00Z S d3/", "2026-11-02T10:01:00Z B d3/"},
		spec: oneDay + `,"anchor":{"event":"S"},"steps":1}`, env: report.Env{MinCell: 2},
		want: []string{"0: S 4", "   S>B 2, S>(other) 2", "1: B 2, (other) 2"},
	},
	{
		kind: "flows", why: "Of too few persons nothing is told.",
		events: walk("d1", "S A"),
		spec:   oneDay + `,"anchor":{"event":"S"},"steps":1}`, env: report.Env{MinCell: 2},
		want: []string{"hidden 1"},
	},
}

// tellFlows writes an answer in lines.
func tellFlows(answer any) (told []string) {
	told = tellPaths(answer.(object))
	if segments, ok := answer.(object)["segments"]; ok {
		for _, s := range segments.([]any) {
			told = append(append(told, written(s.(object)["segment"])), tellPaths(s.(object))...)
		}
	}
	if hidden, ok := answer.(object)["hidden"]; ok {
		told = append(told, fmt.Sprintf("hidden %v", hidden))
	}
	return told
}

func tellPaths(o object) (told []string) {
	for step := 0; ; step++ {
		number := fmt.Sprint(step)
		var nodes, links []string
		for _, one := range o["nodes"].([]any) {
			if n := one.(object); written(n["step"]) == number {
				nodes = append(nodes, fmt.Sprintf("%s %s", n["event"], n["count"]))
			}
		}
		if len(nodes) == 0 {
			return told
		}
		for _, one := range o["links"].([]any) {
			if l := one.(object); written(l["step"]) == number {
				links = append(links, fmt.Sprintf("%s>%s %s", l["from"], l["to"], l["count"]))
			}
		}
		told = append(told, number+": "+strings.Join(nodes, ", "))
		if len(links) > 0 {
			told = append(told, "   "+strings.Join(links, ", "))
		}
	}
}
