// Package schema says what a project's events are: their names, the properties
// that they have, of which types, how often, since when, and the values that are
// most frequent. People look it up, and pickers choose from it.
//
// Stores keep it as facts, each about one event, one property of an event, or one
// value of one. Facts add up: those of two files together are those of both, which
// is how a large lake tells its schema without being read. This package says what
// a fact is, and makes the answer of facts. What it shows is bounded, and values
// by which one would know somebody again are left out (value.go).
package schema

import (
	"context"
	"slices"

	"loch/shared/event"
)

// Kind says what a fact is about.
type Kind string

// The kinds of fact.
const (
	OfEvent    Kind = "event"    // Type is the event's kind
	OfProperty Kind = "property" // Type is the JSON type of the values
	OfValue    Kind = "value"    //
	LeftOut    Kind = "left_out" // Name is "events" or "properties", Count how many have no facts
)

// Space says where a property is.
type Space string

// The spaces of properties.
const (
	Sent   Space = "properties" // what the website sent, as a member of properties
	Column Space = "column"     // a column of the relation events
)

// Fact is what is known about one thing in a project's events.
type Fact struct {
	Kind  Kind
	Event string // "" in what is asked of all events together, and for columns
	Space Space
	Name  string
	Type  string
	Value string // JSON text

	Count           int64
	Odd             int64 // of Count: values that Plain would not show; 0 where there are more than MaxDistinct
	FirstMS, LastMS int64 // when it happened first and last, milliseconds since 1970

	// Distinct is how many different values there are, about. It is at least as
	// large as the store's bound where it gives no values.
	Distinct int64

	// Persons is how many there are at least whose events these are. It never
	// says too many.
	Persons int64
}

// The bounds of what a store gives.
const (
	MaxEvents     = 2000 // the most frequent
	MaxProperties = 2000 // the most frequent
	MaxValues     = 20   // of a property, the most frequent
	MaxDistinct   = 200  // a property of more different values has none worth to be listed
	MaxValueBytes = 100  // of a value's JSON text
)

// Source finds facts about a project's events. Rows that are not compacted yet
// count, rows of people who were erased with their rows do not.
type Source interface {
	// Facts gives those of all events, each property's and value's added up over
	// them; or, where event is not "", those of that event. The columns' are of all
	// events. Each kind comes with the most frequent first.
	Facts(ctx context.Context, project, event string) ([]Fact, error)
}

// Listed are the columns of events whose values are worth listing: words of which
// there are few. The others are told by name and type.
var Listed = []string{
	"protocol", "country", "region", "city", "timezone", "browser", "browser_version", "os", "os_version",
	"device_type", "device_brand", "device_model", "bot_reason", "page_host", "page_path", "page_title", "referrer_host",
	"channel", "source", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "click_id_kind",
	"locale", "currency", "lib", "lib_version", "app_version",
}

// Named are properties that say who, when or which event it was, by their names:
// their values are another for everybody, and never listed.
var Named = []string{
	"token", "time", "distinct_id", "$distinct_id", "$device_id", "$user_id", "$insert_id", "insert_id", "$anon_distinct_id",
	"$anon_id", "$identified_id", "$distinct_ids", "alias", "$distinct_id_before_identity", "user_id", "userId",
	"anonymousId", "device_id", "messageId", "$session_id", "session_id", "$mp_api_timestamp_ms", "mp_processing_time_ms",
}

// isColumn tells whether a bare name means a column in reports, so that a property
// of the same name has to be written in full.
func isColumn(name string) bool {
	return name == "person_id" || slices.ContainsFunc(event.Columns, func(c event.Column) bool { return c.Name == name && c.Type != event.JSON })
}

// PropertyName is how reports and filters name a property.
func PropertyName(space Space, name string) string {
	if space == Sent && isColumn(name) {
		return "properties." + name
	}
	return name
}
