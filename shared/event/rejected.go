package event

// Reason says why an input was rejected. The list is closed: it is a label in
// metrics and a column in SQL, so it never carries payload.
type Reason string

// The reasons.
const (
	ReasonUnknownToken   Reason = "unknown_token"    // no project has this write token
	ReasonMissingToken   Reason = "missing_token"    // neither the input nor the request carries one
	ReasonUndecodable    Reason = "undecodable"      // not base64, not JSON, not gzip: nothing can be read
	ReasonTooLarge       Reason = "too_large"        // the request or the record is over its size limit
	ReasonTooManyRecords Reason = "too_many_records" // over the records of one request
	ReasonTooDeep        Reason = "too_deep"         // nested deeper than the limit
	ReasonTooManyProps   Reason = "too_many_properties"
	ReasonWrongType      Reason = "wrong_type"      // a field has another JSON type than it must have
	ReasonMissingField   Reason = "missing_field"   // a field that must be there is not
	ReasonNameTooLong    Reason = "name_too_long"   // an event's or property's name
	ReasonBadTime        Reason = "bad_time"        // not a time, or out of the range that is kept
	ReasonBadID          Reason = "bad_id"          // an identifier that stands for nobody ("undefined", "null"), or is too long
	ReasonBadOperator    Reason = "bad_operator"    // a profile operator that does not exist or has the wrong value
	ReasonForbiddenWrite Reason = "forbidden_write" // the credential may not write this
	ReasonIgnored        Reason = "ignored"         // the event itself asks to be dropped ($ignore)
	ReasonSuppressed     Reason = "suppressed"      // its person asked never to be recorded again; nothing of it is kept
	ReasonNoConsent      Reason = "no_consent"      // Sec-GPC or DNT, by the project's policy; nothing of it is kept
	ReasonPersonalData   Reason = "personal_data"   // the project's policy refuses values of a kind that was found
	ReasonUnknownPerson  Reason = "unknown_person"  // no identifier leads to this lake id here (any more); nothing of it is kept

	ReasonTooManyGroups Reason = "too_many_group_kinds" // the project has as many kinds of group as it may
	ReasonReservedGroup Reason = "reserved_group_key"   // the name of the kind has a meaning of its own in events
	ReasonUnlistedGroup Reason = "unlisted_group_key"   // the project takes the kinds of group that its settings list, only
)

// Reasons lists every reason, for counters that start at 0 and for tests.
var Reasons = []Reason{
	ReasonUnknownToken, ReasonMissingToken, ReasonUndecodable, ReasonTooLarge,
	ReasonTooManyRecords, ReasonTooDeep, ReasonTooManyProps, ReasonWrongType,
	ReasonMissingField, ReasonNameTooLong, ReasonBadTime, ReasonBadID,
	ReasonBadOperator, ReasonForbiddenWrite, ReasonIgnored,
	ReasonSuppressed, ReasonNoConsent, ReasonPersonalData, ReasonUnknownPerson,
	ReasonTooManyGroups, ReasonReservedGroup, ReasonUnlistedGroup,
}

// Rejection is an input that was not taken, still in clear.
type Rejection struct {
	Index    int    // the place in the request, from 0; -1 for the request as a whole
	Token    string // as sent; may be empty
	InsertID string // what the client needs to find its record again; never stored in clear
	Reason   Reason
	Field    string // a place by names of ours ("properties.time"), never by names that were sent
	Words    string // safe words that say more than the reason does, for the answer; may be empty
	Payload  []byte // the input as sent, possibly cut
}

// Rejected is a rejection as it is stored: the reason in clear, the payload
// sealed.
type Rejected struct {
	Project        string // empty when no project could be found
	ReceivedTimeMS int64
	Protocol       string
	RequestID      string
	BatchIndex     int64
	Reason         Reason
	Field          string
	PayloadBytes   int64  // the size of the input, which may be kept in part only
	Sealed         []byte // compressed, AES-256-GCM under the vault's key for rejected input
}
