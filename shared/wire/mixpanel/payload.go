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

// payload finds the JSON in a request and the parameters of its form body. What
// has to be decoded is decoded in the request's scratch memory, so that the body
// stays as it was sent. The rule, which takes every SDK's encoding: a body of a
// JSON type is parsed as it is, broken lines included, unless it is a form; else
// data comes from the query, else from the body whatever its type (beacons and
// fetch say text/plain); what does not begin like JSON is base64, in which a
// literal plus may have become a space.
func payload(r *Request) (text []byte, form url.Values, isJSON bool, err error) {
	body, data := trim(r.Body), r.Query.Get("data")
	if isJSONType(r.ContentType) && !isForm(body) && (len(body) > 0 || data == "") {
		return body, nil, true, nil
	}
	if data != "" {
		text, err = undata([]byte(data))
		return text, nil, false, err
	}
	if len(body) == 0 {
		return nil, nil, false, errNoData
	}
	if beginsLikeJSON(body) {
		return body, nil, true, nil
	}
	inForm, form := splitForm(body, r.Scratch)
	if len(inForm) == 0 {
		return nil, form, false, errNoData
	}
	text, err = undata(inForm)
	return text, form, false, err
}

// trim takes white space off both ends, and the byte order mark that some
// encoders write before JSON.
func trim(b []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(b), []byte("\uFEFF")))
}

func beginsLikeJSON(b []byte) bool { return b[0] == '{' || b[0] == '[' }

// isForm tells that a body has the parameter data before anything that is JSON or
// a second line.
func isForm(body []byte) bool {
	if end := bytes.IndexAny(body, "{[\r\n"); end >= 0 {
		body = body[:end]
	}
	return bytes.HasPrefix(body, []byte("data=")) || bytes.Contains(body, []byte("&data="))
}

// isJSONType tells a JSON or NDJSON content type, parameters aside.
func isJSONType(contentType string) bool {
	switch mimeOf(contentType) {
	case "application/json", "application/x-json", "text/json":
		return true
	}
	return isNDJSON(contentType)
}

func isNDJSON(contentType string) bool {
	mime := mimeOf(contentType)
	return mime == "application/x-ndjson" || mime == "application/ndjson"
}

func mimeOf(contentType string) string {
	mime, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(mime))
}

// splitForm takes data out of a form body without building a map of it, since
// it is nearly all of the body, and parses the small rest.
func splitForm(body, scratch []byte) (data []byte, rest url.Values) {
	var others []string
	found := false
	for part := range bytes.SplitSeq(body, []byte{'&'}) {
		if value, ok := bytes.CutPrefix(part, []byte("data=")); ok && !found {
			data, found = unescapeForm(scratch[:0], value), true
			continue
		}
		if len(part) < 4096 {
			others = append(others, string(part))
		}
	}
	rest, _ = url.ParseQuery(strings.Join(others, "&")) // what cannot be parsed is left out
	return data, rest
}

// unescapeForm appends b to out, percent-encoding undone: %xx, and + for a space.
// A broken escape stands for itself, as in browsers. Base64 has few escapes, so
// the text between them is copied in runs.
func unescapeForm(out, b []byte) []byte {
	for {
		next := nextEscape(b)
		if next < 0 {
			return append(out, b...)
		}
		out = append(out, b[:next]...)
		switch {
		case b[next] == '+':
			out = append(out, ' ')
			b = b[next+1:]
		case next+2 < len(b) && isHex(b[next+1]) && isHex(b[next+2]):
			out = append(out, unhex(b[next+1])<<4|unhex(b[next+2]))
			b = b[next+3:]
		default:
			out = append(out, '%')
			b = b[next+1:]
		}
	}
}

// nextEscape finds the next % or +. Two searches for one byte are faster than
// one for either.
func nextEscape(b []byte) int {
	percent := bytes.IndexByte(b, '%')
	if percent < 0 {
		return bytes.IndexByte(b, '+')
	}
	if plus := bytes.IndexByte(b[:percent], '+'); plus >= 0 {
		return plus
	}
	return percent
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

// undata turns the value of data, whose memory it takes over, into JSON text.
func undata(data []byte) ([]byte, error) {
	data = trim(data)
	if len(data) == 0 {
		return nil, errNoData
	}
	if beginsLikeJSON(data) {
		return data, nil
	}
	return unbase64(data)
}

// base64Step is how much base64 is decoded at a time: whole groups of four
// characters for whole groups of three bytes.
const base64Step = 1024

// unbase64 decodes base64 in data's own memory, step by step over a buffer beside
// it, since the standard library does not promise that its Decode may overlap.
// Nearly all base64 is in the standard form; from the first step on that is not,
// the rest is brought into that form.
func unbase64(data []byte) ([]byte, error) {
	in := bytes.TrimRight(data, "=")
	out := data[:0]
	var plain [base64Step / 4 * 3]byte
	for standard := true; len(in) > 0; {
		step := in[:min(len(in), base64Step)]
		n, err := base64.RawStdEncoding.Decode(plain[:], step)
		if err != nil || n != base64.RawStdEncoding.DecodedLen(len(step)) { // fewer where line breaks were passed over
			if !standard {
				return nil, errUndecodable
			}
			standard, in = false, standardBase64(in)
			continue
		}
		out = append(out, plain[:n]...)
		in = in[len(step):]
	}
	return out, nil
}

// standardBase64 brings other forms into the standard one, in place: spaces stand
// for plus signs, the URL alphabet is taken too, and lines may be broken.
func standardBase64(b []byte) []byte {
	out := b[:0]
	for _, c := range b {
		switch c {
		case ' ', '-':
			out = append(out, '+')
		case '_':
			out = append(out, '/')
		case '\r', '\n':
		default:
			out = append(out, c)
		}
	}
	return bytes.TrimRight(out, "=")
}
