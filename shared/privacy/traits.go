package privacy

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"loch/shared/rawjson"
)

// PersonalTrait tells by its name whether a profile trait is personal: it names
// a person, reaches one, shows a face or a home. Such traits are sealed, so
// nobody can group by them. Spelling does not matter ("$first_name", "firstName",
// "First name"), nor does a number behind ("email2"), nor whose it is
// ("billing_address", "work phone").
//
// What many people share stays in clear: city, country, company, job title, plan,
// gender, age. A company's name and address are the company's ("company_name").
// "name" alone is personal: on a person's profile it is the person's. What the
// project calls personal is so under whatever name it was flattened ("about.nick").
func (p *Policy) PersonalTrait(name string) bool {
	if personalName(name) || p.ownTrait(name) || slices.Contains(p.groupKeys, name) {
		return true
	}
	// "address.street", as libraries flatten nested traits; not "company.name".
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return false
	}
	within := plainName(name[strings.LastIndexByte(name[:i], '.')+1 : i])
	return (slices.Contains(owners, within) || slices.Contains(holders, within)) && personalName(name[i+1:])
}

// ownTrait tells a trait that the project itself calls personal: the whole name, or
// a part of it between dots.
func (p *Policy) ownTrait(name string) bool {
	if len(p.personalTraits) == 0 {
		return false
	}
	if p.personalTraits[plainName(name)] {
		return true
	}
	for part := range strings.SplitSeq(name, ".") {
		if p.personalTraits[plainName(part)] {
			return true
		}
	}
	return false
}

// Seals tells a trait that would be sealed if it were set today, for its name or for
// the names of its members. What was set before the policy was so, and lies in clear, is
// hidden like what is sealed.
func (p *Policy) Seals(name string, value []byte) bool {
	return p.PersonalTrait(name) || p.HoldsPersonalTrait(name, value)
}

// rulesOfTraits is another number whenever Seals answers otherwise for the same words.
const rulesOfTraits = "2"

// TraitsDigest is a word for all that Seals answers: another one where it
// may answer otherwise, because the settings changed or the words that every project
// has. So what was written without personal traits can be told to be out of date.
func (p *Policy) TraitsDigest() string {
	h := sha256.New()
	h.Write([]byte(rulesOfTraits))
	for _, words := range [][]string{
		slices.Sorted(maps.Keys(personalTraits)), owners, holders, slices.Sorted(maps.Keys(p.personalTraits)), slices.Sorted(slices.Values(p.groupKeys)),
	} {
		for _, word := range words {
			h.Write([]byte(word + "\x00"))
		}
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// holders are the words that a library puts a person's traits under.
var holders = []string{"traits", "properties", "attributes", "data", "info", "details", "set", "people", "address", "location", "geo"}

func personalName(name string) bool {
	plain := strings.TrimRight(plainName(name), "0123456789")
	if personalTraits[plain] {
		return true
	}
	for _, whose := range owners {
		if rest, ok := strings.CutPrefix(plain, whose); ok && personalTraits[rest] {
			return true
		}
	}
	return false
}

// owners are the words in front of a trait that leave it a person's. "company",
// "account", "product" and "plan" are not among them.
var owners = []string{
	"user", "customer", "client", "contact", "person", "personal", "profile", "member", "guest", "lead", "patient",
	"student", "employee", "owner", "recipient", "billing", "shipping", "delivery", "mailing", "home", "work",
	"private", "primary", "secondary", "main", "current", "alternate", "alternative", "emergency",
	"emergencycontact", "backup", "recovery", "verified", "unverified", "initial", "latest", "my",
}

// personalTraits are plain spellings, each with its reason where it is not plain.
var personalTraits = func() map[string]bool {
	m := map[string]bool{}
	for _, words := range [][]string{
		// What names a person. A login and a handle are names that people choose.
		{"name", "fullname", "firstname", "lastname", "givenname", "familyname", "forename", "surname", "middlename",
			"maidenname", "nickname", "displayname", "realname", "preferredname", "screenname", "username", "login",
			"loginname", "handle", "vorname", "nachname", "prenom"},
		// What reaches one. A push token reaches one phone.
		{"email", "emails", "businessemail", "businessphone", "emailaddress", "emailaddresses", "mail", "mailaddress", "phone", "phones", "phonenumber",
			"phonenumbers", "telephone", "telephonenumber", "tel", "mobile", "mobilephone", "mobilenumber",
			"mobilephonenumber", "cell", "cellphone", "cellnumber", "cellphonenumber", "landline", "fax", "faxnumber",
			"msisdn", "whatsapp", "whatsappnumber", "skype", "telegram", "iosdevices", "androiddevices", "pushtoken",
			"devicetoken", "fcmtoken", "apnstoken"},
		// A face.
		{"avatar", "avatarurl", "photo", "photourl", "picture", "pictureurl", "profilephoto", "profilepicture",
			"profileimage", "profileimageurl", "profilepic", "headshot", "selfie"},
		// A home. A postal code is a few houses in some countries, and with a date of
		// birth it is one person in nearly all; coordinates are a front door. City,
		// region and country stay.
		{"address", "addresses", "addressline", "street", "streetaddress", "streetname", "housenumber", "postaladdress",
			"postalcode", "postcode", "zip", "zipcode", "latitude", "longitude", "lat", "lng", "latlng", "geolocation"},
		// What never changes or is a number of the state's. Age and year of birth stay.
		{"birthday", "birthdate", "dateofbirth", "dob", "ssn", "socialsecurity", "socialsecuritynumber", "nationalid",
			"nationalidnumber", "nationalinsurancenumber", "identitynumber", "passport", "passportnumber", "taxid",
			"taxnumber", "driverlicense", "driverslicense", "driverslicensenumber", "licenseplate", "iban",
			"bankaccount", "bankaccountnumber", "creditcard", "creditcardnumber", "cardnumber"},
		// Where one was on the network, and pages about one.
		{"ip", "ipaddress", "linkedinurl", "linkedinprofile", "twitterhandle", "twitterusername", "facebookurl",
			"facebookprofile", "facebookid", "instagramhandle", "instagramusername", "githubusername", "skypeid",
			"skypename"},
	} {
		for _, word := range words {
			m[word] = true
		}
	}
	return m
}()

// HoldsPersonalTrait tells whether a value of a trait has a member, however deep,
// that is personal by its name: what "contact.first_name" says of a trait, it says
// of the member first_name of the trait contact.
func (p *Policy) HoldsPersonalTrait(name string, json []byte) bool {
	if len(json) == 0 || json[0] != '{' && json[0] != '[' {
		return false
	}
	around, text := []string{name}, string(json)
	last := name
	for i := 0; i < len(text); {
		switch text[i] {
		case '{', '[':
			around = append(around, last)
			i++
		case '}', ']':
			if len(around) > 1 {
				around = around[:len(around)-1]
			}
			i++
		case '"':
			end := rawjson.StringEnd(text, i)
			if rawjson.IsName(text, end) {
				last = rawjson.Text([]byte(text[i:end]))
				if p.personalMember(around[len(around)-1], last) {
					return true
				}
			}
			i = end
		default:
			i++
		}
	}
	return false
}

// PersonalPath tells whether a value behind dots is personal, as "about.contact.email"
// is: a member of a trait, however deep, or what is within a personal one.
func (p *Policy) PersonalPath(path string) bool {
	if p.PersonalTrait(path) {
		return true
	}
	last := ""
	for i, part := range strings.Split(path, ".") {
		if i == 0 && p.PersonalTrait(part) || i > 0 && p.personalMember(last, part) {
			return true
		}
		last = part
	}
	return false
}

// personalMember judges a member by its name and by the name it stands under.
func (p *Policy) personalMember(within, name string) bool {
	return unambiguous[plainName(name)] || p.PersonalTrait(within+"."+name)
}
