// Package event is the shape of one event on its way into the lake.
//
// A decoder makes an Event: what a website sent, with the identifiers still in
// clear and set apart in IDs. Validate checks it. Enrichment fills the typed
// columns of its Row. The vault replaces every identifier by a lake id, and
// only what is left, the Row, goes to a Sink. A Row can be logged, buffered
// and stolen: it names nobody.
//
// Address and user agent are never part of an Event. They travel beside it in
// a Client, are read by enrichment, and end there.
package event

import "net/netip"

// Kind says what an event is for, across protocols.
type Kind string

// The kinds of design section 6.
const (
	KindEvent    Kind = "event"
	KindPage     Kind = "page"
	KindScreen   Kind = "screen"
	KindIdentify Kind = "identify"
	KindAlias    Kind = "alias"
	KindGroup    Kind = "group"
	KindProfile  Kind = "profile"
)

// Client is what a request tells about the machine that sent it. Enrichment
// reads it; nobody stores it, logs it or puts it in an error.
type Client struct {
	Address   netip.Addr // after the trusted proxies; the zero Addr when unknown
	UserAgent string
	Hints     Hints
	OptOut    bool // the browser asks not to be tracked: Sec-GPC: 1 or DNT: 1
	Browser   bool // a browser sent it (Origin, Sec-Fetch or a browser's agent), not a server-side SDK
}

// Hints are the User-Agent Client Hints of a request, unparsed header values
// (https://wicg.github.io/ua-client-hints/). Empty when not sent.
type Hints struct {
	Brands          string // Sec-CH-UA
	FullVersionList string // Sec-CH-UA-Full-Version-List
	Platform        string // Sec-CH-UA-Platform
	PlatformVersion string // Sec-CH-UA-Platform-Version
	Model           string // Sec-CH-UA-Model
	Mobile          string // Sec-CH-UA-Mobile
}

// IDs are the identifiers a client sent, in clear. They live in memory between
// the decoder and the vault.
type IDs struct {
	Device string  // without the protocol's prefix: "98ab…", not "$device:98ab…"
	User   string  //
	Groups []Group // the groups the event belongs to
}

// Group is one membership: the event belongs to the group ID of kind Key.
type Group struct {
	Key string // the group kind, such as "company"; a name, not an identifier
	ID  string
}

// The kinds of an ID.
const (
	IDDevice = "device"
	IDUser   = "user"
	IDGroup  = "group:" // followed by the group's key, so that "acme" the company and "acme" the team are two
)

// ID is an identifier of a kind.
type ID struct {
	Kind  string
	Value string
}

// Span is a place in Event.Properties: bytes [Start, End).
type Span struct {
	Start, End int
}

// IDSpan is the place of a JSON value in Event.Properties that is an
// identifier, and what it is replaced by.
type IDSpan struct {
	Span
	ID     ID
	Prefix string // kept in clear before the lake id ("$device:")
}

// Event is one event as decoded, before its identifiers are sealed.
type Event struct {
	Index int    // the place in the request, from 0
	Token string // the write token it came with; may be empty if the request carries the credential
	IDs   IDs
	Raw   []byte // the whole record as sent, for the sealed copy should it be rejected

	// Properties is the JSON object as sent, valid UTF-8. IDSpans are the
	// identifier values inside it and Drops the members (name, colon, value,
	// one comma) that must not be stored, such as an address. Both are sorted
	// by Start and do not overlap.
	Properties []byte
	IDSpans    []IDSpan
	Drops      []Span

	PropertyCount int // members of Properties

	// Address is an address that the event itself carried in place of the
	// request's. AddressRule says which of the two geography may use.
	Address     netip.Addr
	AddressRule AddressRule

	// Suppressed says that the vault knows its person as one who asked never to be
	// recorded again. Such an event is dropped; its Row is not filled.
	Suppressed bool

	// Merge is what an identity event asks for; nil for all others.
	Merge *Merge

	// Referrer is the referring URL as sent, for enrichment only; no column
	// holds more of it than its host.
	Referrer string

	Row Row
}

// AddressRule says whose address an event's geography comes from (Mixpanel's
// ip rules).
type AddressRule uint8

// The rules, in the words of Mixpanel's geolocation page.
const (
	AddressOfRequest AddressRule = iota // the request's address
	AddressOfEvent                      // Event.Address, never the request's
	AddressNone                         // no geography from any address
)

// Row is an event as the lake stores it: one field for each of Columns. The
// zero value of a nullable field means null. It holds no identifier, address or
// user agent.
type Row struct {
	Project string
	Date    string // UTC date of Time, "2026-11-23"

	Name     string
	Kind     Kind
	Protocol string

	InsertID       string
	InsertIDSource string // InsertIDClient, InsertIDUntimed or InsertIDHash

	DeviceID  string // lake id
	UserID    string // lake id
	SessionID string
	Groups    string // JSON object: group kind to list of lake ids

	TimeMS         int64 // milliseconds since 1970, UTC; corrected
	SentTimeMS     int64 // by the client's clock; 0 when not sent
	ReceivedTimeMS int64
	TimeSource     string // "client", "received"
	SkewMS         int64  // how much Time was moved from what the client said

	Country, Region, City, Timezone string

	Browser, BrowserVersion              string
	OS, OSVersion                        string
	DeviceType, DeviceBrand, DeviceModel string
	IsBot                                bool
	BotReason                            string

	PageURL, PageHost, PagePath, PageTitle                 string
	ReferrerHost, Channel, Source                          string
	UTMSource, UTMMedium, UTMCampaign, UTMTerm, UTMContent string
	ClickIDKind                                            string
	ScreenWidth, ScreenHeight                              int64
	Locale                                                 string
	Revenue                                                float64 // NaN is null, see NoRevenue
	Currency                                               string
	Lib, LibVersion, AppVersion                            string
	Properties, Context                                    string // JSON text
	Flags                                                  string // comma-separated words: what ingestion changed
	RequestID                                              string
	BatchIndex                                             int64
	SchemaVersion                                          int64
}
