package report

import "slices"

// Flows asks what people do next after they did something, the anchor, or what they
// did before it.
//
// A path is what one person did in one session, or in all of the report's days, as
// a row of events with the anchor at its end: step 0 is the anchor, step 1 what came
// next, or with backward what came right before. All paths together are a picture of
// nodes, an event at a step, and of links from a node to those of the next step.
//
//   - Of a path are events, page views and screen views that pass the report's
//     filters and that are not hidden. Sessions are cut before that, as the sessions
//     report does it.
//   - A session counts if it began on the report's days; it is read whole, also what
//     of it is after the last day. A person's path ends with the report's days.
//   - A session, or a person, has one path: that of the first anchor in it. The
//     anchor can come again on its path, as a step like others.
//   - With collapse, events of one name that follow each other are one step, also
//     where more of the anchor's follow it. A B A B stays what it is.
//   - A step counts with all its events before any is left out: the most frequent
//     are nodes by themselves, ties by name, and what is beyond is "(other)". An
//     event that is really called so, or "(end)", is one of the others.
//   - Whoever did nothing more goes to "(end)", and is there once: of what enters any
//     other node as much leaves it, up to the last step.
//   - Where the project hides groups of few persons, an event of fewer at a step is
//     one of the others. Links between nodes that are shown are told as they are,
//     like the steps of a funnel.
//   - A break-down takes the anchor's values. All segments have the same nodes.
type Flows struct {
	Common
	Anchor   Act
	Backward bool
	Steps    int // so many after the anchor
	Top      int // so many events of a step by themselves
	Sessions bool
	Hide     []string // names of events that are on no path
	Collapse bool
}

// The bounds of flows.
const (
	maxFlowSteps     = 10
	defaultFlowSteps = 4
	maxTop           = 50
	defaultTop       = 5
)

// The words of flows' fields.
const (
	forward    = "forward"
	backward   = "backward"
	perSession = "session"
	perPerson  = "person"
)

// ParseFlows reads a flows spec.
func ParseFlows(body []byte) (*Flows, error) {
	o, err := readSpec(body, fields("anchor", "direction", "steps", "top", "per", "hide", "collapse")...)
	if err != nil {
		return nil, err
	}
	f := &Flows{}
	if f.Common, err = readCommon(o); err != nil {
		return nil, err
	}
	if f.Anchor, err = readAct(o, "anchor"); err != nil {
		return nil, err
	}
	direction, err := o.word("direction", forward, backward)
	if err != nil {
		return nil, err
	}
	if f.Steps, err = o.whole("steps", 1, maxFlowSteps, defaultFlowSteps); err != nil {
		return nil, err
	}
	if f.Top, err = o.whole("top", 1, maxTop, defaultTop); err != nil {
		return nil, err
	}
	per, err := o.word("per", perSession, perPerson)
	if err != nil {
		return nil, err
	}
	f.Backward, f.Sessions = direction == backward, per == perSession
	if err := f.readHide(o); err != nil {
		return nil, err
	}
	f.Collapse, err = o.flag("collapse")
	return f, err
}

// readHide reads the names of events that are on no path. One of the anchor has to
// be left.
func (f *Flows) readHide(o object) error {
	items, err := o.list("hide")
	if err != nil {
		return err
	}
	if len(items) > maxEventNames {
		return wrong("hide", "at most %d names", maxEventNames)
	}
	for i, raw := range items {
		name, err := eventName(raw, item("hide", i))
		if err != nil {
			return err
		}
		f.Hide = append(f.Hide, name)
	}
	hidden := func(name string) bool { return slices.Contains(f.Hide, name) }
	if !f.Anchor.Events.All && !slices.ContainsFunc(f.Anchor.Events.Names, func(name string) bool { return !hidden(name) }) {
		return wrong("hide", "the anchor is among what is hidden, so there would be no path")
	}
	return nil
}
