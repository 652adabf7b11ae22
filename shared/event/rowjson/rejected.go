package rowjson

import (
	"encoding/base64"
	"strconv"

	"loch/shared/event"
	"loch/shared/rawjson"
)

// Field is a column of the documents about rejected input.
type Field struct {
	Name string
	Type event.Type
}

// RejectedFields are the keys of a document about rejected input, in order, for
// the table that reads them.
//
// Beside the rejection each document says of the parcel it came in how many
// inputs were received, and how many of them became rows: whoever counts the rows
// and rejections of a request can tell whether all of it is there. A document
// without a reason says only that, for a parcel that travels in several records.
var RejectedFields = []Field{
	{"project", event.Text},
	{"received_time", event.Time},
	{"protocol", event.Text},
	{"request_id", event.Text},
	{"batch_index", event.Int},
	{"reason", event.Text},
	{"field", event.Text},
	{"payload_bytes", event.Int},
	{"sealed_base64", event.Text}, // the sealed payload
	{"sealed_object", event.Text}, // or the object that holds it, if it is too large for a record
	{"parcel_received", event.Int},
	{"parcel_rows", event.Int},
}

// AppendRejected appends the document of a rejected input of a parcel, and a
// newline. object names where the sealed payload is, if not in the document.
func AppendRejected(dst []byte, p *event.Parcel, r *event.Rejected, object string) []byte {
	dst = append(dst, '{')
	dst = appendNamed(dst, `"project":`, r.Project)
	dst = append(dst, `"received_time":`...)
	dst = append(appendInstant(dst, r.ReceivedTimeMS), ',')
	dst = appendNamed(dst, `"protocol":`, r.Protocol)
	dst = appendNamed(dst, `"request_id":`, r.RequestID)
	dst = append(dst, `"batch_index":`...)
	dst = append(strconv.AppendInt(dst, r.BatchIndex, 10), ',')
	dst = appendNamed(dst, `"reason":`, string(r.Reason))
	dst = appendNamed(dst, `"field":`, r.Field)
	dst = append(dst, `"payload_bytes":`...)
	dst = append(strconv.AppendInt(dst, r.PayloadBytes, 10), ',')
	if object != "" {
		dst = appendNamed(dst, `"sealed_object":`, object)
	} else if len(r.Sealed) > 0 {
		dst = append(dst, `"sealed_base64":"`...)
		dst = append(base64.StdEncoding.AppendEncode(dst, r.Sealed), '"', ',')
	}
	return appendCounts(dst, p)
}

// AppendReceipt appends the document of a parcel without a rejection, and a
// newline.
func AppendReceipt(dst []byte, p *event.Parcel) []byte {
	dst = append(dst, `{"received_time":`...)
	dst = append(appendInstant(dst, p.Receipt.ReceivedTimeMS), ',')
	dst = appendNamed(dst, `"request_id":`, p.Receipt.RequestID)
	return appendCounts(dst, p)
}

func appendCounts(dst []byte, p *event.Parcel) []byte {
	dst = append(dst, `"parcel_received":`...)
	dst = strconv.AppendInt(dst, int64(p.Receipt.Received), 10)
	dst = append(dst, `,"parcel_rows":`...)
	dst = strconv.AppendInt(dst, int64(len(p.Rows)), 10)
	return append(dst, '}', '\n')
}

// appendNamed appends a text with its key and a comma, or nothing when it is
// empty.
func appendNamed(dst []byte, key, s string) []byte {
	if s == "" {
		return dst
	}
	return append(appendText(append(dst, key...), s), ',')
}

// CheckRejected tells whether a document is one that AppendRejected or
// AppendReceipt could have written, as strictly as ParseRow.
func CheckRejected(doc []byte) (tries int, err error) {
	seen := map[string]bool{}
	tries, err = members(doc, func(key string, value []byte) error {
		kind, known := rejectedTypes[key]
		switch {
		case !known:
			return errUnknown
		case seen[key]:
			return errTwice.At(key)
		case !shaped(kind, value):
			return errShape.At(key)
		}
		seen[key] = true
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, name := range []string{"received_time", "request_id", "parcel_received", "parcel_rows"} {
		if !seen[name] {
			return 0, errMissing.At(name)
		}
	}
	return tries, nil
}

var rejectedTypes = func() map[string]event.Type {
	m := map[string]event.Type{}
	for _, f := range RejectedFields {
		m[f.Name] = f.Type
	}
	return m
}()

// shaped tells whether a value is of a type that documents about rejections have.
func shaped(t event.Type, value []byte) bool {
	if t == event.Int {
		_, err := strconv.ParseInt(string(value), 10, 64)
		return err == nil
	}
	if rawjson.Kind(value[0]) != rawjson.String {
		return false
	}
	if t == event.Time {
		_, ok := parseInstant(rawjson.Text(value))
		return ok
	}
	return true
}
