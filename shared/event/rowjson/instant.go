package rowjson

import "time"

// The instants that have four digits of a year.
const (
	firstMS = -62135596800000 // 0001-01-01T00:00:00.000Z
	lastMS  = 253402300799999 // 9999-12-31T23:59:59.999Z
)

func sayable(ms int64) bool { return firstMS <= ms && ms <= lastMS }

const instantLayout = "2006-01-02T15:04:05.000Z"

// appendInstant appends an instant with quotes; one that cannot be said becomes
// the nearest that can. It is written out because the time package takes four
// times as long, three times a row.
func appendInstant(dst []byte, ms int64) []byte {
	ms = min(max(ms, firstMS), lastMS) - firstMS
	days, rest := int(ms/86_400_000), int(ms%86_400_000)
	year, month, day := civil(days)
	dst = append(dst, '"', byte('0'+year/1000), byte('0'+year/100%10), byte('0'+year/10%10), byte('0'+year%10),
		'-', byte('0'+month/10), byte('0'+month%10), '-', byte('0'+day/10), byte('0'+day%10))
	seconds, milli := rest/1000, rest%1000
	hour, minute, second := seconds/3600, seconds/60%60, seconds%60
	return append(dst, 'T', byte('0'+hour/10), byte('0'+hour%10), ':', byte('0'+minute/10), byte('0'+minute%10),
		':', byte('0'+second/10), byte('0'+second%10), '.', byte('0'+milli/100), byte('0'+milli/10%10), byte('0'+milli%10), 'Z', '"')
}

// civil returns the date that is so many days after 0001-01-01. It counts from a
// first of March, so that a leap day is a year's last: 153 days are five months,
// always.
func civil(days int) (year, month, day int) {
	days += 306 // to 0000-03-01
	era, inEra := days/146_097, days%146_097
	yearOfEra := (inEra - inEra/1460 + inEra/36_524 - inEra/146_096) / 365
	dayOfYear := inEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	fromMarch := (5*dayOfYear + 2) / 153
	year, month, day = era*400+yearOfEra, fromMarch+3, dayOfYear-(153*fromMarch+2)/5+1
	if month > 12 {
		year, month = year+1, month-12
	}
	return year, month, day
}

func parseInstant(s string) (int64, bool) {
	t, err := time.Parse(instantLayout, s)
	return t.UnixMilli(), err == nil && len(s) == len(instantLayout)
}
