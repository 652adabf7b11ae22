package mixpanel

import (
	"cmp"
	"strconv"

	"loch/shared/event"
	"loch/shared/project"
)

// Explain says what is wrong with a record and how to mend it, in words that
// carry nothing of the record.
func Explain(r event.Rejection) string {
	at := ""
	if r.Field != "" {
		at = r.Field + ": "
	}
	return at + cmp.Or(r.Words, explanations[r.Reason])
}

var explanations = map[event.Reason]string{
	event.ReasonUnknownToken:   "no project has this token; compare it with the token in credentials.json",
	event.ReasonMissingToken:   "there is no token; events carry it as properties.token, updates as $token",
	event.ReasonUndecodable:    "not valid JSON",
	event.ReasonTooLarge:       "a record may have " + strconv.Itoa(MaxRecordBytes) + " bytes",
	event.ReasonTooManyRecords: "a request may have " + strconv.Itoa(MaxRecords) + " records; send smaller batches",
	event.ReasonTooDeep:        "nested deeper than " + strconv.Itoa(MaxDepth) + " levels",
	event.ReasonTooManyProps:   "an event may have " + strconv.Itoa(event.MaxProperties) + " properties",
	event.ReasonWrongType:      "the value has the wrong JSON type",
	event.ReasonMissingField:   "the field is missing or empty",
	event.ReasonNameTooLong:    "a name may have " + strconv.Itoa(event.MaxNameRunes) + " characters",
	event.ReasonBadTime:        "not a time from 1971 until an hour from now, in seconds or milliseconds since 1970, or older than the project keeps",
	event.ReasonBadID:          "the value stands for nobody, is not a valid id or has more than " + strconv.Itoa(event.MaxIDBytes) + " bytes; leave it out when it is not known",
	event.ReasonBadOperator:    "the operator's value is wrong for it, or for what the profile holds",
	event.ReasonForbiddenWrite: "the credential may not write here",
	event.ReasonIgnored:        "the event asks to be ignored",
	event.ReasonSuppressed:     "this person asked never to be recorded again",
	event.ReasonNoConsent:      "the browser asks not to be tracked, and the project honours it",
	event.ReasonPersonalData:   "the record holds personal data of a kind that the project refuses",
	event.ReasonUnknownPerson:  "no identifier leads to this person_id on this server; a line from elsewhere names its person by distinct_id",
	event.ReasonTooManyGroups:  "the project has " + strconv.Itoa(project.MaxGroupKeys) + " kinds of group, which is the limit; take those that are none out of group_keys in projects.json",
	event.ReasonReservedGroup:  "this property has a meaning of its own, so it cannot be a kind of group; choose a name such as company, without $, mp_ or utm_ before it",
	event.ReasonUnlistedGroup:  "no such kind of group; the project's setting only_listed_groups is on, so the kind must stand in group_keys in projects.json",
}
