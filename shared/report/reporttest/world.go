package reporttest

import (
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"loch/shared/event"
	"loch/shared/profile"
	"loch/shared/report"
)

// happened is an event as the oracle sees it.
type happened struct {
	row        *event.Row
	person     string // "" where it names nobody
	properties map[string]any
	profile    *profile.Snapshot // nil where there is none
	traits     map[string]any
}

// world is all that a project holds, in the order of events: by time, then by when
// they arrived, then by id.
type world struct {
	env    report.Env
	events []happened
}

// worldOf finds out whose each event is. A device's first link, by when it
// arrived, is the user of all its rows that have none.
func worldOf(set Set, env report.Env) *world {
	w := &world{env: env}
	links := map[string]*event.Row{}
	for i := range set.Rows {
		r := &set.Rows[i]
		if r.DeviceID == "" || r.UserID == "" {
			continue
		}
		if first := links[r.DeviceID]; first == nil || earlier(r, first) {
			links[r.DeviceID] = r
		}
	}
	profiles := map[string]*profile.Snapshot{}
	for i := range set.Profiles {
		p := &set.Profiles[i]
		if newest := profiles[p.PersonID]; newest == nil || p.SnapshotMS > newest.SnapshotMS {
			profiles[p.PersonID] = p
		}
	}
	for i := range set.Rows {
		r := &set.Rows[i]
		h := happened{row: r, person: r.UserID, properties: decode(r.Properties).(map[string]any)}
		if h.person == "" && links[r.DeviceID] != nil {
			h.person = links[r.DeviceID].UserID
		}
		if h.person == "" {
			h.person = r.DeviceID
		}
		if p := profiles[h.person]; p != nil && !p.Gone && p.GroupKey == "" {
			h.profile, h.traits = p, decode(p.Traits).(map[string]any)
		}
		w.events = append(w.events, h)
	}
	slices.SortStableFunc(w.events, func(a, b happened) int {
		if a.row.TimeMS != b.row.TimeMS {
			return int(a.row.TimeMS - b.row.TimeMS)
		}
		if a.row.ReceivedTimeMS != b.row.ReceivedTimeMS {
			return int(a.row.ReceivedTimeMS - b.row.ReceivedTimeMS)
		}
		return strings.Compare(a.row.InsertID, b.row.InsertID)
	})
	return w
}

func earlier(a, b *event.Row) bool {
	if a.ReceivedTimeMS != b.ReceivedTimeMS {
		return a.ReceivedTimeMS < b.ReceivedTimeMS
	}
	if a.TimeMS != b.TimeMS {
		return a.TimeMS < b.TimeMS
	}
	if a.BatchIndex != b.BatchIndex {
		return a.BatchIndex < b.BatchIndex
	}
	return a.UserID < b.UserID
}

// get is the value of a property: nil where it is missing, a text, a json.Number,
// a bool, a list, an object, or a time.Time. An event that did not happen has none.
func (h *happened) get(name string) any {
	if h.row == nil {
		return nil
	}
	if rest, ok := strings.CutPrefix(name, "profile."); ok {
		return h.ofProfile(rest)
	}
	if rest, ok := strings.CutPrefix(name, "properties."); ok {
		return within(h.properties, rest)
	}
	if name == "person_id" {
		return texted(h.person)
	}
	for _, c := range event.Columns {
		if c.Name != name || c.Type == event.JSON {
			continue
		}
		switch c.Type {
		case event.Text, event.Date:
			return texted(*c.Str(h.row))
		case event.Int:
			if n := *c.Num(h.row); n != 0 || !c.Nullable {
				return json.Number(strconv.FormatInt(n, 10))
			}
		case event.Float:
			if f := *c.Flt(h.row); f == f {
				return json.Number(strconv.FormatFloat(f, 'f', -1, 64))
			}
		case event.Bool:
			return *c.Flag(h.row)
		case event.Time:
			return moments(*c.Num(h.row))
		case event.JSON:
		}
		return nil
	}
	return within(h.properties, name)
}

func (h *happened) ofProfile(name string) any {
	if h.profile == nil {
		return nil
	}
	switch name {
	case "person_id":
		return texted(h.profile.PersonID)
	case "first_seen":
		return moments(h.profile.FirstMS)
	case "last_seen":
		return moments(h.profile.LastMS)
	case "updated":
		return moments(h.profile.UpdatedMS)
	}
	if i := slices.Index(profile.SeenTexts, name); i >= 0 {
		return texted(*h.profile.Seen.Texts()[i])
	}
	return within(h.traits, strings.TrimPrefix(name, "properties."))
}

func texted(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func moments(ms int64) any {
	if ms == 0 {
		return nil
	}
	return time.UnixMilli(ms).UTC()
}

// within follows dots, after a member that has them in its name.
func within(o map[string]any, name string) any {
	if v, ok := o[name]; ok {
		return v
	}
	var v any = o
	for part := range strings.SplitSeq(name, ".") {
		below, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = below[part]
	}
	return v
}

// active tells that it is something somebody did.
func (h *happened) active() bool {
	return h.row.Kind == event.KindEvent || h.row.Kind == event.KindPage || h.row.Kind == event.KindScreen
}

// is tells whether it is what an "event" field asks for.
func (h *happened) is(asked any) bool {
	switch asked := asked.(type) {
	case string:
		return asked == "*" && h.active() || asked == h.row.Name
	case map[string]any:
		return slices.ContainsFunc(asked["any"].([]any), h.is)
	}
	return false
}

// measured is a value as a number of 9 digits behind the point, nil where it is
// none or 10^18 and more.
func measured(v any) *big.Rat {
	number, ok := v.(json.Number)
	if !ok {
		return nil
	}
	r, _ := new(big.Rat).SetString(string(number))
	r = rounded(r)
	if new(big.Rat).Abs(r).Cmp(new(big.Rat).SetInt64(1_000_000_000_000_000_000)) >= 0 {
		return nil
	}
	return r
}

// rounded rounds half away from zero to 9 digits.
func rounded(r *big.Rat) *big.Rat {
	out, _ := new(big.Rat).SetString(r.FloatString(9))
	return out
}

// segment is the value that a break-down shows.
func segment(v any) any {
	switch v := v.(type) {
	case nil:
		return "(not set)"
	case string:
		if v == "" {
			return "(empty)"
		}
		return v
	case json.Number:
		r, _ := new(big.Rat).SetString(string(v))
		return rounded(r)
	case bool:
		return v
	case []any:
		return "(list)"
	}
	return "(object)"
}

// name is a segment as texts that sort and tell apart.
func segmentName(v any) (name, of string) {
	switch v := v.(type) {
	case string:
		return v, "t"
	case *big.Rat:
		return v.FloatString(9), "n"
	case bool:
		return strconv.FormatBool(v), "b"
	}
	panic("no segment")
}
