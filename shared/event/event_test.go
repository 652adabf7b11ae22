package event_test

import (
	"strings"
	"testing"
	"time"

	"loch/shared/event"
)

// Every column has the one accessor that fits its type, and a name of its own.
func TestColumns(t *testing.T) {
	seen := map[string]bool{}
	fields := map[any]string{}
	var row event.Row
	for _, c := range event.Columns {
		if seen[c.Name] || c.Name != strings.ToLower(c.Name) {
			t.Errorf("column name %q", c.Name)
		}
		seen[c.Name] = true
		var field any
		switch c.Type {
		case event.Text, event.JSON, event.Date:
			field = c.Str(&row)
		case event.Int, event.Time:
			field = c.Num(&row)
		case event.Float:
			field = c.Flt(&row)
		case event.Bool:
			field = c.Flag(&row)
		}
		if other, ok := fields[field]; ok {
			t.Errorf("%s and %s are one field", c.Name, other)
		}
		fields[field] = c.Name
	}
	const want = 56
	if len(event.Columns) != want {
		t.Errorf("%d columns, want %d: raise SchemaVersion when the columns change", len(event.Columns), want)
	}
}

func TestValidateTimes(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	ms := func(d time.Duration) int64 { return now.Add(d).UnixMilli() }
	for _, c := range []struct {
		name   string
		timeMS int64
		rules  event.Rules
		reason event.Reason
		want   int64
		source string
	}{
		{"now", ms(0), event.Rules{}, "", ms(0), event.TimeOfClient},
		{"a year ago", ms(-365 * 24 * time.Hour), event.Rules{}, "", ms(-365 * 24 * time.Hour), event.TimeOfClient},
		{"six days ago, five kept", ms(-6 * 24 * time.Hour), event.Rules{MaxAge: 5 * 24 * time.Hour}, event.ReasonBadTime, 0, ""},
		{"before 1971", 1000, event.Rules{}, event.ReasonBadTime, 0, ""},
		{"a little ahead", ms(30 * time.Minute), event.Rules{}, "", ms(30 * time.Minute), event.TimeOfClient},
		{"a day ahead", ms(24 * time.Hour), event.Rules{}, "", ms(0), event.TimeOfReceipt},
		{"a day ahead, refused", ms(24 * time.Hour), event.Rules{RejectFuture: true}, event.ReasonBadTime, 0, ""},
	} {
		e := event.Event{Row: event.Row{Name: "e", TimeMS: c.timeMS, TimeSource: event.TimeOfClient}}
		reason, _ := event.Validate(&e, now, c.rules)
		if reason != c.reason {
			t.Errorf("%s: reason %q, want %q", c.name, reason, c.reason)
		}
		if reason == "" && (e.Row.TimeMS != c.want || e.Row.TimeSource != c.source || e.Row.Date == "") {
			t.Errorf("%s: got %d from %s", c.name, e.Row.TimeMS, e.Row.TimeSource)
		}
		if c.name == "a day ahead" && (e.Row.SkewMS != -(24*time.Hour).Milliseconds() || e.Row.Flags != event.FlagFutureTime) {
			t.Errorf("%s: skew %d flags %q", c.name, e.Row.SkewMS, e.Row.Flags)
		}
	}
	missing := event.Event{Row: event.Row{Name: "e"}}
	if reason, field := event.Validate(&missing, now, event.Rules{RequireTime: true}); reason != event.ReasonMissingField || field != "properties.time" {
		t.Errorf("no time: %q %q", reason, field)
	}
	for name, want := range map[string]event.Reason{"": event.ReasonMissingField, strings.Repeat("é", 255): "", strings.Repeat("é", 256): event.ReasonNameTooLong} {
		e := event.Event{Row: event.Row{Name: name}}
		if reason, _ := event.Validate(&e, now, event.Rules{}); reason != want {
			t.Errorf("a name of %d bytes: %q, want %q", len(name), reason, want)
		}
	}
}

func TestFindGroups(t *testing.T) {
	e := event.Event{Properties: []byte(`{"plan":"pro","company":["acme",7],"team":"red","none":null}`)}
	event.FindGroups(&e, []string{"company", "team", "none"})
	if len(e.IDs.Groups) != 3 || e.IDs.Groups[1] != (event.Group{Key: "company", ID: "7"}) || len(e.IDSpans) != 3 {
		t.Fatalf("groups %v, places %v", e.IDs.Groups, e.IDSpans)
	}
	for _, s := range e.IDSpans {
		if got := strings.Trim(string(e.Properties[s.Start:s.End]), `"`); got != s.ID.Value {
			t.Errorf("place of %q holds %q", s.ID.Value, got)
		}
	}
}
