package privacy

import "strings"

// nextMember finds the first member of an object at or after a place: from its
// name's quote to the end of its value. The text was read by a cursor before, so
// only ends are looked for. It returns false at the object's end, and where the
// text is not what it should be: what is left is then nobody's member.
func nextMember(json string, at int) (start, end int, ok bool) {
	for at < len(json) && (isBlank(json[at]) || json[at] == ',') {
		at++
	}
	if at >= len(json) || json[at] != '"' {
		return at, at, false
	}
	start = at
	at = stringEnd(json, at)
	for at < len(json) && (isBlank(json[at]) || json[at] == ':') {
		at++
	}
	end = valueEnd(json, at)
	return start, end, end > at
}

// valueEnd is the place after the value that begins at i.
func valueEnd(json string, i int) int {
	if i >= len(json) {
		return i
	}
	switch json[i] {
	case '"':
		return stringEnd(json, i)
	case '{', '[':
		return nestedEnd(json, i)
	}
	for i < len(json) && json[i] != ',' && json[i] != '}' && json[i] != ']' && !isBlank(json[i]) {
		i++
	}
	return i
}

func nestedEnd(json string, i int) int {
	depth := 0
	for i < len(json) {
		switch json[i] {
		case '"':
			i = stringEnd(json, i)
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

// stringEnd is the place after the string that begins at i.
func stringEnd(json string, i int) int {
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
