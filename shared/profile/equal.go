package profile

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

// canonical returns a text that is the same for two JSON values exactly when
// they are equal by value: 1 and 1.0 and 10e-1, "é" and "\u00e9", objects
// with the same members in any order (of a name that occurs twice the last
// counts). Numbers keep all their digits. Two sealed values are equal where owner
// and tag are, and equal to nothing in clear. It is false for what is not JSON.
func canonical(value []byte) (string, bool) {
	if s, ok := ParseSealed(bytes.TrimSpace(value)); ok {
		return "s" + s.Owner + string(s.Tag), true
	}
	if text, ok := plainText(value); ok {
		return string(appendSized([]byte{'"'}, text)), true
	}
	if text, ok := plainNumber(value); ok {
		return string(appendSized([]byte{'0'}, text)), true
	}
	dec := json.NewDecoder(bytes.NewReader(value))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return "", false
	}
	if _, err := dec.Token(); err != io.EOF {
		return "", false
	}
	return string(appendCanonical(nil, v)), true
}

// Canonical returns bytes that are the same for two JSON values exactly when they
// are equal by value, as $union and $remove compare. What is not JSON is itself.
func Canonical(value []byte) []byte {
	if text, ok := canonical(value); ok {
		return []byte(text)
	}
	return value
}

// plainText returns what a string without escapes stands for: most items of
// lists are such, and need no decoder.
func plainText(value []byte) (string, bool) {
	v := bytes.TrimSpace(value)
	if len(v) < 2 || v[0] != '"' || v[len(v)-1] != '"' {
		return "", false
	}
	v = v[1 : len(v)-1]
	for _, c := range v {
		if c == '"' || c == '\\' || c < ' ' {
			return "", false
		}
	}
	return string(v), utf8.Valid(v)
}

// plainNumber is the canonical text of a number, which needs no decoder either.
func plainNumber(value []byte) (string, bool) {
	v := bytes.TrimSpace(value)
	if len(v) == 0 || v[0] != '-' && (v[0] < '0' || v[0] > '9') || !json.Valid(v) {
		return "", false
	}
	return numberText(v), true
}

func numberText(number []byte) string {
	d, ok := parseDecimal(number)
	if !ok {
		return string(number)
	}
	sign := "+"
	if d.negative {
		sign = "-"
	}
	return sign + d.digits + "e" + strconv.FormatInt(d.exp, 10)
}

// appendCanonical writes a letter for the type and, where the end would not be
// plain, the length, so that no two different values have the same text.
func appendCanonical(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, 'n')
	case bool:
		return append(b, strconv.FormatBool(v)[0])
	case json.Number:
		return appendSized(append(b, '0'), numberText([]byte(v)))
	case string:
		return appendSized(append(b, '"'), v)
	case []any:
		b = binary.AppendUvarint(append(b, '['), uint64(len(v)))
		for _, item := range v {
			b = appendCanonical(b, item)
		}
		return b
	case map[string]any:
		b = binary.AppendUvarint(append(b, '{'), uint64(len(v)))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			b = appendCanonical(appendSized(b, name), v[name])
		}
	}
	return b
}

func appendSized(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
