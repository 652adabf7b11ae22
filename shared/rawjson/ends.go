package rawjson

import "strings"

// Text that a cursor has read before needs no second check. What follows looks for
// ends only; in text that was not read they may lie anywhere, but never outside.

// NextMember finds the first member of an object at or after a place inside it: from
// its name's quote to the end of its value. It returns false at the object's end,
// and where the text is not what it should be: what is left is then nobody's member.
func NextMember(json string, at int) (start, end int, ok bool) {
	for at < len(json) && (IsSpace(json[at]) || json[at] == ',') {
		at++
	}
	if at >= len(json) || json[at] != '"' {
		return at, at, false
	}
	start = at
	at = StringEnd(json, at)
	for at < len(json) && (IsSpace(json[at]) || json[at] == ':') {
		at++
	}
	end = ValueEnd(json, at)
	return start, end, end > at
}

// ValueEnd is the place after the value that begins at i.
func ValueEnd(json string, i int) int {
	if i >= len(json) {
		return i
	}
	switch json[i] {
	case '"':
		return StringEnd(json, i)
	case '{', '[':
		return nestedEnd(json, i)
	}
	for i < len(json) && json[i] != ',' && json[i] != '}' && json[i] != ']' && !IsSpace(json[i]) {
		i++
	}
	return i
}

func nestedEnd(json string, i int) int {
	depth := 0
	for i < len(json) {
		switch json[i] {
		case '"':
			i = StringEnd(json, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return i
}

// StringEnd is the place after the string that begins at i.
func StringEnd(json string, i int) int {
	for at := i + 1; ; {
		next := strings.IndexByte(json[at:], '"')
		if next < 0 {
			return len(json)
		}
		at += next
		slashes := at
		for slashes > i+1 && json[slashes-1] == '\\' {
			slashes--
		}
		at++
		if (at-1-slashes)%2 == 0 {
			return at
		}
	}
}

// IsName tells whether the string that ended before a place is a member's name: a
// colon comes.
func IsName(json string, end int) bool {
	for end < len(json) && IsSpace(json[end]) {
		end++
	}
	return end < len(json) && json[end] == ':'
}

// IsSpace tells JSON's white space (RFC 8259).
func IsSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }
