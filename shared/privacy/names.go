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
	nameOfPerson  // the value is somebody's name, birthday, street, or a hash of their e-mail
)

var secretNames = map[string]bool{
	"password": true, "passwd": true, "pwd": true, "passphrase": true, "secret": true, "clientsecret": true, "accesstoken": true,
	"refreshtoken": true, "idtoken": true, "authtoken": true, "authorization": true, "apikey": true, "secretkey": true,
	"privatekey": true, "ssn": true, "socialsecuritynumber": true, "cvv": true, "cvc": true, "cardcvc": true, "pin": true, "otp": true,
	"sessiontoken": true, "cookie": true, "setcookie": true,
}

// maxHintedName is how long a name may be that says anything.
const maxHintedName = 64

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
	case isPersonName(name, plain):
		return nameOfPerson
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

// unambiguous are names of properties that say something of a person wherever they
// stand. Of "name", "address" and "lat" nobody can tell: they are products' and
// shops' as often.
var unambiguous = map[string]bool{
	"firstname": true, "lastname": true, "fullname": true, "givenname": true, "familyname": true, "middlename": true, "maidenname": true,
	"surname": true, "forename": true, "realname": true, "vorname": true, "nachname": true, "prenom": true,
	"birthday": true, "birthdate": true, "dateofbirth": true, "dob": true, "streetaddress": true, "homeaddress": true, "postaladdress": true,
	"passport": true, "passportnumber": true, "nationalid": true, "taxid": true, "driverslicense": true, "licenseplate": true,
	"emailhash": true, "hashedemail": true, "emailsha256": true, "emailsha1": true, "emailmd5": true, "sha256email": true, "sha256emailaddress": true, "md5email": true,
	"phonehash": true, "hashedphone": true, "phonesha256": true, "sha256phonenumber": true,
}

// isPersonName tells names of event properties whose value is somebody's own.
// Mixpanel's $name and $avatar are reserved for people.
func isPersonName(name, plain string) bool {
	if unambiguous[plain] || name == "$name" || name == "$avatar" {
		return true
	}
	for _, whose := range [...]string{"user", "customer", "client", "contact", "billing", "shipping"} {
		if rest, ok := strings.CutPrefix(plain, whose); ok && (rest == "name" || unambiguous[rest]) {
			return true
		}
	}
	return false
}
