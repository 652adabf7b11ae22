// Package mixpanel reads what Mixpanel's SDKs send and answers as they expect.
//
// One decoder takes every encoding that the SDKs use: JSON, NDJSON, base64 in a
// form or in the query, beacons of type text/plain. Each record of a request
// becomes an event, a profile update or a rejection, never nothing, and a bad
// record never fails its neighbours.
//
// Source of the rules: Mixpanel's documentation (reference/ and openapi/ of
// github.com/mixpanel/docs) and requests recorded from the SDKs themselves.
// Where Loch keeps more than Mixpanel does, the constants below say so.
package mixpanel

import (
	"bytes"
	"net/url"
	"time"

	"loch/shared/event"
	"loch/shared/fault"
	"loch/shared/rawjson"
	"loch/shared/wire"
)

// Protocol is the name of this protocol in the lake's protocol column.
const Protocol = "mixpanel"

// Limits of one request and one record, from Mixpanel's import-events and
// user-profile-limits pages.
const (
	MaxBodyBytes   = 10 << 20 // uncompressed
	MaxRecords     = 2000
	MaxRecordBytes = 1 << 20
	// MaxDepth is far above Mixpanel's 3: what is sent is kept.
	MaxDepth = 64
)

// Request is one request, its body already decompressed.
type Request struct {
	Route       Route
	Query       url.Values
	ContentType string
	Body        []byte // the decoder keeps slices of it
	Scratch     []byte // memory for what has to be decoded, as large as Body if it can be had; the decoder keeps slices of it, too
	Client      event.Client
	Received    time.Time
}

// Decode reads a request. The error, when there is one, is about the request as
// a whole: then the batch holds one rejection and the answer is the error's.
// The control parameters are valid in every case.
func Decode(r Request) (wire.Batch, Control, error) {
	b := wire.Batch{Protocol: Protocol, Client: r.Client}
	text, form, isJSON, err := payload(&r)
	c := controlOf(r.Route, r.Query, form)
	c.JSON = isJSON
	if err != nil {
		b.Rejected = append(b.Rejected, whole(event.ReasonUndecodable, &r))
		return b, c, err
	}
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	d := decoder{control: c, received: r.Received, batch: &b, ndjson: isNDJSON(r.ContentType)}
	_, d.dirty = rawjson.Clean(text)
	if err := d.records(text); err != nil {
		// All or nothing: a client halves such a request and sends it again.
		b.Events, b.Updates = nil, nil
		b.Rejected = []event.Rejection{whole(reasonOf(err), &r)}
		return b, c, err
	}
	if b.Received() == 0 && r.Route != Import {
		return b, c, nil // an empty array; nothing to do is no mistake
	}
	return b, c, nil
}

// Refuse is the batch of a request of which nothing may be taken, whatever is in
// it.
func Refuse(r Request, reason event.Reason) wire.Batch {
	return wire.Batch{Protocol: Protocol, Client: r.Client, Rejected: []event.Rejection{whole(reason, &r)}}
}

// whole is the rejection of a request that could not be taken apart, with what
// was sent as it was sent.
func whole(reason event.Reason, r *Request) event.Rejection {
	body := r.Body
	if len(body) == 0 {
		body = []byte(r.Query.Get("data"))
	}
	return event.Rejection{Index: -1, Reason: reason, Payload: body[:min(len(body), MaxRecordBytes)]}
}

func reasonOf(err error) event.Reason {
	if fault.CodeOf(err) == fault.TooLarge {
		return event.ReasonTooManyRecords
	}
	return event.ReasonUndecodable
}
