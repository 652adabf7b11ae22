package event

import (
	"cmp"
	"context"
	"strings"
)

// Moment is the place of a row among all rows of a project, by which a journey is
// read in pages: by time, then by arrival. It stays what it is whatever arrives
// later.
type Moment struct {
	TimeMS         int64
	ReceivedTimeMS int64
	RequestID      string
	BatchIndex     int64
}

// Moment returns the place of the row.
func (r *Row) Moment() Moment {
	return Moment{r.TimeMS, r.ReceivedTimeMS, r.RequestID, r.BatchIndex}
}

// Compare is negative where m comes before other.
func (m Moment) Compare(other Moment) int {
	return cmp.Or(
		cmp.Compare(m.TimeMS, other.TimeMS), cmp.Compare(m.ReceivedTimeMS, other.ReceivedTimeMS),
		strings.Compare(m.RequestID, other.RequestID), cmp.Compare(m.BatchIndex, other.BatchIndex))
}

// JourneyColumns are the columns that a Journeyer fills.
var JourneyColumns = []string{
	"event", "kind", "device_id", "user_id", "session_id", "groups", "time", "received_time",
	"country", "region", "city", "browser", "os", "device_type", "page_url", "page_host", "page_path", "page_title", "referrer_host",
	"channel", "utm_source", "utm_campaign", "revenue", "currency", "lib", "app_version", "properties", "flags", "request_id", "batch_index",
	"project",
}

// Journeyer finds the events of one person.
type Journeyer interface {
	// Journey returns the newest events of whoever has the lake ids, before a
	// moment if there is one, newest first, at most limit. An event counts for its
	// user, and without one for its device. Each event is there once, as in the
	// relation events. It returns fault.Unavailable when the lake cannot be read
	// and fault.Timeout when ctx ends first.
	Journey(ctx context.Context, project string, ids []string, before *Moment, limit int) ([]Row, error)
}
