package event

import (
	"time"
	"unicode/utf8"
)

// Limits that every protocol shares.
const (
	MaxNameRunes  = 255 // of an event's or a property's name (Mixpanel's figure)
	MaxProperties = 1000
	// MaxIDBytes is how long an identifier may be: of a person, a device or a group.
	// It is a part of a URL where somebody is looked up, exported or erased.
	MaxIDBytes = 1024
)

// Where an event's time comes from, the values of the time_source column.
const (
	TimeOfClient  = "client"
	TimeOfReceipt = "received"
)

// Where an event's insert id comes from, the values of the insert_id_source
// column. They decide what makes two rows one event: the id together with name,
// sender and time; the same without the time, for an event whose time is that of
// receipt; the id by itself.
const (
	InsertIDClient  = "client"
	InsertIDUntimed = "client_untimed"
	InsertIDHash    = "hash"
)

// The words of the flags column.
const (
	FlagTextReplaced = "text_replaced" // bytes that were not UTF-8 became U+FFFD
	FlagNoProfile    = "no_profile"    // the browser asks not to be tracked, so the event touched no profile
	FlagMerged       = "merged"        // the context says who is one person since this event, see AddMerged
	FlagNotMerged    = "not_merged"    // an identity event in a project where such events merge nobody
	FlagNotLinked    = "not_linked"    // the device had been linked to another user, so that the row links nobody
	FlagMergeRefused = "merge_refused" // an identity event that asked for what the rules do not allow
	FlagFutureTime   = "future_time"   // the time was ahead of ours and became the time of receipt
)

// Rules are what a route or a project asks of events beyond their shape.
type Rules struct {
	MaxAge       time.Duration // older events are rejected; 0 keeps all since 1971
	RejectFuture bool          // reject times over an hour ahead instead of correcting them
	RequireTime  bool          // an event must say when it happened
}

// earliestMS is 1971-01-01, before which a time is taken for a mistake
// (Mixpanel's import-events page).
const earliestMS = 365 * 24 * 3600 * 1000

// AllowedAhead is how far a client's clock may be ahead.
const AllowedAhead = time.Hour

// Validate checks a decoded event and settles its time. It returns an empty
// reason when the event is good, and else the reason and the field.
func Validate(e *Event, received time.Time, rules Rules) (Reason, string) {
	row := &e.Row
	switch {
	case row.Name == "":
		return ReasonMissingField, "event"
	case len(row.Name) > MaxNameRunes && utf8.RuneCountInString(row.Name) > MaxNameRunes:
		return ReasonNameTooLong, "event"
	case e.PropertyCount > MaxProperties:
		return ReasonTooManyProps, "properties"
	}
	receivedMS := received.UnixMilli()
	row.ReceivedTimeMS = receivedMS
	switch {
	case row.TimeSource == "":
		if rules.RequireTime {
			return ReasonMissingField, "properties.time"
		}
		row.TimeMS, row.TimeSource = receivedMS, TimeOfReceipt
	case row.TimeMS < earliestMS,
		rules.MaxAge > 0 && row.TimeMS < receivedMS-rules.MaxAge.Milliseconds():
		return ReasonBadTime, "properties.time"
	case row.TimeMS > receivedMS+AllowedAhead.Milliseconds():
		if rules.RejectFuture {
			return ReasonBadTime, "properties.time"
		}
		row.SkewMS = receivedMS - row.TimeMS
		row.TimeMS, row.TimeSource = receivedMS, TimeOfReceipt
		AddFlag(row, FlagFutureTime)
	}
	row.Date = time.UnixMilli(row.TimeMS).UTC().Format(time.DateOnly)
	row.SchemaVersion = SchemaVersion
	return "", ""
}

// AddFlag notes a word in the row's flags.
func AddFlag(row *Row, word string) {
	if row.Flags != "" {
		word = row.Flags + "," + word
	}
	row.Flags = word
}
