package ingest

import (
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"loch/shared/event"
	"loch/shared/profile"
	"loch/shared/rawjson"
	"loch/shared/vault"
)

const (
	maxImportLine = 1 << 20
	maxLineDepth  = 64
)

// line is what a line may say. Members that are not known are passed over: exports
// of other products have their own.
type line struct {
	PersonID   string             `json:"person_id"`
	DistinctID string             `json:"distinct_id"`
	MixpanelID string             `json:"$distinct_id"`
	GroupKey   string             `json:"group_key"`
	Properties json.RawMessage    `json:"properties"`
	Mixpanel   json.RawMessage    `json:"$properties"`
	FirstSeen  *time.Time         `json:"first_seen"`
	LastSeen   *time.Time         `json:"last_seen"`
	Geo        profile.Place      `json:"geo"`
	Device     profile.DeviceInfo `json:"device"`
	Arrival    profile.Arrival    `json:"first_arrival"`
}

func refuse(reason event.Reason, field string) *event.Rejection {
	return &event.Rejection{Reason: reason, Field: field}
}

// readLine reads one profile: whom it is about, what to set, and when they were seen,
// which is in no future: whoever had it would stand above everybody in every list.
func readLine(text []byte, now time.Time) (u profile.Update, seen profile.Seen, refused *event.Rejection) {
	if len(text) > maxImportLine {
		return u, seen, refuse(event.ReasonTooLarge, "")
	}
	c := rawjson.Cursor{Buf: text, MaxDepth: maxLineDepth}
	_, err := c.Value()
	if !utf8.Valid(text) || err != nil || !c.End() || text[0] != '{' {
		return u, seen, refuse(event.ReasonUndecodable, "")
	}
	var l line
	if json.Unmarshal(text, &l) != nil {
		return u, seen, refuse(event.ReasonWrongType, "")
	}
	if refused = whom(&u, &l); refused != nil {
		return u, seen, refused
	}
	properties, field := l.Properties, "properties"
	if properties == nil {
		properties, field = l.Mixpanel, "$properties"
	}
	if u.Ops, refused = setAll(properties, field); refused != nil {
		return u, seen, refused
	}
	seen = profile.Seen{Place: l.Geo, Device: l.Device, Arrival: l.Arrival}
	if l.FirstSeen != nil {
		seen.FirstMS = l.FirstSeen.UnixMilli()
	}
	if l.LastSeen != nil {
		seen.LastMS = l.LastSeen.UnixMilli()
	}
	latest := now.Add(event.AllowedAhead).UnixMilli()
	switch {
	case seen.LastMS < 0 || seen.LastMS > latest:
		return u, seen, refuse(event.ReasonBadTime, "last_seen")
	case seen.FirstMS < 0 || seen.FirstMS > latest || seen.FirstMS > seen.LastMS && seen.LastMS != 0:
		return u, seen, refuse(event.ReasonBadTime, "first_seen")
	}
	return u, seen, nil
}

// whom reads the id: the lake id that an export of Loch has, or the website's own.
func whom(u *profile.Update, l *line) *event.Rejection {
	id := l.DistinctID
	if id == "" {
		id = l.MixpanelID
	}
	u.GroupKey = l.GroupKey
	switch {
	case len(l.GroupKey) > event.MaxIDBytes || strings.IndexByte(l.GroupKey, 0) >= 0:
		return refuse(event.ReasonBadID, "group_key")
	case len(id) > event.MaxIDBytes || strings.IndexByte(id, 0) >= 0:
		return refuse(event.ReasonBadID, "distinct_id")
	case id != "" && l.PersonID != "":
		return refuse(event.ReasonBadID, "person_id")
	case l.PersonID != "":
		if !vault.IsID(l.PersonID) {
			return refuse(event.ReasonBadID, "person_id")
		}
		u.ID = l.PersonID
	case id == "":
		return refuse(event.ReasonMissingField, "distinct_id")
	case l.GroupKey == "" && event.NamesNobody(id):
		return refuse(event.ReasonBadID, "distinct_id")
	default:
		u.ClearID, u.Device = id, false
		if device, ok := strings.CutPrefix(id, "$device:"); ok && l.GroupKey == "" {
			u.ClearID, u.Device = device, true
		}
	}
	return nil
}

// setAll makes a $set of each property, its value digit for digit.
func setAll(object json.RawMessage, field string) (ops []profile.Op, refused *event.Rejection) {
	if object == nil {
		return nil, nil
	}
	c := rawjson.Cursor{Buf: object, MaxDepth: maxLineDepth}
	if !c.Open(rawjson.Object) {
		return nil, refuse(event.ReasonWrongType, field)
	}
	for first := true; ; first = false {
		more, err := c.More(first, '}')
		if err != nil || !more {
			return ops, nil
		}
		quoted, err := c.Name()
		if err != nil {
			return nil, refuse(event.ReasonUndecodable, field)
		}
		start, err := c.Value()
		if err != nil {
			return nil, refuse(event.ReasonUndecodable, field)
		}
		name := rawjson.Text(quoted)
		if name == "" || utf8.RuneCountInString(name) > event.MaxNameRunes {
			return nil, refuse(event.ReasonNameTooLong, field)
		}
		if len(ops) == profile.MaxTraits {
			return nil, refuse(event.ReasonTooManyProps, field)
		}
		value, _ := rawjson.Clean(object[start:c.Pos])
		ops = append(ops, profile.Op{Kind: profile.Set, Name: name, Value: value})
	}
}
