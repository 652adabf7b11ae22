package privacy

import "strings"

// A text is scanned in two steps. A loop over every second byte asks two tables
// whether a pair of bytes can belong to anything at all; it costs half a
// nanosecond a byte and hits little in ordinary text. Where it hits, the rules
// look closely. A pair at every second byte is enough, since whatever is looked
// for is at least three bytes long, so one of its first two pairs is asked.

// What a pair may belong to. Where either of two bytes alone is enough, each order
// has a bit, or every pair would hit.
const (
	mayNumber  uint32 = 1 << iota // a run of digits and what stands between them
	mayEmail                      // something and @
	mayEmail2                     // @ and something
	mayEncoded                    // %4, 40
	mayColons                     // hexadecimal and a colon
	mayJWT
	mayKey
	mayParameter // something and =
	mayParameter2
	mayEncoded3 // %3, 3D
)

// first and second are the tables: a pair may be something where both have its
// bit. keyPairs are the pairs of API keys' beginnings, which are many, one by one.
var (
	first, second [256]uint32
	keyPairs      [1 << 10]uint64
)

func register(bit uint32, a, b string) {
	for i := range len(a) {
		first[a[i]] |= bit
	}
	for i := range len(b) {
		second[b[i]] |= bit
	}
}

const (
	digits    = "0123456789"
	inNumber  = digits + " .-()+/"
	hexDigits = digits + "abcdefABCDEF"
)

func init() { //nolint:gochecknoinits // tables from the rules' own texts
	every := make([]byte, 256)
	for c := range every {
		every[c] = byte(c)
	}
	register(mayNumber, inNumber, digits+".") // of 8.8.8.8 every second pair ends in a point
	register(mayEmail, string(every), "@")
	register(mayEmail2, "@", string(every))
	register(mayEncoded, "%4", "40")
	// One order is enough: of two colons side by side, or of those of eight groups,
	// some stand second in a pair.
	register(mayColons, hexDigits+":", ":")
	register(mayJWT, "ey", "yJ")
	for _, k := range keyPrefixes {
		for i := range 2 {
			register(mayKey, k.prefix[k.rare+i:k.rare+i+1], k.prefix[k.rare+i+1:k.rare+i+2])
			pair := int(k.prefix[k.rare+i])<<8 | int(k.prefix[k.rare+i+1])
			keyPairs[pair>>6] |= 1 << (pair & 63)
		}
	}
	register(mayParameter, string(every), "=")
	register(mayParameter2, "=", string(every))
	register(mayEncoded3, "%3", "3Dd")
}

// span is where a finding stands in a text.
type span struct {
	start, end int
	Found
}

// scan finds what the rules recognise in a text, left to right, without overlaps.
// name says what the text is the value of.
func (p *Policy) scan(spans []span, text string, name nameHint) []span {
	looks, done, numbers, tokens := p.looks, 0, 0, 0
	if strings.IndexByte(text, '@') < 0 {
		looks &^= mayEmail | mayEmail2
	}
	if strings.IndexByte(text, '=') < 0 {
		looks &^= mayParameter | mayParameter2
	}
	for i := 0; i+1 < len(text); i += 2 {
		hit := first[text[i]] & second[text[i+1]] & looks
		if hit == 0 || i+1 < done {
			continue
		}
		if hit&mayKey != 0 && !isKeyPair(text[i], text[i+1]) {
			hit &^= mayKey // bytes of two keys
		}
		if i < numbers {
			hit &^= mayNumber
		}
		if hit == 0 {
			continue
		}
		s, ok := p.look(text, i, done, hit, name, &tokens)
		if hit&mayNumber != 0 && !ok {
			// The rest of the run was looked at, too, but for what is far from here.
			numbers = runEnd(text[:min(len(text), i+mostRun/2)], i)
		}
		if ok {
			spans, done = append(spans, s), s.end
			i = max(i, (s.end-1)&^1-2)
		}
	}
	return spans
}

// look asks the rules about the place of a pair that hit. It returns the leftmost
// finding that begins at or after from. Before tokens no JSON web token begins; look
// moves it on.
func (p *Policy) look(text string, i, from int, hit uint32, name nameHint, tokens *int) (best span, ok bool) {
	take := func(r Rule, start, end int, value string) {
		if end > start && start >= from && (!ok || start < best.start) {
			best, ok = span{start, end, Found{r, value}}, true
		}
	}
	if hit&(mayEmail|mayEmail2|mayEncoded) != 0 {
		start, end, value := emailAt(text, i, from)
		take(Email, start, end, value)
	}
	if hit&(mayParameter|mayParameter2|mayEncoded3) != 0 {
		start, end, value := parameterAt(text, i, from)
		take(Secret, start, end, value)
	}
	if hit&mayJWT != 0 && i >= *tokens {
		start, end, value, tried := jwtAt(text, i, from)
		take(JWT, start, end, value)
		*tokens = max(*tokens, tried)
	}
	if hit&mayKey != 0 && isKeyPair(text[i], text[i+1]) {
		start, end, value := keyAt(text, i, from)
		take(APIKey, start, end, value)
	}
	if hit&(mayColons) != 0 {
		start, end, value := address6At(text, i, from)
		take(IP, start, end, value)
	}
	if hit&mayNumber != 0 && !ok {
		if s, found := p.numberAt(text, i, from, name); found {
			best, ok = s, true
		}
	}
	return best, ok
}

func isKeyPair(a, b byte) bool {
	pair := int(a)<<8 | int(b)
	return keyPairs[pair>>6]&(1<<(pair&63)) != 0
}

// runEnd is where the run of digits and separators at i ends.
func runEnd(text string, i int) int {
	for i < len(text) && isInNumber[text[i]] {
		i++
	}
	return i
}

var isInNumber = func() (t [256]bool) {
	for i := range len(inNumber) {
		t[inNumber[i]] = true
	}
	return t
}()

// prepare works out which pairs are worth a look under the policy's actions.
func (p *Policy) prepare() *Policy {
	on := func(r Rule) bool { return p.actions[r] != Keep }
	p.card, p.iban, p.phone, p.ip = on(Card), on(IBAN), on(Phone), on(IP)
	add := func(use bool, bits uint32) {
		if use {
			p.looks |= bits
		}
	}
	add(on(Email), mayEmail|mayEmail2|mayEncoded)
	add(on(Secret), mayParameter|mayParameter2|mayEncoded3)
	add(on(JWT), mayJWT)
	add(on(APIKey), mayKey)
	add(on(IP), mayColons)
	add(p.card || p.iban || p.phone || p.ip, mayNumber)
	return p
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// inWord tells a byte that belongs to a word: beside it, digits are a part of
// something longer.
func inWord(c byte) bool { return isDigit(c) || isLetter(c) || c == '_' || c >= 0x80 }

// alone tells that no word goes on before start or after end.
func alone(text string, start, end int) bool {
	return (start == 0 || !inWord(text[start-1])) && (end == len(text) || !inWord(text[end]))
}
