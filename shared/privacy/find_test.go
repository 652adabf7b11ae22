package privacy_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"loch/shared/privacy"
	"loch/shared/project"
)

func newPolicy(t testing.TB, s project.Privacy) *privacy.Policy {
	t.Helper()
	p, err := privacy.NewPolicy(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// stand is a token as the vault makes it.
func stand(f privacy.Found) string {
	return string(f.Rule) + "_" + fmt.Sprintf("%032x", len(f.Value))
}

// Each rule takes what it is for, and nothing else is taken for it. value is the
// normal form; empty where nothing may be found.
func TestRules(t *testing.T) {
	p := newPolicy(t, project.Privacy{})
	for _, c := range []struct {
		text  string
		rule  privacy.Rule
		value string
	}{
		{"jane@example.com", privacy.Email, "jane@example.com"},
		{"Jane.Doe+tag@Mail.Example.CO.UK", privacy.Email, "jane.doe+tag@mail.example.co.uk"},
		{"write to <jane@example.com>, please", privacy.Email, "jane@example.com"},
		{"mail jane@example.com.", privacy.Email, "jane@example.com"},
		{"/u/jane%40example.com/edit", privacy.Email, "jane@example.com"},
		{"next=%2Fu%3Fe%3Djane%40example.com%26x", privacy.Email, "jane@example.com"},
		{"jane%2Bx%40example.com", privacy.Email, "jane+x@example.com"},
		{"ångström@exämple.se", privacy.Email, "ångström@exämple.se"},
		{"icon@2x.png", "", ""}, {"lodash@4.17.21", "", ""}, {"@jane", "", ""}, {"jane@host", "", ""}, {"a @ b.com", "", ""},

		{"+46 70 123 45 67", privacy.Phone, "+46701234567"},
		{"+15551234567", privacy.Phone, "+15551234567"},
		{"call (555) 234-5678 now", privacy.Phone, "5552345678"},
		{"555-234-5678", privacy.Phone, "5552345678"}, {"555.234.5678", privacy.Phone, "5552345678"}, {"1-555-234-5678", privacy.Phone, "15552345678"},
		{"020 7946 0958", privacy.Phone, "02079460958"}, {"07700 900123", privacy.Phone, "07700900123"},
		{"06 12 34 56 78", privacy.Phone, "0612345678"}, {"0171-1234567", privacy.Phone, "01711234567"}, {"030/901820", privacy.Phone, "030901820"},
		{"0046 70 123 45 67", privacy.Phone, "0046701234567"}, {"tel:%2B46701234567", privacy.Phone, "+46701234567"},
		{"q=%2B46+%280%2970-352+41+89", privacy.Phone, "+460703524189"}, {"q=%2528555%2529%2520234-5678", privacy.Phone, "5552345678"}, {"q=0046+70+123+45+67&x", privacy.Phone, "0046701234567"},
		{"06.12.34.56.78", privacy.Phone, "0612345678"}, {"612 34 56 78", privacy.Phone, "612345678"}, {"347 1234567", privacy.Phone, "3471234567"}, {"98765 43210", privacy.Phone, "9876543210"},
		{"02664-1656", "", ""}, {"010-02063-00", "", ""}, {"612 345 678", "", ""}, {"q=1+2+3", "", ""},
		{"1795465174", "", ""}, {"1795465174123", "", ""}, {"2026-11-23 10:11:12", "", ""}, {"2026-11-23T10:11:12.123456Z", "", ""},
		{"23-11-2026", "", ""}, {"23/11/2026 10:30", "", ""}, {"59.32930,18.06860", "", ""}, {"+59.329312", "", ""}, {"-0.1277583", "", ""},
		{"0-306-40615-2", "", ""}, {"978-3-16-148410-0", "", ""}, {"98ab3dc4-4223-4009-8737-b95c8d9f702e", "", ""}, {"12345678-4223-4009-8737-b95c8d9f702e", "", ""},
		{"1280x720", "", ""}, {"1.234.567,89", "", ""}, {"100 000 000", "", ""}, {"0000000000000001", "", ""}, {"ORD-2024-000123", "", ""},

		{"4111 1111 1111 1111", privacy.Card, "4111111111111111"}, {"4111-1111-1111-1111", privacy.Card, "4111111111111111"},
		{"pay 5555555555554444 now", privacy.Card, "5555555555554444"}, {"3782 822463 10005", privacy.Card, "378282246310005"},
		{"4111 1111 1111 1112", "", ""}, {"1795465174123456", "", ""}, {"x4111111111111111", "", ""},

		{"DE89370400440532013000", privacy.IBAN, "DE89370400440532013000"}, {"gb29 nwbk 6016 1331 9268 19", privacy.IBAN, "GB29NWBK60161331926819"},
		{"to DE89 3704 0044 0532 0130 00 please", privacy.IBAN, "DE89370400440532013000"}, {"NL91ABNA0417164300", privacy.IBAN, "NL91ABNA0417164300"},
		{"LV84LQIY77J738422J899", privacy.IBAN, "LV84LQIY77J738422J899"},
		{"DE89370400440532013001", "", ""},

		{"198.51.100.77", privacy.IP, "198.51.100.77"}, {"8.8.8.8", privacy.IP, "8.8.8.8"}, {"from 198.51.100.77:443", privacy.IP, "198.51.100.77"}, {"2001:db8::dead:beef", privacy.IP, "2001:db8::dead:beef"},
		{"2001:0db8:85a3:0000:0000:8a2e:0370:7334", privacy.IP, "2001:db8:85a3::8a2e:370:7334"}, {"[2001:db8::1]:80", privacy.IP, "2001:db8::1"},
		{"Chrome/120.0.0.0", "", ""}, {"v1.2.3.4", "", ""}, {"version 10.0.19.45", "", ""}, {"1.2.3.4.5", "", ""}, {"127.0.0.1", "", ""}, {"256.1.1.1", "", ""},
		{"ip=2001%3Adb8%3A%3A1", privacy.IP, "2001:db8::1"},
		{"12:30:45", "", ""}, {"aa:bb:cc:dd:ee:ff", "", ""}, {"::1", "", ""}, {"http://203.0.113.7/x", "", ""},

		{"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", privacy.JWT, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"},
		{"x ew0KICJhbGciOiAiUFMyNTYifQ.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", privacy.JWT, "ew0KICJhbGciOiAiUFMyNTYifQ.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"},
		{"eyJust.a.sentence", "", ""},
		{"key sk_live_" + strings.Repeat("aB3", 8), privacy.APIKey, "sk_live_" + strings.Repeat("aB3", 8)},
		{"AKIAIOSFODNN7EXAMPLE", privacy.APIKey, "AKIAIOSFODNN7EXAMPLE"}, {"ghp_" + strings.Repeat("x1", 18), privacy.APIKey, "ghp_" + strings.Repeat("x1", 18)},
		{"lin_api_" + strings.Repeat("aB3d", 10), privacy.APIKey, "lin_api_" + strings.Repeat("aB3d", 10)}, {"lin_api_docs", "", ""},
		{"task_live_aaaaaaaaaaaaaaaaaaaa", "", ""}, {"sk_live_", "", ""},

		{"https://x.test/?token=abc123&x=1", privacy.Secret, "abc123"}, {"?code=SplxlOBeZQ", privacy.Secret, "SplxlOBeZQ"}, {"/a?x=1&API-Key=k1#f", privacy.Secret, "k1"},
		{"?next=%2Fa%3Ftoken%3Dabc123%26y", privacy.Secret, "abc123"}, {"#access_token=zzz", privacy.Secret, "zzz"},
		{"?reset_token=zzz", privacy.Secret, "zzz"}, {"key=value", "", ""}, {"?key=value", privacy.Secret, "value"},
		{"?page=2&sort=key", "", ""}, {"?monkey=1", "", ""}, {"a=b", "", ""}, {"?token=", "", ""}, {"?token=[secret]", "", ""},

		{"email_0123456789abcdef0123456789abcdef", "", ""}, {"0123456789abcdef0123456789abcdef", "", ""}, {"$device:98ab3dc4-4223-4009-8737-b95c8d9f702e", "", ""},
		{"?email=email_0123456789abcdef0123456789abcdef", "", ""},
	} {
		found := p.FindText(nil, c.text)
		if c.rule == "" {
			if len(found) > 0 {
				t.Errorf("%q: found %v", c.text, found)
			}
			continue
		}
		if len(found) != 1 || found[0] != (privacy.Found{Rule: c.rule, Value: c.value}) {
			t.Errorf("%q: found %v, want %s %q", c.text, found, c.rule, c.value)
			continue
		}
		// The same at every offset, since a place is asked at every second byte.
		for pad := range 4 {
			text := strings.Repeat("é"[:0]+" ", pad) + c.text
			if again := p.FindText(nil, text); len(again) != 1 || again[0] != found[0] {
				t.Errorf("%q: found %v after %d blanks", c.text, again, pad)
			}
		}
		kept := newPolicy(t, project.Privacy{Scan: map[string]string{string(c.rule): "keep"}})
		for _, f := range kept.FindText(nil, c.text) {
			if f.Rule == c.rule {
				t.Errorf("%q: %s is to be kept", c.text, c.rule)
			}
		}
	}
}

// In JSON, names tell what numbers are, escapes hide nothing, and everything else
// stays byte for byte.
func TestClean(t *testing.T) {
	p := newPolicy(t, project.Privacy{})
	for in, want := range map[string]string{
		`{"a":"jane@example.com","b":[1.50,{"c":"x JANE@example.com y"}]}`: `{"a":"EMAIL","b":[1.50,{"c":"x EMAIL y"}]}`,
		`{"a":"jane\u0040example.com"}`:                                    `{"a":"EMAIL"}`,
		`{"jane@example.com":true}`:                                        `{"EMAIL":true}`,
		`{"phone":5552345678,"n":5552345678}`:                              `{"phone":"PHONE","n":5552345678}`,
		`{"Phone Number":"070 1234567"}`:                                   `{"Phone Number":"PHONE"}`,
		`{"a":["0151 12345678","(0151) 1234 5678","+4915112345678"]}`:      `{"a":["PHONE","PHONE","PHONE"]}`,
		`{"phones":["0701234567",{"x":"y"}]}`:                              `{"phones":["PHONE",{"x":"y"}]}`,
		`{"phones":[{"x":"y"},5552345678],"n":5552345678}`:                 `{"phones":[{"x":"y"},"PHONE"],"n":5552345678}`,
		`{"card":4111111111111111,"order_id":4111111111111111}`:            `{"card":"CARD","order_id":4111111111111111}`,
		"{\"password\" : \"hunter2\",\"phone\"\n:\t4155550123}":            `{"password" : "[secret]","phone"` + "\n:\t" + `"PHONE"}`,
		`{"phone1":4155550123}`:                                            `{"phone1":"PHONE"}`,
		`{"phone_home":4155550123,"phoneId":"4155550123"}`:                 `{"phone_home":"PHONE","phoneId":"PHONE"}`,
		`{"a\"phone":4155550123}`:                                          `{"a\"phone":"PHONE"}`,
		`{"v":"Tel\n+4915123456789","w":"a\tpassword=x y"}`:                `{"v":"Tel\nPHONE","w":"a\tpassword=[secret] y"}`,
		`{"v":"password=hunter2secret","w":"say \"pwd=h2\" twice"}`:        `{"v":"password=[secret]","w":"say \"pwd=[secret]\" twice"}`,
		`{"$first_name":"Tina","dob":"1990-01-01","userName":"Tina","name":"Lamp","$name":"Tina","email_sha256":"ab12"}`:               `{"$first_name":"NAME","dob":"NAME","userName":"NAME","name":"Lamp","$name":"NAME","email_sha256":"NAME"}`,
		`{"a":"4111 1111 1111 1111","b":"06 12 34 56 78","c":"415‑555‑2671","d":"DE89 3704 0044 0532 0130 00","e":"jane＠example.com"}`: `{"a":"CARD","b":"PHONE","c":"PHONE","d":"IBAN","e":"EMAIL"}`,
		`{"password":"hunter2","pin":1234,"passwords":3}`:         `{"password":"[secret]","pin":"[secret]","passwords":3}`,
		`{"app_version":"10.0.19.45","ip_seen":"10.0.19.45"}`:     `{"app_version":"10.0.19.45","ip_seen":"IP"}`,
		`{ "a" : "\u00e9\/" , "big" : 12345678901234567890123 }`:  `{ "a" : "\u00e9\/" , "big" : 12345678901234567890123 }`,
		`{"u":"https://x.test/?utm_source=a&token=s3&x=1"}`:       `{"u":"https://x.test/?utm_source=a&token=[secret]&x=1"}`,
		`{"time":1795465174.123,"$insert_id":"0000000000000001"}`: `{"time":1795465174.123,"$insert_id":"0000000000000001"}`,
	} {
		got := p.Clean(in, func(f privacy.Found) string { return strings.ToUpper(string(f.Rule)) })
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
		if !json.Valid([]byte(got)) {
			t.Errorf("not JSON: %s", got)
		}
	}
	p = newPolicy(t, project.Privacy{Scan: map[string]string{"email": "drop"}})
	if got := p.Clean(`{"a":"jane@example.com"}`, stand); got != `{"a":"[email]"}` {
		t.Errorf("dropped: %s", got)
	}
}

func TestNormalEmail(t *testing.T) {
	p := newPolicy(t, project.Privacy{})
	for in, want := range map[string]string{
		" Jane@Example.com ": "jane@example.com", "jane@example.com": "jane@example.com", "Jane <jane@example.com>": "", "jane": "", "a@b": "", "": "",
		"a@b.com, c@d.com": "",
	} {
		if got, ok := p.NormalEmail(in); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q %v", in, got, ok)
		}
	}
}

// FuzzClean holds that nothing panics, that the result is JSON, and that cleaning
// once is enough.
func FuzzClean(f *testing.F) {
	for _, seed := range []string{
		`{"a":"jane@example.com","phone":"070 123 45 67","n":4111111111111111}`, `{"a":"jane\u0040example.com%40x.se"}`, `{"password":"x","u":"?token=1&code=%3D"}`,
		`{"a":"DE89 3704 0044 0532 0130 00 198.51.100.7 2001:db8::1 eyJhbGciOiJIUzI1NiJ9.eyJ9.x sk_live_aaaaaaaaaaaaaaaaaaaa"}`, `{"a":"+1 (555) 234-5678@x.yz"}`,
		`{"phone1":4155550123,"phone_home" : "4155550123"}`, `{"a\"pin":1,"$PIN" :2}`,
	} {
		f.Add(seed)
	}
	p, err := privacy.NewPolicy(project.Privacy{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) {
			p.Clean(text, stand) // broken input must not break anything
			p.CleanText(text, stand)
			return
		}
		clean := p.Clean(text, stand)
		if !json.Valid([]byte(clean)) {
			t.Fatalf("%q became %q", text, clean)
		}
		if len(p.Find(nil, text)) == 0 && clean != text {
			t.Fatalf("nothing was found, and %q became %q", text, clean)
		}
	})
}

// A text that consists of beginnings must not be read from each of them to its end:
// with that, these would take hours.
func TestLongTextsEnd(t *testing.T) {
	p := newPolicy(t, project.Privacy{})
	for _, piece := range []string{
		"%40", "%40a", "a@", "eyJ-", "eyJ.", "ey", "sk-", "hvs.", "?key=[", "%3Fkey%3D[", "-0", "12-0", "...-", "1:", "+1", "(1) ", "DE12", "%2525", "://", "a b",
	} {
		text := strings.Repeat(piece, 1<<20/len(piece))
		p.CleanText(text, stand)
		p.URL("https://x.test/" + text)
		p.Referrer(text)
		if clean := p.Clean(`{"a":"`+text+`"}`, stand); !json.Valid([]byte(clean)) {
			t.Errorf("%s: not JSON any more", piece)
		}
	}
}

// pageView is a page view as the browser's SDK sends it.
const pageView = `{"$os":"Linux","$browser":"Chrome","$referrer":"https://www.google.com/","$referring_domain":"www.google.com","$current_url":"http://shop.example/pricing/plans?utm_source=news&utm_campaign=spring","$browser_version":156,"$screen_height":720,"$screen_width":1280,"mp_lib":"web","$lib_version":"2.83.0","$insert_id":"k3x9q0v7m2p5","time":1795465174.123,"utm_source":"news","utm_campaign":"spring","distinct_id":"$device:5d41402abc4b2a76b9719d911017c592","$device_id":"5d41402abc4b2a76b9719d911017c592","$search_engine":"google","mp_keyword":"analytics","$initial_referrer":"https://www.google.com/","$initial_referring_domain":"www.google.com","current_page_title":"Shop – Home","current_domain":"shop.example","current_url_path":"/pricing/plans","current_url_protocol":"http:","current_url_search":"?utm_source=news&utm_campaign=spring","$mp_autocapture":true,"mp_sent_by_lib_version":"2.83.0"}`

func BenchmarkFindNothing(b *testing.B) {
	p := newPolicy(b, project.Privacy{})
	if found := p.Find(nil, pageView); len(found) > 0 {
		b.Fatal(found)
	}
	b.SetBytes(int64(len(pageView)))
	b.ReportAllocs()
	for b.Loop() {
		p.Find(nil, pageView)
	}
}

func BenchmarkQuickLook(b *testing.B) {
	p := newPolicy(b, project.Privacy{})
	b.SetBytes(int64(len(pageView)))
	for b.Loop() {
		p.FindText(nil, pageView)
	}
}
