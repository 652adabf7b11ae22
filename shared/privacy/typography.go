package privacy

import (
	"strings"
	"unicode/utf8"
)

// Word processors and phones' keyboards write what separates the groups of a number
// in other ways than keyboards of computers do: a blank that does not break, a dash
// that is no hyphen. East Asian ones have wide digits and signs.

// isTypographic tells that a text holds a byte with which such characters begin.
func isTypographic(text string) bool {
	for i := range len(text) {
		switch text[i] {
		case 0xc2, 0xe2, 0xe3, 0xef:
			return true
		}
	}
	return false
}

// typewritten is a text with these characters as a typewriter has them. places says
// where in the text each byte of the result, and its end, come from.
func typewritten(text string) (plain string, places []int) {
	var b strings.Builder
	places = make([]int, 0, len(text)+1)
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		if c := typed(r); c != 0 {
			b.WriteByte(c)
			places = append(places, at)
		} else {
			b.WriteString(text[at : at+size])
			for i := range size {
				places = append(places, at+i)
			}
		}
		at += size
	}
	return b.String(), append(places, len(text))
}

// typed is the typewriter's character for one that looks like it, 0 for all others.
func typed(r rune) byte {
	switch {
	case r == 0xa0, r >= 0x2000 && r <= 0x200a, r == 0x202f, r == 0x205f, r == 0x3000: // blanks
		return ' '
	case r >= 0x2010 && r <= 0x2015, r == 0x2212: // hyphens, dashes, minus
		return '-'
	case r >= 0xff01 && r <= 0xff5e: // wide ASCII
		return byte(r - 0xff01 + '!')
	}
	return 0
}
