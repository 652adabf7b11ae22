package privacy_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
)

// The values here are made from the formats' own definitions and not from the
// rules: a table that both used would hide what it lacks.

// kind is a kind of personal value. Of numbers no digits may stay either.
type kind struct {
	name   string
	number bool
	make   func(*rand.Rand) string
}

var kinds = []kind{
	{"email", false, makeEmail}, {"phone", true, makePhone}, {"card", true, makeCard}, {"iban", true, makeIBAN},
	{"ipv4", false, makeIPv4}, {"ipv6", false, makeIPv6}, {"jwt", false, makeJWT}, {"api_key", false, makeKey},
}

const (
	lowerLetters = "abcdefghijklmnopqrstuvwxyz"
	upperLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	tenDigits    = "0123456789"
	hexLetters   = tenDigits + "abcdef"
	alphanumeric = lowerLetters + upperLetters + tenDigits
	base64URL    = alphanumeric + "-_"
)

func oneOf[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func drawn(r *rand.Rand, alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

// shaped fills a form: n is any digit, m one from 2 to 9, as the first of an
// American area or a subscriber's number is. Everything else stays.
func shaped(r *rand.Rand, form string) string {
	var b strings.Builder
	for i := 0; i < len(form); i++ {
		switch form[i] {
		case 'n':
			b.WriteString(drawn(r, tenDigits, 1))
		case 'm':
			b.WriteString(drawn(r, "23456789", 1))
		default:
			b.WriteByte(form[i])
		}
	}
	return b.String()
}

var (
	givenNames  = []string{"jane", "Lars", "maria", "Aoife", "jean-luc", "noor", "Priya", "sven", "giulia", "tom", "o'neil", "björn"}
	familyNames = []string{"doe", "Lindqvist", "garcia", "MacLeod", "dupont", "de_vries", "sharma", "rossi", "smith92", "jones"}
	mailHosts   = []string{"example.com", "gmail.com", "mail.example.co.uk", "web.de", "orange.fr", "Example.ORG", "sub.dept.example.edu", "posteo.email",
		"my-shop.io", "123.example.net", "xn--bcher-kva.example", "example.museum", "company.xn--p1ai"}
)

// makeEmail follows the mailbox of RFC 5321 as people have them.
func makeEmail(r *rand.Rand) string {
	given, family := oneOf(r, givenNames...), oneOf(r, familyNames...)
	local := oneOf(r, given+"."+family, given+family, family, given[:1]+"."+family, given+"_"+family, given+"+"+family, given+"-"+family, fmt.Sprint(family, r.IntN(2030)))
	if r.IntN(20) == 0 {
		local = strings.ToUpper(local)
	}
	return local + "@" + oneOf(r, mailHosts...)
}

// phoneForms are how people of each country write their numbers, from the
// national numbering plans: trunk zero, area, subscriber, and the same for abroad.
var phoneForms = map[string][]string{
	"US": {"(mnn) mnn-nnnn", "mnn-mnn-nnnn", "mnn.mnn.nnnn", "mnn mnn nnnn", "(mnn)mnn-nnnn", "1-mnn-mnn-nnnn", "1 (mnn) mnn-nnnn", "+1 mnn mnn nnnn", "+1 (mnn) mnn-nnnn", "+1mnnmnnnnnn", "+1-mnn-mnn-nnnn", "+1.mnn.mnn.nnnn"},
	"GB": {"07nnn nnnnnn", "07nnn nnn nnn", "07nnn-nnnnnn", "020 mnnn nnnn", "(020) mnnn nnnn", "0161 mnn nnnn", "01mnn nnnnnn", "+44 7nnn nnnnnn", "+44 20 mnnn nnnn", "+44 (0)20 mnnn nnnn", "+44(0)7nnn nnnnnn", "+447nnnnnnnnn", "0044 7nnn nnnnnn"},
	"DE": {"0171 nnnnnnn", "0171/nnnnnnn", "0171-nnnnnnn", "030 mnnnnnnn", "030/mnnnnnnn", "030 - mnnnnnnn", "(030) mnnnnnnn", "089 mnn nnn nn", "+49 171 nnnnnnn", "+49 (0)30 mnnnnnnn", "+49 30 mnnnnnnn", "+49171nnnnnnn", "0049 171 nnnnnnn", "0049171nnnnnnn", "+49-171-nnnnnnn", "+49 (171) nnnnnnn"},
	"FR": {"06 nn nn nn nn", "01 mn nn nn nn", "06.nn.nn.nn.nn", "06-nn-nn-nn-nn", "+33 6 nn nn nn nn", "+33 (0)6 nn nn nn nn", "+336nnnnnnnn", "+33.6.nn.nn.nn.nn", "0033 6 nn nn nn nn"},
	"ES": {"6nn nn nn nn", "91 mnn nn nn", "+34 6nn nnn nnn", "+34 6nn nn nn nn", "+34 91 mnn nn nn", "+346nnnnnnnn", "0034 6nn nnn nnn", "(+34) 6nn nnn nnn"},
	"IT": {"34n mnn nnnn", "34n nnnnnnn", "06 mnnn nnnn", "02 mnnnnnn", "+39 34n nnn nnnn", "+39 06 mnnn nnnn", "+3934nnnnnnnn", "0039 34n nnnnnnn", "+39 34n-nnnnnnn"},
	"SE": {"070-nnn nn nn", "070 nnn nn nn", "0701-nn nn nn", "08-mnn nnn nn", "08-mnn nn nn", "+46 70 nnn nn nn", "+46 (0)70-nnn nn nn", "+4670nnnnnnn", "0046 70 nnn nn nn", "004670nnnnnnn", "+46-70-nnnnnnn"},
	"NL": {"06 nnnnnnnn", "06-nnnnnnnn", "06 nn nn nn nn", "020 mnn nnnn", "020-mnnnnnn", "+31 6 nnnnnnnn", "+31 (0)20 mnnnnnn", "+31 (0)6-nnnnnnnn", "+316nnnnnnnn", "0031 6 nnnnnnnn"},
	"IN": {"9nnnn nnnnn", "09nnnn nnnnn", "022-mnnn nnnn", "080 mnnn nnnn", "+91 9nnnn nnnnn", "+91-9nnnn-nnnnn", "+91-9nnnnnnnnn", "+919nnnnnnnnn", "+91 22 mnnn nnnn", "0091 9nnnn nnnnn", "00919nnnnnnnnn"},
}

var phoneCountries = []string{"US", "GB", "DE", "FR", "ES", "IT", "SE", "NL", "IN"}

func makePhone(r *rand.Rand) string {
	return shaped(r, oneOf(r, phoneForms[oneOf(r, phoneCountries...)]...))
}

// makeBarePhone makes what nobody can tell from another number without a name:
// digits alone, and groups that thousands and order numbers have as well.
func makeBarePhone(r *rand.Rand) string {
	return shaped(r, oneOf(r, "mnnmnnnnnn", "07nnnnnnnnn", "06nnnnnnnn", "0171nnnnnnn", "6nnnnnnnn", "34nnnnnnnn", "070nnnnnnn", "9nnnnnnnnn", "6nn nnn nnn", "34n-nnnnnnn", "mnn-nnnn"))
}

// makeCard makes a card by its issuer's range and length, with Luhn's digit
// (ISO/IEC 7812), bare or in the groups that are printed on it.
func makeCard(r *rand.Rand) string {
	var issuer struct {
		start  string
		length int
		groups []int
	}
	set := func(length int, groups []int, starts ...string) {
		issuer.start, issuer.length, issuer.groups = oneOf(r, starts...), length, groups
	}
	fours := []int{4, 4, 4, 4}
	switch n := r.IntN(200); {
	case n < 80:
		set(16, fours, "4")
	case n < 82:
		set(19, []int{4, 4, 4, 4, 3}, "4", "62")
	case n < 83:
		set(13, []int{4, 3, 3, 3}, "4")
	case n < 140:
		set(16, fours, "51", "52", "53", "54", "55", "2221", "23", "26", "271", "2720")
	case n < 160:
		set(15, []int{4, 6, 5}, "34", "37")
	case n < 170:
		set(16, fours, "6011", "644", "649", "65", "622126", "622925")
	case n < 180:
		set(14, []int{4, 6, 4}, "36", "38", "300", "305", "39")
	case n < 190:
		set(16, fours, "3528", "3589", "355", "62", "81")
	default:
		set(16, fours, "5018", "5020", "5038", "6304", "6759", "6761", "6763", "2200", "2204", "60", "508")
	}
	body := issuer.start + drawn(r, tenDigits, issuer.length-1-len(issuer.start))
	number := body + luhnDigit(body)
	if issuer.length == 13 {
		return number // these were gone before anybody typed them in groups
	}
	return inGroups(number, oneOf(r, "", "", " ", "-"), issuer.groups...)
}

func luhnDigit(body string) string {
	for d := range 10 {
		sum := d
		for i := range len(body) {
			v := int(body[len(body)-1-i] - '0')
			if i%2 == 0 {
				v = v*2/10 + v*2%10
			}
			sum += v
		}
		if sum%10 == 0 {
			return fmt.Sprint(d)
		}
	}
	panic("one of ten digits always fits")
}

func inGroups(s, separator string, lengths ...int) string {
	var b strings.Builder
	for i := 0; s != ""; i++ {
		n := min(lengths[i%len(lengths)], len(s))
		if i > 0 {
			b.WriteString(separator)
		}
		b.WriteString(s[:n])
		s = s[n:]
	}
	return b.String()
}

// accounts are national parts of IBANs as the registry of ISO 13616 gives them:
// n digits, A letters, x either, of which people's are mostly digits.
var accounts = []string{
	"DE18n", "GB4A14n", "FR10n11x2n", "NL4A10n", "ES20n", "IT1A10n12x", "SE20n", "CH5n12x", "AT16n", "BE12n", "PL24n", "PT21n", "NO11n", "DK14n", "FI14n",
	"IE4A14n", "MT4A5n18x", "LU3n13x", "SA2n18x", "AE19n", "TR6n16x", "BR23n1A1x", "GR7n16x", "CZ20n", "KW4A22x", "RO4A16x", "HU24n", "BG4A6n8x", "LV4A13x", "EE16n",
}

func makeIBAN(r *rand.Rand) string {
	form := oneOf(r, accounts...)
	country, account := form[:2], ""
	for rest := form[2:]; rest != ""; {
		var n int
		var of byte
		if _, err := fmt.Sscanf(rest, "%d%c", &n, &of); err != nil {
			panic(err)
		}
		_, rest, _ = strings.Cut(rest, string(of))
		account += drawn(r, map[byte]string{'n': tenDigits, 'A': upperLetters, 'x': strings.Repeat(tenDigits, 12) + upperLetters}[of], n)
	}
	rest := 0
	for _, c := range account + country + "00" {
		if c >= 'A' {
			rest = (rest*100 + int(c-'A') + 10) % 97
		} else {
			rest = (rest*10 + int(c-'0')) % 97
		}
	}
	number := country + fmt.Sprintf("%02d", 98-rest) + account
	if r.IntN(8) == 0 {
		number = strings.ToLower(number)
	}
	return inGroups(number, oneOf(r, "", "", " ", " ", "-"), 4)
}

func makeIPv4(r *rand.Rand) string {
	a := fmt.Sprintf("%d.%d.%d", r.IntN(256), r.IntN(256), 1+r.IntN(254))
	first := fmt.Sprint(oneOf(r, 1+r.IntN(126), 128+r.IntN(96))) + "."
	a = oneOf(r, first+a, first+a, first+a, shaped(r, "m.m.m.m"), "10."+a, "192.168."+fmt.Sprintf("%d.%d", r.IntN(256), 1+r.IntN(254)))
	return a
}

func makeIPv6(r *rand.Rand) string {
	var a [16]byte
	for i := range a {
		a[i] = byte(r.IntN(256))
	}
	copy(a[:], oneOf(r, "\x20\x01\x0d\xb8", "\x2a\x02\x81\x09", "\xfe\x80\x00\x00\x00\x00\x00\x00", "\x26\x07\xf8\xb0", "\xfd\x12"))
	if r.IntN(2) == 0 {
		clear(a[4 : 6+r.IntN(9)])
	}
	address := netip.AddrFrom16(a)
	mapped := fmt.Sprintf("::ffff:%d.%d.%d.%d", 128+r.IntN(96), r.IntN(256), r.IntN(256), r.IntN(256))
	return oneOf(r, address.String(), address.String(), address.StringExpanded(), strings.ToUpper(address.String()), mapped)
}
