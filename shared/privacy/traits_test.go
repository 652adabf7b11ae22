package privacy_test

import (
	"strings"
	"testing"

	"loch/shared/project"
)

func TestPersonalTraits(t *testing.T) {
	p := policy(t, project.Privacy{})
	for why, names := range map[string]string{
		"Mixpanel's own":       "$email,$name,$first_name,$last_name,$phone,$avatar,$ios_devices,$android_devices,$ip",
		"Segment's":            "email,name,firstName,lastName,phone,avatar,birthday,address,username",
		"in other spellings":   "E-Mail,EMAIL,First Name,first-name,full_name,Full Name,last.name,givenName,family_name,surname,nickname,displayName,login",
		"ways to reach one":    "phoneNumber,mobile,mobile_phone,cell,telephone,fax,whatsapp,email_address,push_token",
		"faces":                "photo,picture,avatar_url,profile_picture,pictureUrl",
		"homes":                "street,streetAddress,address_line_1,address2,postal_code,zip,zipCode,postcode,latitude,lng",
		"numbers for a life":   "dob,date_of_birth,birthdate,ssn,passport_number,tax_id,national_id,licensePlate",
		"several of a kind":    "email2,phone_1,emails",
		"whoever's they are":   "user_email,customerName,contact_phone,billing_address,work email,home-street,emergency_contact_name,shippingPostcode,recovery_email",
		"nested, flattened":    "address.street,traits.email,contact.first_name,properties.user.email",
		"pages about a person": "linkedin_url,twitterHandle",
	} {
		for name := range strings.SplitSeq(names, ",") {
			if !p.PersonalTrait(name) {
				t.Errorf("%s: %q is not personal", why, name)
			}
		}
	}
	for why, names := range map[string]string{
		"a company's":           "company,company_name,companyName,company.name,organization_name,business_name,user.company.name,account_name,employer",
		"shared by many":        "city,$city,country,$country_code,$region,state,timezone,language,gender,age,birth_year,title,job_title,industry,address.city",
		"about the product":     "plan,plan_name,product_name,campaign_name,file_name,event_name,tier,mrr,role,team_name",
		"about habits":          "$created,created_at,last_login,login_count,email_verified,has_phone,phone_model,mobile_os,photo_count,email_opt_in,name_changed",
		"only sounding like it": "namespace,address_count,faxable,zipper,rename,mailing_list,lifetime_value,latest,",
	} {
		for name := range strings.SplitSeq(names, ",") {
			if p.PersonalTrait(name) {
				t.Errorf("%s: %q is personal", why, name)
			}
		}
	}
	own := policy(t, project.Privacy{PersonalTraits: []string{"Loyalty Card", "shoeSize"}})
	for _, name := range []string{"loyalty_card", "$loyaltyCard", "shoe size", "email"} {
		if !own.PersonalTrait(name) {
			t.Errorf("the project's %q is not personal", name)
		}
	}
	if p.PersonalTrait("loyalty_card") || own.PersonalTrait("plan") {
		t.Error("one project's traits are another's")
	}
}

// The digest is another one exactly where PersonalTrait may answer otherwise.
func TestTraitsDigest(t *testing.T) {
	plain := policy(t, project.Privacy{}).TraitsDigest()
	for _, same := range []project.Privacy{{MinCell: 5}, {URLs: "keep"}} {
		if policy(t, same).TraitsDigest() != plain {
			t.Errorf("%+v calls no other trait personal", same)
		}
	}
	own := policy(t, project.Privacy{PersonalTraits: []string{"salary", "shoeSize"}}).TraitsDigest()
	if own == plain || own == policy(t, project.Privacy{PersonalTraits: []string{"salary"}}).TraitsDigest() {
		t.Error("further traits are personal, and the digest is the same")
	}
	if p := policy(t, project.Privacy{}); p.WithGroups([]string{"company"}).TraitsDigest() == plain || p.TraitsDigest() != plain || p.WithGroups(nil).TraitsDigest() != plain {
		t.Error("kinds of group do not show in the digest, or in another policy's")
	}
	if own != policy(t, project.Privacy{PersonalTraits: []string{"Shoe size", "$salary"}}).TraitsDigest() {
		t.Error("the same traits, spelt otherwise, have another digest")
	}
}

// Members are judged as what they would be if their trait were flattened, and by the
// project's own words wherever they stand.
func TestPersonalMembers(t *testing.T) {
	p, own := policy(t, project.Privacy{}), policy(t, project.Privacy{PersonalTraits: []string{"nick"}})
	for _, c := range []struct {
		value, path string
		is, isOwn   bool
	}{
		{`{"nick":"Zorro"}`, "about.nick", false, true},
		{`[1,{"of":{"Nick":"Zorro"}}]`, "about.of.Nick", false, true},
		{`{"birthday":"1990-01-01"}`, "about.birthday", true, true},
		{`{"contact":{"name":"Z","plan":1}}`, "about.contact.name", true, true},
		{`{"name":"Z","nickel":["nick"]}`, "about.name", false, false},
		{`"nick"`, "about.nickel", false, false},
	} {
		if got := p.Seals("about", []byte(c.value)); got != c.is {
			t.Errorf("%s: sealed %v", c.value, got)
		}
		if got := own.Seals("about", []byte(c.value)); got != c.isOwn {
			t.Errorf("%s: sealed %v by the project", c.value, got)
		}
		if p.PersonalPath(c.path) != c.is || own.PersonalPath(c.path) != c.isOwn {
			t.Errorf("%s is not judged as its value is", c.path)
		}
	}
	for _, path := range []string{"nick.first", "email.domain", "about.nick.first"} {
		if !own.PersonalPath(path) {
			t.Errorf("%s is within what is personal", path)
		}
	}
	if !own.PersonalTrait("about.nick") || p.PersonalTrait("about.nick") {
		t.Error("a flattened trait is not judged by the project's words")
	}
}
