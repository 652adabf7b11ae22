package privacy

import (
	"strings"
	"unicode/utf8"
)

// word is a run of letters and digits, and what tells whether somebody chose it
// or a machine did.
type word struct {
	skipped  string // punctuation before it
	text     string
	letters  int // characters that are letters
	digits   int
	uppers   int
	capitals int  // runs of upper case letters
	number   int  // length of its longest run of digits
	switches int  // from letter to digit, digit to letter, lower to upper case
	hex      bool // all of it is hexadecimal digits
}

// nextWord reads the next word of a segment and what stands before it. The last
// may be empty.
func nextWord(s string) (w word, rest string) {
	start := 0
	for start < len(s) && !isWordByte(s[start]) {
		start++
	}
	w.skipped = s[:start]
	end, run := start, 0
	w.hex = true
	var last byte // d, u or l
	inCapitals := false
	for end < len(s) && isWordByte(s[end]) {
		c := s[end]
		kind := byte('l')
		switch {
		case c-'0' <= 9:
			kind = 'd'
		case c-'A' < 26:
			kind = 'u'
		}
		if kind == 'd' {
			w.digits++
			run++
			w.number = max(w.number, run)
		} else {
			run = 0
			if kind == 'u' {
				w.uppers++
				if last == 'u' && !inCapitals {
					w.capitals++
				}
				inCapitals = last == 'u'
			}
			if utf8.RuneStart(c) {
				w.letters++
			}
		}
		if last != 0 && kind != last && (last != 'u' || kind != 'l') { // "Pr" in Pro is no switch
			w.switches++
		}
		w.hex = w.hex && hexDigit(c) < 16
		last = kind
		end++
	}
	w.text = s[start:end]
	return w, s[end:]
}

// beginsWord tells whether any word is left.
func beginsWord(s string) bool {
	for i := range len(s) {
		if isWordByte(s[i]) {
			return true
		}
	}
	return false
}

func isWordByte(c byte) bool { return isLatin(c) || c-'0' <= 9 || c >= utf8.RuneSelf }

// isID tells whether a word is an id. before is the word in front of it, end
// says that it is the first or the last of its segment, where sites put ids.
func (w *word) isID(before string, end bool) bool {
	length := w.letters + w.digits
	switch {
	case uuidLength(w.text) > 0:
		return true
	case w.digits == len(w.text):
		switch foldedPage(before) {
		case afterPeople:
			return true
		case afterOrders:
			return !isYear(w.text)
		default:
		}
		return w.digits >= 6 || end && w.digits >= 4 && !isYear(w.text) && !isStandard(before)
	case length >= longWord:
		return true
	case w.digits == 0:
		return length >= 10 && w.capitals >= 2 && (w.switches+w.capitals)*3 >= length // "NOyrHIqedNPZZi", not "XMLHttpRequest"
	case w.hex && length >= 16:
		return true
	case w.number >= 5:
		return !w.endsInStandard()
	case w.letters+w.digits > 2 && w.isNumbered():
		return true
	case length >= 16:
		return !w.endsInNumber()
	case length >= 10 && w.switches >= 2 && w.digits*3 >= length:
		return true
	}
	odd := w.switches
	if w.uppers < w.letters {
		odd += w.capitals
	}
	return length >= 8 && odd >= 3 && odd*3 >= length
}

// isOdd tells a word that nobody reads aloud; it alone does not make an id.
func (w *word) isOdd() bool {
	return w.digits > 0 && w.letters > 0 && !w.endsInNumber() || w.switches*4 >= len(w.text) && w.switches > 1
}

// endsInNumber tells "covid19" and "billing2024": letters, and at most four
// digits behind them.
func (w *word) endsInNumber() bool {
	return w.switches == 1 && w.digits <= 4 && w.text[len(w.text)-1]-'0' <= 9
}

// isNumbered tells "user42" and "order7": a person or an order and its number.
func (w *word) isNumbered() bool {
	name := w.text[:len(w.text)-w.digits]
	if !w.endsInNumber() || len(name) < 3 && w.digits < 3 {
		return false
	}
	kind := foldedPage(name)
	return kind == afterPeople || kind == afterOrders && !isYear(w.text[len(name):])
}

// isStandard tells who numbers what everybody reads: "iso-27001".
func isStandard(s string) bool {
	switch strings.ToLower(s) {
	case "iso", "iec", "din", "ieee", "rfc":
		return true
	}
	return false
}

func (w *word) endsInStandard() bool {
	return w.switches == 1 && w.digits <= 5 && isStandard(w.text[:len(w.text)-w.digits])
}

// uuidLength is 36 where s begins with a UUID, else 0.
func uuidLength(s string) int {
	const length = 36
	if len(s) < length || len(s) > length && isWordByte(s[length]) {
		return 0
	}
	for i := range length {
		switch i {
		case 8, 13, 18, 23:
			if s[i] != '-' {
				return 0
			}
		default:
			if hexDigit(s[i]) == 16 {
				return 0
			}
		}
	}
	return length
}

func isHexText(s string) bool {
	for i := range len(s) {
		if hexDigit(s[i]) == 16 {
			return false
		}
	}
	return s != ""
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return s != ""
}

// isYear tells years that pages are filed under.
func isYear(s string) bool {
	return len(s) == 4 && isDigits(s) && (s[:2] == "19" || s[:2] == "20")
}

// isPlainWord tells lower-case words, which pages are and secrets are not.
func isPlainWord(s string) bool {
	for i := range len(s) {
		if c := s[i]; c-'a' >= 26 && c != '-' && c != '_' && c < utf8.RuneSelf {
			return false
		}
	}
	return len(s) <= 24
}
