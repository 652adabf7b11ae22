package report

import (
	"slices"
	"strings"
)

func (f *Funnel) readSteps(o object) error {
	items, err := o.list("steps")
	if err != nil {
		return err
	}
	if len(items) < 2 || len(items) > maxSteps {
		return wrong("steps", `it must be a list of 2 to %d steps, such as [{"event": "Sign Up"}, {"event": "Purchase"}]`, maxSteps)
	}
	for i, raw := range items {
		place := item("steps", i)
		step, err := readStep(raw, place)
		if err != nil {
			return err
		}
		if len(step.Any) > maxAlternatives {
			return wrong(place+".any", "a step has at most %d alternatives", maxAlternatives)
		}
		f.Steps = append(f.Steps, step)
	}
	return nil
}

// readStep reads a step. One within another's "any" is joined with its neighbours.
func readStep(raw []byte, place string) (s Step, err error) {
	o, err := readObject(raw, place, "event", "where", "any", "name")
	if err != nil {
		return s, err
	}
	if s.Name, _, err = o.text("name"); err != nil {
		return s, err
	}
	if len(s.Name) > maxName {
		return s, wrong(o.at("name"), "a name has at most %d bytes", maxName)
	}
	if !o.has("any") {
		a, err := readAlternative(o)
		s.Any = []Alternative{a}
		if s.Name == "" {
			s.Name = a.Events.given()
		}
		return s, err
	}
	for _, name := range []string{"event", "where"} {
		if o.has(name) {
			return s, wrong(o.at(name), `it belongs into the steps of "any"`)
		}
	}
	items, err := o.list("any")
	if err != nil {
		return s, err
	}
	if len(items) == 0 || len(items) > maxAlternatives {
		return s, wrong(o.at("any"), "it must be a list of 1 to %d steps", maxAlternatives)
	}
	var names []string
	for i, raw := range items {
		one, err := readStep(raw, item(o.at("any"), i))
		if err != nil {
			return s, err
		}
		names = append(names, one.Name)
		s.Any = append(s.Any, one.Any...)
	}
	if s.Name == "" {
		s.Name = strings.Join(names, " or ")
	}
	return s, nil
}

func readAlternative(o object) (a Alternative, err error) {
	if a.Events, err = readEvents(o, "event"); err != nil {
		return a, err
	}
	a.Where, err = readWhere(o)
	return a, err
}

// given is the name of events that were not given one.
func (e Events) given() string {
	if e.All {
		return "any event"
	}
	return strings.Join(e.Names, " or ")
}

// meets tells whether an event could serve both steps, as far as names tell.
func (s *Step) meets(o *Step) bool {
	for _, a := range s.Any {
		for _, b := range o.Any {
			if a.Events.All || b.Events.All || slices.ContainsFunc(a.Events.Names, func(n string) bool { return slices.Contains(b.Events.Names, n) }) {
				return true
			}
		}
	}
	return false
}

// families are the steps in groups: no event can serve steps of two.
func (f *Funnel) families() [][]int {
	var list [][]int
	for i := range f.Steps {
		mine := []int{i}
		var others [][]int
		for _, family := range list {
			if slices.ContainsFunc(family, func(j int) bool { return f.Steps[i].meets(&f.Steps[j]) }) {
				mine = append(mine, family...)
			} else {
				others = append(others, family)
			}
		}
		slices.Sort(mine)
		list = append(others, mine)
	}
	return list
}

// overlap refuses what would have to try too many ways to let events serve steps.
func (f *Funnel) overlap() error {
	most := maxOverlap
	switch f.Order {
	case strict: // events stand in one order
		return nil
	case anyOrder:
		most = 1
	}
	for _, family := range f.families() {
		switch {
		case len(family) <= most:
		case f.Order == anyOrder:
			return wrong(item("steps", family[1]), "steps in any order must be of different events; this one can be the event of steps[%d]", family[0])
		default:
			return wrong(item("steps", family[most]), "at most %d steps can be of the same events", most)
		}
	}
	return nil
}
