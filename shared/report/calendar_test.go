package report

import (
	"strings"
	"testing"
	"time"

	"loch/shared/sql"
)

func calendarAt(t *testing.T, zone, from, to string) *calendar {
	t.Helper()
	c := Common{Timezone: zone, WeekStart: time.Monday}
	var err error
	if c.From, err = time.Parse(time.DateOnly, from); err != nil {
		t.Fatal(err)
	}
	if c.To, err = time.Parse(time.DateOnly, to); err != nil {
		t.Fatal(err)
	}
	cal, err := calendarOf(&c, &Env{})
	if err != nil {
		t.Fatal(err)
	}
	return &cal
}

// TestHours tells which hours a day has where clocks are set.
func TestHours(t *testing.T) {
	for _, c := range []struct {
		zone, day, why string
		hours          int
		some           []string // hours that are there
	}{
		{"UTC", "2026-11-01", "an ordinary day", 24, []string{"2026-11-01T00:00:00Z", "2026-11-01T23:00:00Z"}},
		{"Europe/Berlin", "2026-03-29", "two o'clock is missing", 23, []string{"2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00"}},
		{"Europe/Berlin", "2026-10-25", "two o'clock comes twice", 25, []string{"2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"}},
		{"Australia/Lord_Howe", "2026-04-05", "half past one comes twice: a short hour more", 25, []string{"2026-04-05T01:00:00+11:00", "2026-04-05T01:30:00+10:30", "2026-04-05T02:00:00+10:30"}},
		{"Australia/Lord_Howe", "2026-10-04", "half an hour of two o'clock is missing", 24, []string{"2026-10-04T01:00:00+10:30", "2026-10-04T02:30:00+11:00", "2026-10-04T03:00:00+11:00"}},
		{"Asia/Kolkata", "2026-11-01", "hours begin at half past of UTC", 24, []string{"2026-11-01T00:00:00+05:30"}},
		{"America/Sao_Paulo", "2018-11-04", "the day begins at one", 23, []string{"2018-11-04T01:00:00-02:00"}},
		{"America/Sao_Paulo", "2018-02-17", "its last hour comes twice", 25, []string{"2018-02-17T23:00:00-02:00", "2018-02-17T23:00:00-03:00"}},
		{"Pacific/Apia", "2011-12-29", "the next day was left out", 24, []string{"2011-12-29T23:00:00-10:00"}},
	} {
		var labels []string
		for _, b := range calendarAt(t, c.zone, c.day, c.day).buckets(Hour) {
			labels = append(labels, b.label)
		}
		all := strings.Join(labels, " ")
		if len(labels) != c.hours {
			t.Errorf("%s %s, %s: %d hours, want %d: %s", c.zone, c.day, c.why, len(labels), c.hours, all)
		}
		for _, want := range c.some {
			if !strings.Contains(all, want) {
				t.Errorf("%s %s, %s: %s is not among %s", c.zone, c.day, c.why, want, all)
			}
		}
	}
}

// TestSpans tells when a day is where clocks are set over midnight: the moments at
// which they showed its date, even in two pieces.
func TestSpans(t *testing.T) {
	for _, c := range []struct{ zone, day, want string }{
		{"Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z to 2026-10-25T23:00:00Z"},
		{"America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00:00Z to 2018-02-18T03:00:00Z"},
		{"America/St_Johns", "2010-11-07", "2010-11-07T02:30:00Z to 2010-11-07T02:31:00Z, 2010-11-07T03:30:00Z to 2010-11-08T03:30:00Z"},
		{"Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z to 2011-12-31T10:00:00Z"},
	} {
		cal := calendarAt(t, c.zone, c.day, c.day)
		var parts []string
		for _, s := range cal.spans(cal.from, cal.to) {
			parts = append(parts, time.UnixMilli(s.from).UTC().Format(time.RFC3339)+" to "+time.UnixMilli(s.until).UTC().Format(time.RFC3339))
		}
		if got := strings.Join(parts, ", "); got != c.want {
			t.Errorf("%s %s is %s, want %s", c.zone, c.day, got, c.want)
		}
	}
	cal := calendarAt(t, "Pacific/Apia", "2011-12-30", "2011-12-30")
	if spans := cal.spans(cal.from, cal.to); len(spans) > 0 {
		t.Errorf("a day that never was is %v", spans)
	}
	c := Common{Timezone: "Pacific/Apia", From: time.UnixMilli(cal.from * dayMS).UTC(), To: time.UnixMilli(cal.to * dayMS).UTC()}
	for _, interval := range []Interval{Hour, Day, Week, Month, Total} {
		one := Insights{Common: c, Interval: interval, Series: []Series{{Events: Events{All: true}, Measure: total}}}
		if _, err := one.Compile(sql.DuckDB, Env{}); err != nil {
			t.Errorf("%s of a day that never was: %v", interval, err)
		}
	}
}

// TestWeeks tells where weeks and months are cut, also by the report's ends.
func TestWeeks(t *testing.T) {
	cal := calendarAt(t, "UTC", "2026-10-30", "2026-11-10")
	for _, c := range []struct {
		start    time.Weekday
		interval Interval
		want     string
	}{
		{time.Monday, Week, "2026-10-30..2026-11-01 2026-11-02..2026-11-08 2026-11-09..2026-11-10"},
		{time.Sunday, Week, "2026-10-30..2026-10-31 2026-11-01..2026-11-07 2026-11-08..2026-11-10"},
		{time.Friday, Week, "2026-10-30..2026-11-05 2026-11-06..2026-11-10"},
		{time.Monday, Month, "2026-10-30..2026-10-31 2026-11-01..2026-11-10"},
		{time.Monday, Total, "2026-10-30..2026-11-10"},
	} {
		cal.weekStart = c.start
		var parts []string
		for _, b := range cal.buckets(c.interval) {
			parts = append(parts, b.label+".."+dayLabel(b.lastDay))
		}
		if got := strings.Join(parts, " "); got != c.want {
			t.Errorf("%s from %s: %s, want %s", c.interval, c.start, got, c.want)
		}
	}
}

// TestLeapYearEnds holds that the last day of a leap year is a day as others are,
// in a zone whose clocks are set by a rule.
func TestLeapYearEnds(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, year := range []int{2024, 2028, 2096} {
		day := time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC).UnixMilli() / dayMS
		c := calendar{zone: zone, from: day, to: day}
		want := span{day*dayMS - hourMS, (day+1)*dayMS - hourMS}
		if got := c.spans(day, day); len(got) != 1 || got[0] != want {
			t.Errorf("the last day of %d is %v, want %v", year, got, want)
		}
	}
}
