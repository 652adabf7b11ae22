package privacy_test

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"loch/shared/privacy"
	"loch/shared/project"
)

func TestURLsOfEvents(t *testing.T) {
	cases{
		"any value with an address": {
			{`{"anything":"https://x.example/users/12?token=1"}`, `{"anything":"https://x.example/users/:id"}`},
			{`{"page_title":"see https://x.example/y?token=1 now"}`, `{"page_title":"see https://x.example/y now"}`},
			{`{"a":{"b":[{"c":["x","http://u:p@x.example/#y"]}]}}`, `{"a":{"b":[{"c":["x","http://x.example/"]}]}}`},
			{`{"photo":"data:image/png;base64,iVBORw0KGgo="}`, `{"photo":"data:"}`}, {`["https://x.example/?a=b"]`, `["https://x.example/"]`}, {`"https://x.example/?a=b"`, `"https://x.example/"`},
			{`{"https://x.example/?a=b":1}`, `{"https://x.example/":1}`},
		},
		"addresses without a scheme, where the name says so": {
			{`{"current_url_path":"/users/12","x":1}`, `{"current_url_path":"/users/:id","x":1}`}, {`{"path":"/a?b=c"}`, `{"path":"/a"}`}, {`{"[Amplitude] Page Path":"/users/ann"}`, `{"[Amplitude] Page Path":"/users/:id"}`},
			{`{"$el_attr__href":"mailto:ann@example.com"}`, `{"$el_attr__href":"mailto:"}`}, {`{"pageUrl":"/orders/7#x"}`, `{"pageUrl":"/orders/:id"}`}, {`{"url":"https://x.example/a b?token=c d"}`, `{"url":"https://x.example/a b"}`},
			{`{"paths":["/users/1","/users/2"]}`, `{"paths":["/users/:id","/users/:id"]}`}, {`{"path":["/users/1",{"x":"/users/2","path":"/users/3"},"/users/4"]}`, `{"path":["/users/:id",{"x":"/users/2","path":"/users/:id"},"/users/:id"]}`},
			{`{"landing_page":"users/ann?x=y"}`, `{"landing_page":"users/:id"}`}, {`{"path":{"x":"/users/1"}}`, `{"path":{"x":"/users/1"}}`},
		},
		"and nowhere else": same(`{"text":"/a?b=c"}`, `{"ratio":"1/2?"}`, `{"search":"red shoes?"}`, `{"color":"#fff"}`, `{"category":"users/ann"}`, `{"tz":"Europe/Berlin","mime":"text/html"}`, `{"x":"a@b"}`),
		"queries": {
			{`{"current_url_search":"?utm_source=a&token=b"}`, `{"current_url_search":"?utm_source=a"}`}, {`{"search":"?token=b"}`, `{"search":""}`}, {`{"query":"?a=b#c"}`, `{"query":""}`}, {`{"search":"https://x.example/?a=b"}`, `{"search":"https://x.example/"}`},
		},
		"fragments": {{`{"current_url_hash":"#access_token=b"}`, `{"current_url_hash":""}`}, {`{"hash":"a/b"}`, `{"hash":"a/b"}`}},
		"referrers": {
			{`{"$referrer":"https://www.google.com/search?q=x","$initial_referrer":"https://a.example/b"}`, `{"$referrer":"https://www.google.com/","$initial_referrer":"https://a.example/"}`},
			{`{"page_referrer":"https://a.example/b","HTTP Referer":"https://a.example/b","document.referrer":"a.example/b?c"}`, `{"page_referrer":"https://a.example/","HTTP Referer":"https://a.example/","document.referrer":"a.example"}`},
			{`{"$referrer":"$direct","$initial_referrer":"https://www.google.com/"}`, `{"$referrer":"$direct","$initial_referrer":"https://www.google.com/"}`},
		},
		"escapes": {
			{`{"url":"https:\/\/x.example\/users\/12?a=b"}`, `{"url":"https://x.example/users/:id"}`}, {`{"x":"https:\u002f\u002fx.example\u002f?token\u003db\u0026c"}`, `{"x":"https://x.example/"}`},
			{`{"x":"\"https://x.example/?a=b\"\n\\"}`, `{"x":"\"https://x.example/\"\n\\"}`}, {`{"x":"\u00e9 https://x.example/?a=b \ud83d\ude00"}`, "{\"x\":\"é https://x.example/ \U0001F600\"}"},
			{`{"url":"https:\/\/x.example\/a"}`, `{"url":"https:\/\/x.example\/a"}`}, {`{"path":"\/users\/1"}`, `{"path":"/users/:id"}`}, {`{"x":"\\https://x.example/\\?a=b"}`, `{"x":"\\https://x.example/\\"}`},
			{`{"url":"https://x.example/a\"b/123"}`, `{"url":"https://x.example/a\"b/:id"}`},
		},
		"the rest, byte for byte": {
			{" {\t\"n\" : 123456789012345678901234567890.50e+10 , \"a\":\"\\u00e9\\/\", \"url\" :\n\"/users/12\",\"a\":1,\"a\":-0 }  ", " {\t\"n\" : 123456789012345678901234567890.50e+10 , \"a\":\"\\u00e9\\/\", \"url\" :\n\"/users/:id\",\"a\":1,\"a\":-0 }  "},
		},
		"nothing to do":             same(`{}`, ``, `{"a":"b","c":[1,true,null]}`, `{"url":"https://x.example/pricing?utm_source=a"}`),
		"text that is broken":       same(`{"url":"/users/12`, `{"url`, `]]}}"`, `"\`, `{"url":"/users/12\`, "\x00\""),
		"deeper than anybody nests": {{strings.Repeat("[", 100) + `"http://x.example/?a"` + strings.Repeat("]", 100), strings.Repeat("[", 100) + `"http://x.example/"` + strings.Repeat("]", 100)}},
	}.check(t, policy(t, project.Privacy{}).URLs)
}

// What happens to one property must not hang on another, so the quick look over
// the whole text may only pass by what has nothing to judge.
func TestAPropertyIsJudgedAlone(t *testing.T) {
	p := policy(t, project.Privacy{})
	for _, value := range []string{
		`"href":"tel:+4917012345"`, `"href":"mailto:a@b"`, `"url":"a?b=c"`, `"url":"a#bc"`, `"path":"\u002fusers\u002f12"`, `"url":"javascript:void(0)"`,
		`"url":"\\users\\12"`, `"hash":"#x"`, `"search":"?x"`, `"x":"data:;base64,AAAA"`, `"referrer":"a.b?c"`, `"location":"Berlin"`,
	} {
		alone := p.URLs(`{` + value + `}`)
		beside := p.URLs(`{` + value + `,"x":"a/b?c#d@e\\"}`)
		if want := strings.TrimSuffix(alone, "}") + `,"x":"a/b?c#d@e\\"}`; beside != want {
			t.Errorf("alone %s, beside others %s", alone, beside)
		}
	}
}

// plainly does what URLs says, on decoded values.
func plainly(p *privacy.Policy, name string, value any) any {
	plain := strings.Map(func(r rune) rune {
		if r < 'a' || r > 'z' {
			return -1
		}
		return r
	}, strings.ToLower(name))
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			v[name] = plainly(p, name, inner)
		}
	case []any:
		for i, inner := range v {
			v[i] = plainly(p, name, inner)
		}
	case string:
		if !strings.ContainsAny(v, `/?#@\`) {
			return v
		}
		single := strings.TrimSuffix(plain, "s")
		for _, end := range []string{"url", "uri", "path", "pathname", "href", "link", "location", "page", "route", "endpoint", "src"} {
			if strings.HasSuffix(single, end) && !strings.Contains(plain, "refer") {
				return p.URL(v)
			}
		}
		if strings.Contains(plain, "referrer") {
			return p.Referrer(v)
		}
		if strings.HasSuffix(single, "search") && strings.HasPrefix(v, "?") {
			return p.Query(v)
		}
		if strings.HasSuffix(single, "hash") && strings.HasPrefix(v, "#") {
			return ""
		}
		if words := strings.Fields(v); len(words) == 1 && strings.HasPrefix(v, "https://") && !strings.ContainsAny(v, "\"<>`") {
			return p.URL(v) // an address alone
		}
	}
	return value
}

func FuzzURLs(f *testing.F) {
	for _, text := range []string{
		`{"url":"https:\/\/a\/?b","$referrer":"http://u:p@a/b","x":["/users/1",{"path":"/users/1?b"}],"n":1e400}`, `{"search":"?a=b","hash":"#c","https://x/?a":1}`,
		`[[["http://a/\u003f\"b"]]]`, `{"path":["/users/1",{},"/users/2",[],"/users/3"]}`, `{"x":"see \ud83d\ude00http://a/?b\u0000","\u0075rl":"/a?b"}`, `{"url":"/\\users\\1\"?"}`, typical,
	} {
		f.Add(text)
	}
	p := policy(f, project.Privacy{})
	f.Fuzz(func(t *testing.T, text string) {
		got := p.URLs(text)
		if again := p.URLs(got); again != got {
			t.Fatalf("%q\nbecame %q\n  then %q", text, got, again)
		}
		in, out, ok := decoded(text), decoded(got), stdjson.Valid([]byte(text))
		if !ok {
			return
		}
		if !stdjson.Valid([]byte(got)) {
			t.Fatalf("%q became %q", text, got)
		}
		// Names with escapes and with addresses are beyond the plain walk, as are
		// texts with an address inside.
		if !utf8.ValidString(text) || strings.Contains(text, `\`) || addressAsName.MatchString(text) || strings.Count(text, "://") > strings.Count(text, `"https://`) {
			return
		}
		if want := plainly(p, "", in); !reflect.DeepEqual(out, want) {
			t.Fatalf("%q\nbecame %v\n  want %v", text, out, want)
		}
	})
}

var addressAsName = regexp.MustCompile(`/[^"]*"\s*:`)

func decoded(text string) (v any) {
	d := stdjson.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}

// typical is an event of Mixpanel's browser library, as it comes; clean is what
// it becomes.
const typical = `{"$os":"Linux","$browser":"Chrome","$referrer":"https://www.google.com/search?q=analytics","$referring_domain":"www.google.com","$current_url":"http://shop.example/pricing/plans?utm_source=news&utm_campaign=spring&gclid=G1","$browser_version":156,"$screen_height":720,"$screen_width":1280,"mp_lib":"web","$lib_version":"2.83.0","$insert_id":"0000000000000001","time":1795465174.001,"utm_source":"news","utm_campaign":"spring","gclid":"G1","distinct_id":"$device:98ab3dc4-4223-4009-8737-b95c8d9f702e","$device_id":"98ab3dc4-4223-4009-8737-b95c8d9f702e","$search_engine":"google","mp_keyword":"analytics","$initial_referrer":"https://www.google.com/search?q=analytics","$initial_referring_domain":"www.google.com","current_page_title":"Shop – Home","current_domain":"shop.example","current_url_path":"/pricing/plans","current_url_protocol":"http:","current_url_search":"?utm_source=news&utm_campaign=spring&gclid=G1","$mp_autocapture":true,"token":"T","mp_sent_by_lib_version":"2.83.0"}`

// plain is an event of a server, about 1 KB, without any address.
var plainEvent = `{"event":"order placed","amount":12.5,"items":[` + strings.Repeat(`{"sku":"A-1234","name":"Running shoe","quantity":2,"price":49.95,"currency":"EUR","brand":"Acme","color":"red","size":"M"},`, 8) +
	`{}],"coupon":null,"paid":true,"method":"card","$insert_id":"0000000000000001"}`

func TestNothingIsMadeWhereNothingChanges(t *testing.T) {
	p := policy(t, project.Privacy{})
	clean := p.URLs(typical)
	for _, text := range []string{plainEvent, clean, `{"url":"https://x.example/docs/v1.2.3/2024/11/05?utm_source=a","title":"\"a\"\n\u00e9"}`} {
		if n := testing.AllocsPerRun(100, func() {
			if p.URLs(text) != text {
				t.Fatal("changed")
			}
		}); n != 0 {
			t.Errorf("%v allocations for %.60s", n, text)
		}
	}
	if n := testing.AllocsPerRun(100, func() { p.URLs(typical) }); n != 1 {
		t.Errorf("%v allocations for an event that changes, want 1", n)
	}
}

func BenchmarkURLs(b *testing.B) {
	p := policy(b, project.Privacy{})
	for _, one := range []struct{ name, text string }{
		{"no address", plainEvent}, {"typical, cleaned", p.URLs(typical)}, {"typical", typical},
	} {
		b.Run(one.name, func(b *testing.B) {
			b.SetBytes(int64(len(one.text)))
			b.ReportAllocs()
			for b.Loop() {
				p.URLs(one.text)
			}
		})
	}
}

func BenchmarkURL(b *testing.B) {
	p := policy(b, project.Privacy{})
	for _, text := range []string{"http://shop.example/pricing/plans?utm_source=news&utm_campaign=spring", "https://ann@shop.example/users/8271/orders?token=abc#x"} {
		b.Run(fmt.Sprint(len(text)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.URL(text)
			}
		})
	}
}
