package expression

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// token is one word of an expression.
type token struct {
	kind byte // 's' string, 'n' number, 'w' word, 'o' operator or bracket, 0 the end
	text string
	num  float64
	at   int // byte offset
}

// lex cuts a where expression into tokens.
func lex(in string) ([]token, error) {
	if !utf8.ValidString(in) || strings.IndexByte(in, 0) >= 0 {
		return nil, Wrong("the expression is not valid UTF-8 or holds a NUL character")
	}
	var out []token
	for i := 0; i < len(in); {
		c := in[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '"' || c == '\'':
			text, n, err := lexString(in[i:], i)
			if err != nil {
				return nil, err
			}
			out = append(out, token{kind: 's', text: text, at: i})
			i += n
		case isDigit(c) || c == '.' && i+1 < len(in) && isDigit(in[i+1]):
			n := lexNumber(in[i:])
			f, err := strconv.ParseFloat(in[i:i+n], 64)
			if err != nil || math.IsInf(f, 0) {
				return nil, Wrong("the number at byte %d cannot be read", i)
			}
			out = append(out, token{kind: 'n', num: f, at: i})
			i += n
		case isLetter(c):
			n := 1
			for i+n < len(in) && (isLetter(in[i+n]) || isDigit(in[i+n])) {
				n++
			}
			out = append(out, token{kind: 'w', text: in[i : i+n], at: i})
			i += n
		default:
			op := operatorAt(in[i:])
			if op == "" {
				return nil, Wrong("the character at byte %d is not part of any expression", i)
			}
			out = append(out, token{kind: 'o', text: op, at: i})
			i += len(op)
		}
	}
	return append(out, token{at: len(in)}), nil
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' }

// operators are all that Mixpanel has, the supported and the others, so that an
// error can name the one that is missing. Longer ones come first.
var operators = []string{"==", "!=", ">=", "<=", ">", "<", "(", ")", "[", "]", ",", "+", "-", "*", "/", "%"}

func operatorAt(in string) string {
	for _, op := range operators {
		if strings.HasPrefix(in, op) {
			return op
		}
	}
	return ""
}

func lexNumber(in string) int {
	n := 0
	for n < len(in) && (isDigit(in[n]) || in[n] == '.') {
		n++
	}
	if n < len(in) && (in[n] == 'e' || in[n] == 'E') {
		m := n + 1
		if m < len(in) && (in[m] == '+' || in[m] == '-') {
			m++
		}
		for ; m < len(in) && isDigit(in[m]); m++ {
			n = m + 1
		}
	}
	return n
}

// lexString reads a string in double or single quotes with the escapes of JSON
// and of Python, which Mixpanel's users write.
func lexString(in string, at int) (text string, n int, err error) {
	var b strings.Builder
	end := in[0]
	for i := 1; i < len(in); i++ {
		c := in[i]
		switch {
		case c == end:
			return b.String(), i + 1, nil
		case c != '\\':
			b.WriteByte(c)
		case i+1 < len(in):
			i++
			switch e := in[i]; e {
			case '"', '\'', '\\', '/':
				b.WriteByte(e)
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case 'r':
				b.WriteByte('\r')
			case 'u':
				code, errCode := strconv.ParseUint(in[i+1:min(i+5, len(in))], 16, 16)
				if errCode != nil || i+5 > len(in) || code == 0 || code >= 0xd800 && code < 0xe000 {
					return "", 0, Wrong(`the escape \u in the string at byte %d is not a character; write the character itself`, at)
				}
				b.WriteRune(rune(code))
				i += 4
			default:
				return "", 0, Wrong("an escape in the string at byte %d is not known", at)
			}
		}
	}
	return "", 0, Wrong("the string at byte %d does not end", at)
}
