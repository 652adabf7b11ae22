package privacy

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// What stands for the part of a path that was taken out.
const (
	idWord     = ":id"
	emailWord  = ":email"
	handleWord = ":handle"
)

// longWord is the length from which one unbroken word is no word of a language.
const longWord = 40

// appendGeneral appends what stands for one decoded segment.
func appendGeneral(dst []byte, s string, after place) []byte {
	if isTokenText(s) {
		return append(dst, s...)
	}
	if at := strings.LastIndexByte(s, '@'); at == 0 && len(s) > 1 {
		return append(dst, handleWord...)
	} else if at > 0 {
		from := len(dst)
		if dst = appendWords(dst, s[:at]); isPackageVersion(s[at+1:]) && string(dst[from:]) == s[:at] && !strings.Contains(s[:at], ":") {
			return append(dst, s[at:]...)
		}
		return append(dst[:from], emailWord...) // an e-mail, or a user and password
	}
	if name, value, ok := strings.Cut(s, "="); ok && name != "" && value != "" && !strings.Contains(value, "=") {
		dst = append(appendGeneral(dst, name, after), '=')
		return appendGeneral(dst, value, placeAfter(name))
	}
	stem, extension := cutExtension(s)
	general := false
	switch after {
	case afterPeople:
		general = !isPage(stem)
	case afterLink:
		general = !isPage(stem) && !isPlainWord(stem)
	case afterOrders:
		general = isDigits(stem)
	default:
		general = isDigits(stem) && len(stem) >= 3 && !isYear(stem)
	}
	switch {
	case alreadyGeneral(stem):
		dst = append(dst, stem...)
	case general || isLongNumber(stem) || isScrambled(stem):
		dst = append(dst, idWord...)
	default:
		dst = appendWords(dst, stem)
	}
	return append(dst, extension...)
}

// alreadyGeneral tells what a router calls a parameter, this package's own words
// among them: ":id", "{userId}", "[slug]", "<id>".
func alreadyGeneral(s string) bool {
	inner := strings.TrimLeft(s, "[{<:.")
	if len(inner) == len(s) || len(inner) > 24 || s[0] == '.' {
		return false
	}
	inner = strings.TrimRight(inner, "]}>*?")
	for i := range len(inner) {
		if !isLatin(inner[i]) && inner[i] != '_' && inner[i] != '-' {
			return false
		}
	}
	return inner != ""
}

// isTokenText tells a token of the vault, which already stands for a value.
func isTokenText(s string) bool {
	i := len(s) - 33
	if i <= 0 || s[i] != '_' || !slices.Contains(Rules, Rule(s[:i])) {
		return false
	}
	return isHexText(s[i+1:])
}

// isPackageVersion tells "react@18.2.0", "lodash@latest" and "logo@2x.png" from
// an e-mail.
func isPackageVersion(s string) bool {
	s, _ = cutExtension(s)
	switch s {
	case "latest", "next", "2x", "3x":
		return true
	}
	s = strings.TrimLeft(s, "v^~")
	return s != "" && len(s) <= len("999.99.99") && s[0]-'0' <= 9 && strings.Trim(s, "0123456789.") == "" &&
		strings.Count(s, ".") <= 2 && !isLongNumber(s)
}

// extensions are the endings that make a segment a file's name.
var extensions = []string{
	"html", "htm", "xhtml", "php", "asp", "aspx", "jsp", "do", "cgi", "js", "mjs", "css", "map", "json", "xml", "rss",
	"txt", "md", "csv", "pdf", "png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico", "mp3", "mp4", "webm",
	"woff", "woff2", "ttf", "zip", "gz", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "ics", "wasm",
}

func cutExtension(s string) (stem, extension string) {
	i := strings.LastIndexByte(s, '.')
	if i <= 0 || len(s)-i-1 > 5 || !foldedIn(extensions, s[i+1:]) {
		return s, ""
	}
	return s[:i], s[i:]
}

// isLongNumber tells numbers that are written with punctuation: phones,
// coordinates, serial numbers. A date has a year among its groups.
func isLongNumber(s string) bool {
	digits, group, year := 0, 0, false
	for i := 0; i <= len(s); i++ {
		if i < len(s) && s[i]-'0' <= 9 {
			digits++
			group++
			continue
		}
		if i < len(s) && (isLatin(s[i]) || s[i] >= utf8.RuneSelf) {
			return false
		}
		year = year || group == 4 && isYear(s[i-4:i])
		group = 0
	}
	return digits >= 7 && (!year || digits > 8)
}

// isScrambled tells a random token as a whole where its alphabet has - and _:
// long, in both cases, with digits, and for the greater part not made of words.
func isScrambled(s string) bool {
	odd, length, digit, upper := 0, 0, false, false
	for rest := s; rest != ""; {
		var w word
		w, rest = nextWord(rest)
		if w.skipped != "" && w.skipped != "-" && w.skipped != "_" {
			return false
		}
		if len(w.text) >= 3 && w.digits == 0 && isPlainWord(w.text) {
			return false // a word: what is wrong with the others, appendWords finds
		}
		length += len(w.text)
		digit, upper = digit || w.digits > 0, upper || w.uppers > 0
		if w.isOdd() {
			odd += len(w.text)
		}
	}
	return length >= 16 && digit && upper && odd*2 > length
}

// appendWords appends a segment of words: those that are ids become general, and
// ids in a row become one.
func appendWords(dst []byte, s string) []byte {
	var before word
	afterID, first := false, true
	for rest := s; rest != ""; {
		at := s[len(s)-len(rest):]
		var w word
		w, rest = nextWord(rest)
		if n := uuidLength(at[len(w.skipped):]); n > 0 {
			rest = at[len(w.skipped)+n:]
			w.text = at[len(w.skipped) : len(w.skipped)+n]
		}
		end := first || !beginsWord(rest)
		switch {
		case w.text == "" || !w.isID(before.text, end):
			dst = append(append(dst, w.skipped...), w.text...)
			afterID = false
		case afterID && len(w.skipped) == 1:
		default:
			dst = append(append(dst, w.skipped...), idWord...)
			afterID = true
		}
		before, first = w, false
	}
	return dst
}
