package command

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// listedPerson is somebody in a list.
type listedPerson struct {
	PersonID   string  `json:"person_id"`
	FirstSeen  string  `json:"first_seen"`
	LastSeen   string  `json:"last_seen"`
	Properties members `json:"properties"`
	Geo        struct {
		Country string `json:"country"`
		City    string `json:"city"`
	} `json:"geo"`
	Device struct {
		Browser string `json:"browser"`
		OS      string `json:"os"`
	} `json:"device"`
}

func (l *listedPerson) trait(name string) json.RawMessage {
	for _, m := range l.Properties {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// table sets a list: who, when, where, with what, and the traits that are asked
// for or that most of them have. A narrow screen gets fewer columns, since a table
// is easier to look through than a list of lists.
func (p *profilesCommand) table(rows []listedPerson, width int) ([]column, [][]cell) {
	const narrowTable, wideTable = 100, 130
	wide := width == 0 || width >= wideTable
	traits := p.traits(rows)
	now := p.tools.now()
	id := "person_id"
	if p.group != "" {
		id = clean(p.group, 0)
	}
	type field struct {
		column
		of func(*listedPerson) cell
	}
	fields := []field{
		{column{name: id}, func(r *listedPerson) cell { return textCell(r.PersonID) }},
		{column{name: "last seen", whole: true}, func(r *listedPerson) cell { return since(r.LastSeen, now) }},
	}
	if width == 0 || width >= narrowTable {
		fields = append(fields, field{column{name: "first seen", whole: true}, func(r *listedPerson) cell { return since(r.FirstSeen, now) }})
	}
	if p.group == "" {
		fields = append(fields, field{column{name: "place"}, func(r *listedPerson) cell { return textCell(joined(", ", r.Geo.City, r.Geo.Country)) }})
		if wide {
			fields = append(fields, field{column{name: "device"}, func(r *listedPerson) cell { return textCell(joined(" on ", r.Device.Browser, r.Device.OS)) }})
		}
	}
	most := 4
	if !wide {
		most = 3
	}
	for _, name := range traits[:min(len(traits), most)] {
		fields = append(fields, field{column{name: clean(name, 0)}, func(r *listedPerson) cell {
			if v := r.trait(name); v != nil {
				return valueCell(v)
			}
			return textCell("")
		}})
	}
	columns := make([]column, len(fields))
	cells := make([][]cell, len(rows))
	for i, f := range fields {
		columns[i] = f.column
		for j := range rows {
			cells[j] = append(cells[j], f.of(&rows[j]))
		}
	}
	return columns, cells
}

// since is how long ago somebody was seen.
func since(text string, now time.Time) cell {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return textCell("")
	}
	if words := ago(t, now); words != "" {
		return cell{text: words}
	}
	return cell{text: t.UTC().Format("2006-01-02 15:04")}
}

// traits chooses which have a column: who they are, if that is shown; those that
// the filters name; then those that most have, but not what every SDK adds.
func (p *profilesCommand) traits(rows []listedPerson) []string {
	have := map[string]int{}
	var names []string
	for i := range rows {
		for _, m := range rows[i].Properties {
			if have[m.name]++; have[m.name] == 1 {
				names = append(names, m.name)
			}
		}
	}
	where := strings.Join(p.where, " ")
	rank := func(name string) int {
		switch {
		case p.pii && (name == "$name" || name == "name"):
			return -3
		case p.pii && (name == "$email" || name == "email"):
			return -2
		case strings.Contains(where, name):
			return -1
		case strings.HasPrefix(name, "$") || strings.HasPrefix(name, "initial_"):
			return len(rows) + 1
		}
		return len(rows) - have[name]
	}
	slices.SortStableFunc(names, func(a, b string) int { return rank(a) - rank(b) })
	names = slices.DeleteFunc(names, func(name string) bool { return rank(name) > len(rows) })
	return names
}
