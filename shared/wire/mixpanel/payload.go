package mixpanel

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"strings"

	"loch/shared/fault"
)

// errUndecodable covers every payload from which no record can be read.
var errUndecodable = fault.New(fault.Invalid,
	"the payload is neither JSON nor base64 of JSON; send a JSON array, or data=<base64 of one> as a form")

// errNoData is an empty request.
var errNoData = fault.New(fault.Invalid,
	"there is no payload; send a JSON body, or the parameter data in the query or in a form body").At("data")

// payload finds the JSON in a request and the parameters of its form body. The
// rule, which takes every SDK's encoding: a JSON type is parsed as it is; else
// data comes from the query, else from the body whatever its type (beacons say
// text/plain); what does not begin like JSON is base64, in which a literal plus
// may have become a space.
func payload(query url.Values, contentType string, body []byte) (text []byte, form url.Values, isJSON bool, err error) {
	if isJSONType(contentType) {
		return body, nil, true, nil
	}
	if data := query.Get("data"); data != "" {
		text, err = undata([]byte(data))
		return text, nil, false, err
	}
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return nil, nil, false, errNoData
	}
	if body[0] == '[' || body[0] == '{' {
		// JSON under a type that is not JSON's, as fetch sends it by default.
		return body, nil, true, nil
	}
	data, form := splitForm(body)
	if len(data) == 0 {
		return nil, form, false, errNoData
	}
	text, err = undata(data)
	return text, form, false, err
}

// isJSONType tells a JSON or NDJSON content type, parameters aside.
func isJSONType(contentType string) bool {
	mime, _, _ := strings.Cut(contentType, ";")
	switch strings.ToLower(strings.TrimSpace(mime)) {
	case "application/json", "application/x-ndjson", "application/ndjson", "application/x-json", "text/json":
		return true
	}
	return false
}

// splitForm takes data out of a form body without building a map of it, since
// it is nearly all of the body, and parses the small rest.
func splitForm(body []byte) (data []byte, rest url.Values) {
	var others []string
	found := false
	for part := range bytes.SplitSeq(body, []byte{'&'}) {
		if value, ok := bytes.CutPrefix(part, []byte("data=")); ok && !found {
			data, found = unescapeForm(value), true
			continue
		}
		if len(part) < 4096 {
			others = append(others, string(part))
		}
	}
	rest, _ = url.ParseQuery(strings.Join(others, "&")) // what cannot be parsed is left out
	return data, rest
}

// unescapeForm undoes percent-encoding in place: %xx, and + for a space. A
// broken escape stands for itself, as in browsers.
func unescapeForm(b []byte) []byte {
	if bytes.IndexByte(b, '%') < 0 && bytes.IndexByte(b, '+') < 0 {
		return b
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '+':
			out = append(out, ' ')
		case b[i] == '%' && i+2 < len(b) && isHex(b[i+1]) && isHex(b[i+2]):
			out = append(out, unhex(b[i+1])<<4|unhex(b[i+2]))
			i += 2
		default:
			out = append(out, b[i])
		}
	}
	return out
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}

// undata turns the value of data into JSON text.
func undata(data []byte) ([]byte, error) {
	data = bytes.TrimSpace(data)
	if len(data) == 0 {
		return nil, errNoData
	}
	if data[0] == '{' || data[0] == '[' {
		return data, nil
	}
	return unbase64(data)
}

// unbase64 decodes base64 of either alphabet, with or without padding, in
// which spaces stand for plus signs.
func unbase64(data []byte) ([]byte, error) {
	in := data
	if bytes.ContainsAny(in, " -_\r\n") {
		in = bytes.Map(func(r rune) rune {
			switch r {
			case ' ', '-':
				return '+'
			case '_':
				return '/'
			case '\r', '\n':
				return -1
			}
			return r
		}, in)
	}
	in = bytes.TrimRight(in, "=")
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(in)))
	n, err := base64.RawStdEncoding.Decode(out, in)
	if err != nil {
		return nil, errUndecodable
	}
	return out[:n], nil
}
