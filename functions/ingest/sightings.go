package ingest

import (
	"slices"
	"strings"

	"loch/shared/event"
	"loch/shared/profile"
	"loch/shared/project"
)

// sightings are who was seen in events: each person once, by all that the events tell
// of them.
type sightings struct {
	list []profile.Sighting
	at   map[sighted]int // where somebody is
}

type sighted struct{ project, id string }

// add joins what a row tells. Bots are nobody's visit.
func (s *sightings) add(row *event.Row, device profile.DeviceInfo) {
	id := personOf(row)
	if id == "" || row.IsBot {
		return
	}
	who := sighted{row.Project, id}
	told := profile.SeenAt(row.TimeMS, placeOf(row), device, arrivalOf(row))
	if at, again := s.at[who]; again {
		s.list[at].Seen = s.list[at].Join(told)
		return
	}
	if s.at == nil {
		s.at = map[sighted]int{}
	}
	s.at[who] = len(s.list)
	s.list = append(s.list, profile.Sighting{Project: row.Project, ID: id, Seen: told})
}

// Recall tells who was seen in rows that are kept. A store may let sightings wait in
// memory; after a crash it learns them again from the log. What it knows already
// changes nothing. It must drop who was deleted after the rows were received. The device of a request is not in its rows, so it is left out.
func Recall(rows []event.Row, settings func(projectID string) project.Settings) []profile.Sighting {
	var seen sightings
	for i := range rows {
		row := &rows[i]
		if slices.Contains(strings.Split(row.Flags, ","), event.FlagNoProfile) ||
			row.UserID == "" && settings(row.Project).Privacy.Cookieless {
			continue
		}
		seen.add(row, profile.DeviceInfo{})
	}
	return seen.list
}
