package main

import (
	"fmt"
	"strings"
	"time"
)

// uniqueness says how many people the rows single out without naming them. Who
// knows such facts about somebody from elsewhere finds their row: this is what no
// sealing takes away.
type uniqueness struct {
	Persons      int `json:"persons"`
	ByCell       int `json:"by_country_browser_os_day"` // alone in some country, browser, os and day
	ByMinute     int `json:"by_one_minute"`             // alone in some minute
	ByThreePages int `json:"by_three_pages_and_hours"`  // alone with the first three pages and their hours
}

func (e *evidence) uniqueness() uniqueness {
	cells, minutes := map[string]map[string]bool{}, map[string]map[string]bool{}
	first := map[string][]string{}
	persons := map[string]bool{}
	put := func(m map[string]map[string]bool, k, who string) {
		if m[k] == nil {
			m[k] = map[string]bool{}
		}
		m[k][who] = true
	}
	user := map[string]string{} // device to the user it was seen with
	for i := range e.rows {
		if r := &e.rows[i]; r.user != "" && r.device != "" && user[r.device] == "" {
			user[r.device] = r.user
		}
	}
	for i := range e.rows {
		r := &e.rows[i]
		who := r.user
		if who == "" {
			who = r.device
			if u := user[who]; u != "" {
				who = u
			}
		}
		if who == "" {
			continue
		}
		persons[who] = true
		put(cells, strings.Join([]string{r.country, r.browser, r.os, r.date}, "|"), who)
		put(minutes, fmt.Sprint(r.timeMS/60_000), who)
		if r.path != "" && len(first[who]) < 3 {
			first[who] = append(first[who], fmt.Sprint(r.path, r.timeMS/time.Hour.Milliseconds()))
		}
	}
	pages := map[string]map[string]bool{}
	for who, list := range first {
		if len(list) == 3 {
			put(pages, strings.Join(list, "|"), who)
		}
	}
	return uniqueness{len(persons), alone(cells), alone(minutes), alone(pages)}
}

// alone counts those who are the only one in some cell.
func alone(cells map[string]map[string]bool) int {
	single := map[string]bool{}
	for _, people := range cells {
		if len(people) == 1 {
			for who := range people {
				single[who] = true
			}
		}
	}
	return len(single)
}

// structure looks for an order in lake ids. Random ones rise and fall alike and
// share no beginnings; ids that grow with time tell who came when.
func (e *evidence) structure() []string {
	seen := map[string]bool{}
	var ids []string
	for i := range e.rows {
		for _, id := range []string{e.rows[i].device, e.rows[i].user} {
			if id != "" && !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
	}
	if len(ids) < 200 {
		return nil
	}
	var notes []string
	beginnings, odd := map[string]bool{}, 0
	for _, id := range ids {
		if !isLakeID(id) {
			odd++
		}
		beginnings[id[:min(4, len(id))]] = true
	}
	if odd > 0 {
		notes = append(notes, fmt.Sprintf("%d of %d ids in the lake are not 32 hexadecimal digits", odd, len(ids)))
	}
	// Of n random beginnings out of 65 536, n·(1 − n/131 072) differ.
	if n := float64(len(ids)); n < 20_000 && float64(len(beginnings)) < n*(1-n/131_072)*0.9 {
		notes = append(notes, fmt.Sprintf("lake ids share their beginnings: %d of %d differ", len(beginnings), len(ids)))
	}
	return notes
}
