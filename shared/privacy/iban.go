package privacy

import "strings"

// minIBANDigits is how many digits stand near each other in any IBAN.
const minIBANDigits = 7

// minIBANRun is how many digits stand together where letters are among the rest.
const minIBANRun = 3

// ibanLengths are the lengths of the registry of ISO 13616, by country.
var ibanLengths = map[string]int{
	"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29, "BY": 28,
	"CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
	"FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HN": 28, "HR": 21, "HU": 28,
	"IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
	"LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28,
	"NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24,
	"SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26,
	"UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}

// ibanFrom reads an IBAN that begins at start, with or without spaces.
func ibanFrom(text string, start int) (span, bool) {
	if start < 0 || start+15 > len(text) || start > 0 && inWord(text[start-1]) {
		return span{}, false
	}
	want := ibanLengths[strings.ToUpper(text[start:start+2])]
	if want == 0 || !isDigit(text[start+2]) || !isDigit(text[start+3]) {
		return span{}, false
	}
	value := make([]byte, 0, want)
	end := start
	for end < len(text) && len(value) < want {
		c := text[end]
		switch {
		case isDigit(c):
			value = append(value, c)
		case isLetter(c):
			value = append(value, c&^0x20)
		case (c == ' ' || c == '-') && len(value)%4 == 0:
		default:
			return span{}, false
		}
		end++
	}
	if len(value) < want || end < len(text) && inWord(text[end]) || !mod97(value) {
		return span{}, false
	}
	return span{start, end, Found{IBAN, string(value)}}, true
}

// mod97 checks an IBAN's check digits (ISO 7064).
func mod97(value []byte) bool {
	rest := 0
	for i := range value {
		c := value[(i+4)%len(value)]
		if isDigit(c) {
			rest = (rest*10 + int(c-'0')) % 97
		} else {
			rest = (rest*100 + int(c-'A') + 10) % 97
		}
	}
	return rest == 1
}

// ibanAround looks for an IBAN that has letters before its long run of digits:
// from each beginning of a word before i.
func ibanAround(text string, i, from int) (span, bool) {
	for start := i; start >= from && i-start < 40; start-- {
		c := text[min(start, len(text)-1)]
		if !isDigit(c) && !isLetter(c) && c != ' ' && c != '-' {
			break
		}
		if isLetter(c) && (start == 0 || !inWord(text[start-1])) {
			if s, ok := ibanFrom(text, start); ok && s.end > i {
				return s, true
			}
		}
	}
	return span{}, false
}
