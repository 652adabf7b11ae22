package query

import (
	"bytes"
	"encoding/json"

	"loch/shared/fault"
	"loch/shared/rawjson"
)

// lineDepth bounds how deep a stored event may be nested; ingest refuses long
// before.
const lineDepth = 256

// appendLine writes one event as Mixpanel's export does, with a line's end:
// {"event":…,"properties":{…}}. The properties are those that were sent, digit
// for digit, but for time, which is the corrected one, and the write token,
// which is left out. What Mixpanel's servers add comes at the end where the
// client did not send it.
func appendLine(dst []byte, row []string) ([]byte, error) {
	dst = append(dst, `{"event":`...)
	dst = appendText(dst, row[colEvent])
	dst = append(dst, `,"properties":{`...)
	begin := len(dst)

	c := rawjson.Cursor{Buf: []byte(row[colProperties]), MaxDepth: lineDepth}
	if !c.Open(rawjson.Object) {
		return dst, unreadable(nil)
	}
	sent := map[string]bool{}
	for first := true; ; first = false {
		more, err := c.More(first, '}')
		if err != nil {
			return dst, unreadable(err)
		}
		if !more {
			break
		}
		raw, err := c.Name()
		if err != nil {
			return dst, unreadable(err)
		}
		start, err := c.Value()
		if err != nil {
			return dst, unreadable(err)
		}
		value := c.Buf[start:c.Pos]
		name := plainName(raw)
		if name == "token" {
			continue
		}
		if name == "time" {
			if sent[name] {
				continue
			}
			value = []byte(row[colTime])
		}
		sent[name] = true
		dst = appendMember(dst, begin, raw)
		dst = appendCompact(dst, value)
	}
	for _, add := range []struct {
		name   string
		col    int
		number bool
	}{
		{"time", colTime, true},
		{"distinct_id", colDistinctID, false},
		{"$insert_id", colInsertID, false},
		{"mp_processing_time_ms", colReceived, true},
		{"mp_country_code", colCountry, false},
		{"$region", colRegion, false},
		{"$city", colCity, false},
	} {
		value := row[add.col]
		if sent[add.name] || value == "" {
			continue
		}
		dst = appendMember(dst, begin, appendText(nil, add.name))
		if add.number {
			dst = append(dst, value...)
		} else {
			dst = appendText(dst, value)
		}
	}
	return append(dst, "}}\n"...), nil
}

func unreadable(err error) error {
	return fault.Wrap(err, fault.Internal, "a stored event cannot be read")
}

func appendMember(dst []byte, begin int, name []byte) []byte {
	if len(dst) > begin {
		dst = append(dst, ',')
	}
	dst = append(dst, name...)
	return append(dst, ':')
}

// appendCompact writes a value without white space between its parts, since a
// line's end within an event would make two lines of it.
func appendCompact(dst, value []byte) []byte {
	if !bytes.ContainsAny(value, "\n\r\t ") {
		return append(dst, value...)
	}
	buf := bytes.NewBuffer(dst)
	if err := json.Compact(buf, value); err != nil {
		return append(dst, value...) // cannot be: the cursor has read it
	}
	return buf.Bytes()
}

// plainName is a member's name without quotes and escapes.
func plainName(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var name string
	if err := json.Unmarshal(raw, &name); err != nil {
		return "" // cannot be: the cursor has read it
	}
	return name
}

func appendText(dst []byte, text string) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	// A string always encodes.
	_ = enc.Encode(text)
	return append(dst, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...)
}
