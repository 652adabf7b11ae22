package report

import "loch/shared/filter"

// Sessions asks how people's sessions go: how many there are, how long they last,
// how much is done in them, and on which pages they begin and end.
//
// A session is what one person did with silences of at most the project's
// session_minutes (30 where it does not say). It does not end at midnight. Made of
// it is what people do: events, page views, screen views of persons, no rows that
// only tell who somebody is; bots' events are none of it, unless bots count.
//
//   - A session is of the moment at which it began: it counts in that interval
//     alone, and in the report if that is on the report's days. What somebody did in
//     the last session_minutes before the first day decides whether a session goes
//     on there; one that does began earlier and is not counted.
//   - What is after the last day belongs to the sessions that began before, so those
//     are whole. They are followed for 24 hours after the last day has ended.
//   - Filters are asked after sessions are cut: a session counts if one of its events
//     passes all of them, and counts whole, with the events that do not pass.
//   - A break-down takes the values of the session's first event, by which it began.
//   - It lasts from its first event to its last: 0 seconds where there is one only.
//   - A bounce is a session of one page view and no other event.
//   - Its entry page is the path of its first page view, its exit page that of the
//     last, "(not set)" where that view tells no path. Sessions without a page view
//     have neither. A screen view of an app is a page view.
type Sessions struct {
	Common
	Interval Interval
	Top      int // so many pages by themselves, the rest as one
}

// ParseSessions reads a sessions spec.
func ParseSessions(body []byte) (*Sessions, error) {
	o, err := readSpec(body, fields("interval", "top")...)
	if err != nil {
		return nil, err
	}
	s := &Sessions{}
	if s.Common, err = readCommon(o); err != nil {
		return nil, err
	}
	if s.Interval, err = readInterval(o, &s.Common); err != nil {
		return nil, err
	}
	s.Top, err = o.whole("top", 1, maxLimit, defaultLimit)
	return s, err
}

// readInterval reads how the days of a report are cut: by day where it is not said.
func readInterval(o object, c *Common) (Interval, error) {
	word, err := o.word("interval", string(Day), string(Hour), string(Week), string(Month), string(Total))
	if err != nil {
		return "", err
	}
	if days := int(c.To.Sub(c.From).Hours()/24) + 1; word == string(Hour) && days*24 > maxBuckets {
		return "", wrong("interval", "hours of %d days are more than %d; ask for fewer days or a longer interval", days, maxBuckets)
	}
	return Interval(word), nil
}

// pagePath is the property that pages are told apart by.
var pagePath = filter.ParseProperty("page_path")
