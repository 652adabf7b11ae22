package privacy

import (
	"strings"
	"unicode/utf8"
)

// nameHint is what the name of a value says about it.
type nameHint uint8

const (
	nameOfAnything nameHint = iota
	nameOfPhone
	nameOfSecret  // the value is one, whatever it looks like
	nameOfVersion // a version or a build
	nameOfNumber  // an order's or another thing's own number
)

var secretNames = map[string]bool{
	"password": true, "passwd": true, "pwd": true, "passphrase": true, "secret": true, "clientsecret": true, "accesstoken": true,
	"refreshtoken": true, "idtoken": true, "authtoken": true, "authorization": true, "apikey": true, "secretkey": true,
	"privatekey": true, "ssn": true, "socialsecuritynumber": true, "cvv": true, "cvc": true, "cardcvc": true, "pin": true, "otp": true,
	"sessiontoken": true, "cookie": true, "setcookie": true,
}

// maxHintedName is how long a name may be that says anything.
const maxHintedName = 64

// isTelling tells names that call their value a secret or a phone.
func isTelling(name string) bool {
	if len(name) > maxHintedName {
		return false
	}
	var scratch [maxHintedName]byte
	plain := string(appendPlain(scratch[:0], name))
	return secretNames[plain] || isPhoneName(plain)
}

// appendPlain appends what plainName makes of a name.
func appendPlain(b []byte, name string) []byte {
	for i := range len(name) {
		switch c := name[i]; {
		case c >= utf8.RuneSelf:
			return append(b[:0], plainName(name)...)
		case c == '$', c == '_', c == '-', c == ' ', c == '.':
		case 'A' <= c && c <= 'Z':
			b = append(b, c|0x20)
		default:
			b = append(b, c)
		}
	}
	return b
}

// hintOf reads a member's name.
func hintOf(name string) nameHint {
	if len(name) > maxHintedName {
		return nameOfAnything
	}
	var scratch [maxHintedName]byte
	plain := string(appendPlain(scratch[:0], name))
	switch {
	case secretNames[plain]:
		return nameOfSecret
	case isPhoneName(plain):
		return nameOfPhone
	case strings.Contains(plain, "version") || strings.Contains(plain, "build") || strings.Contains(plain, "firmware") || strings.Contains(plain, "release"):
		return nameOfVersion
	case strings.Contains(plain, "card") || plain == "pan":
		return nameOfAnything
	case strings.HasSuffix(plain, "id") || strings.Contains(plain, "order") || strings.Contains(plain, "invoice") || strings.Contains(plain, "tracking") ||
		strings.Contains(plain, "serial") || strings.Contains(plain, "transaction") || strings.Contains(plain, "sku") || strings.Contains(plain, "ean") ||
		strings.Contains(plain, "barcode") || strings.Contains(plain, "imei") || strings.HasPrefix(plain, "ref"):
		return nameOfNumber
	}
	return nameOfAnything
}

func isPhoneName(plain string) bool {
	for _, word := range [...]string{"phone", "mobilenumber", "telephone", "msisdn", "whatsapp", "cellnumber"} {
		if strings.Contains(plain, word) {
			return true
		}
	}
	switch plain {
	case "tel", "mobile", "cell", "fax", "phones", "mobiles", "sms", "smsto", "callerid":
		return true
	}
	return strings.HasSuffix(plain, "fax")
}
