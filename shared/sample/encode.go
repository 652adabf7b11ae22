package sample

import (
	"encoding/base64"
	"strconv"
)

// The texts that go into JSON come from the tables of this package, which hold
// neither quotes nor control characters (a test says so), so they are written
// as they are.

// form wraps a JSON array as mixpanel-browser's forms do: data= and percent-
// encoded base64.
func form(json []byte) []byte {
	n := base64.StdEncoding.EncodedLen(len(json))
	// Room for a few escapes; base64 of text has few characters that need one.
	b := make([]byte, 0, len("data=")+n+n/16+16)
	b = append(b, "data="...)
	start := len(b)
	b = base64.StdEncoding.AppendEncode(b, json)
	escapes := 0
	for _, c := range b[start:] {
		if c == '+' || c == '/' || c == '=' {
			escapes++
		}
	}
	if escapes == 0 {
		return b
	}
	end := len(b)
	for range escapes {
		b = append(b, 0, 0)
	}
	for to := len(b); end > start; { // from the back, so that nothing is overwritten
		end--
		c := b[end]
		switch c {
		case '+', '/', '=':
			to -= 3
			b[to], b[to+1], b[to+2] = '%', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15]
		default:
			to--
			b[to] = c
		}
	}
	return b
}

// named appends "name": after the comma that it needs unless it comes first.
func named(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(append(append(b, '"'), name...), '"', ':')
}

// text appends a member with a string, or nothing when the string is empty.
func text(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return append(append(append(named(b, name), '"'), value...), '"')
}

// raw appends a member with a value as it is.
func raw(b []byte, name, value string) []byte {
	return append(named(b, name), value...)
}

// number appends a member with an integer.
func number(b []byte, name string, n int64) []byte {
	return strconv.AppendInt(named(b, name), n, 10)
}

// seconds appends milliseconds as JavaScript writes them divided by 1000.
func seconds(b []byte, ms int64) []byte {
	b = strconv.AppendInt(b, ms/1000, 10)
	rest := ms % 1000
	if rest == 0 {
		return b
	}
	b = append(b, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
}

// truth appends a member with true or false.
func truth(b []byte, name string, v bool) []byte {
	if v {
		return raw(b, name, "true")
	}
	return raw(b, name, "false")
}
