package privacy_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"loch/shared/privacy"
	"loch/shared/project"
)

func TestURLs(t *testing.T) {
	cases{
		"fragments go": {
			{"https://x.example/a#access_token=abc", "https://x.example/a"}, {"https://app.example/#/billing/plan", "https://app.example/"},
			{"/a#b", "/a"}, {"#/billing", ""}, {"https://x.example/a#b?utm_source=c", "https://x.example/a"},
		},
		"users and passwords go": {
			{"https://ann:pw@x.example/a", "https://x.example/a"}, {"https://ann@x.example", "https://x.example"}, {"//ann:pw@x.example/a", "//x.example/a"},
			{"https://a@b@x.example:8443/a", "https://x.example:8443/a"}, {"https://ann%40mail.example:pw@x.example/", "https://x.example/"},
			{"https://ann%40x.example/", "https://x.example/"}, {"postgres://u:p@db.example:5432/shop?sslmode=off", "postgres://db.example:5432/shop"},
			{"https://ann:p/w@x.example/a", "https://ann/:email/a"}, {"http:/ann:pw@x.example/a", "http:/x.example/a"}, {`https:\\ann:pw@x.example\a`, `https:\\x.example\a`},
			{"https://[::1]:8080/a", "https://[::1]:8080/a"}, {"https://ann:pw@[::1]:pw2/a", "https://[::1]/a"}, {"ann:pw@x.example/a", ":email/a"},
		},
		"parameters that nobody asked for go": {
			{"https://x.example/a?token=abc&utm_source=news&email=a@b.c", "https://x.example/a?utm_source=news"},
			{"https://x.example/a?token=abc", "https://x.example/a"}, {"https://x.example?token=abc", "https://x.example"},
			{"https://x.example/a?", "https://x.example/a"}, {"/a?b=c", "/a"}, {"?b=c", ""}, {"reset?token=abc", "reset"},
			{"https://x.example/a b?token=1 2", "https://x.example/a b"}, {"http:?token=1", "http:"}, {"https:///a?token=1", "https:///a"},
		},
		"campaign parameters stay, in their order": same("https://x.example/?utm_medium=cpc&utm_source=news",
			"https://x.example/?utm_source=a&utm_medium=b&utm_campaign=c&utm_term=d&utm_content=e&utm_id=f&utm_source_platform=g&utm_creative_format=h&utm_marketing_tactic=i"),
		"click ids do not": {{"https://x.example/?gclid=G1&utm_source=news&fbclid=F1", "https://x.example/?utm_source=news"}},
		"ids in the path": {
			{"https://x.example/users/8271/orders?x=1", "https://x.example/users/:id/orders"}, {"shop://users/ann", "shop://users/:id"},
			{"localhost:3000/users/12?x", "localhost:3000/users/:id"}, {"www.example.com/orders/12?x=y", "www.example.com/orders/:id"},
		},
		"addresses that hold their content": {
			{"data:image/png;base64,iVBORw0KGgo", "data:"}, {"mailto:ann@example.com?subject=Hi", "mailto:"}, {"tel:+491701234567", "tel:"},
			{"javascript:alert('ann')", "javascript:"}, {"file:///home/ann/cv.pdf", "file:"}, {"sms:+491701234567", "sms:"},
		},
		"blobs keep their origin": {{"blob:https://x.example/98ab3dc4-4223", "blob:https://x.example/"}, {"blob:https://ann:pw@x.example/1", "blob:https://x.example/"}},
		"addresses within text": {
			{"see https://x.example/y?token=1 now", "see https://x.example/y now"}, {"(https://x.example/users/12).", "(https://x.example/users/:id)."},
			{`<a href="https://x.example/y?token=1">`, `<a href="https://x.example/y">`}, {"a http://u:p@x.example/ and https://y.example/#b, c", "a http://x.example/ and https://y.example/, c"},
			{"view blob:https://x.example/1-2-3 now", "view blob:https://x.example/ now"}, {"://x?token :// a", "://x?token :// a"},
			{"see http://x.example/a\u00a0?b", "see http://x.example/a\u00a0?b"}, {" https://x.example/a b?token=1 ", "https://x.example/a b"},
		},
		"text that is no address stays": same("", " ", "Shop - Home", "what is this?", "really?", "C#", "and/or", "N/A", "24/7", "Note: see below", "10:30", "$direct",
			"data: none", "about:blank", "https:", "localhost", "a: b/c", "12345", "ann", "Home / Users / 12"),
	}.check(t, policy(t, project.Privacy{}).URL)
}

func TestProjectsChooseWhatURLsKeep(t *testing.T) {
	const address = "https://ann@x.example/users/12?Plan=pro&token=1&utm_source=a#b"
	for _, one := range []struct {
		settings           project.Privacy
		url, path, query   string
		referrer, internal string
	}{
		{project.Privacy{}, "https://x.example/users/:id?utm_source=a", "/users/:id", "?utm_source=a", "https://x.example/", "https://x.example/"},
		{project.Privacy{URLParameters: []string{"plan"}}, "https://x.example/users/:id?Plan=pro&utm_source=a", "/users/:id", "?Plan=pro&utm_source=a", "https://x.example/", "https://x.example/"},
		{project.Privacy{URLs: "template", Referrers: "path"}, "https://x.example/users/:id?utm_source=a", "/users/:id", "?utm_source=a", "https://x.example/users/:id", "https://x.example/users/:id"},
		{project.Privacy{URLs: "keep"}, address, "/users/12", "?Plan=pro&token=1&utm_source=a", address, address},
		{project.Privacy{URLs: "keep", Referrers: "host"}, address, "/users/12", "?Plan=pro&token=1&utm_source=a", "https://x.example/", "https://x.example/"},
		{project.Privacy{URLs: "keep", Referrers: "path"}, address, "/users/12", "?Plan=pro&token=1&utm_source=a", "https://x.example/users/:id", "https://x.example/users/:id"},
	} {
		p := policy(t, one.settings)
		got := []string{p.URL(address), p.Path("/users/12"), p.Query("?Plan=pro&token=1&utm_source=a"), p.Referrer(address)}
		if want := []string{one.url, one.path, one.query, one.referrer}; !slices.Equal(got, want) {
			t.Errorf("%+v\n got %q\nwant %q", one.settings, got, want)
		}
		in := fmt.Sprintf(`{"$current_url":%q,"other":%q,"$referrer":%q}`, address, address, address)
		if got, want := p.URLs(in), fmt.Sprintf(`{"$current_url":%q,"other":%q,"$referrer":%q}`, one.url, one.url, one.internal); got != want {
			t.Errorf("%+v\n got %s\nwant %s", one.settings, got, want)
		}
	}
}

func TestQueries(t *testing.T) {
	cases{
		"with and without their mark": {
			{"?a=b&utm_source=c", "?utm_source=c"}, {"a=b&utm_source=c", "utm_source=c"}, {"?a=b", ""}, {"a=b", ""}, {"?", ""}, {"", ""}, {"?utm_source=c#d", "?utm_source=c"},
		},
		"names in any case, escaped or twice": {
			{"?UTM_Source=c", "?UTM_Source=c"}, {"?utm%5Fsource=c", "?utm%5Fsource=c"}, {"?utm_term=a&utm_term=b", "?utm_term=a&utm_term=b"}, {"?utm_source", "?utm_source"},
			{"?xutm_source=c&utm_sourcex=d&utm=e", ""},
		},
		"broken separators": {
			{"?utm_source=a;token=b", "?utm_source=a"}, {"?token=b;utm_source=a", "?utm_source=a"}, {"?x=y&amp;utm_source=a&amp;token=b", "?utm_source=a"},
			{"?utm_source=a?token=b", "?utm_source=a"}, {"?&&utm_source=a&", "?utm_source=a"}, {"?utm_content=red;blue", "?utm_content=red;blue"}, {"?utm_term=who?", "?utm_term=who?"},
		},
		"parameters hidden in a value": {
			{"?utm_source=a%26token%3Dabc", "?utm_source=a"}, {"?utm_source=a%2526token%253Dabc", "?utm_source=a"}, {"?utm_source=a%3Ftoken%3Dabc+d", "?utm_source=a"},
			{"?utm_source=b%20c%26d&x=1", "?utm_source=b%20c%26d"}, {"?utm_source=%2525252525252541", ""},
		},
		"addresses in a value": {
			{"?utm_source=https%3A%2F%2Fx.example%2Fusers%2F12%3Fabc", "?utm_source=https%3A%2F%2Fx.example%2Fusers%2F%3Aid"}, {"?utm_source=http://u:p@x.example/a", "?utm_source=http%3A%2F%2Fx.example%2Fa"},
			{"?utm_source=http://x.example/a", "?utm_source=http://x.example/a"},
		},
		"ordinary values": same("?utm_campaign=Spring+sale&utm_term=50%25+off", "utm_source=b%C3%A9b%C3%A9"),
	}.check(t, policy(t, project.Privacy{}).Query)
}

func TestReferrers(t *testing.T) {
	cases{
		"hosts": {
			{"https://www.google.com/search?q=ann+lee", "https://www.google.com/"}, {"https://www.google.com", "https://www.google.com/"}, {"https://www.google.com?q=a", "https://www.google.com/"},
			{"http://ann:pw@intra.example:8080/x#y", "http://intra.example:8080/"}, {"android-app://com.google.android.gm/inbox", "android-app://com.google.android.gm/"},
			{"//x.example/a", "//x.example/"}, {"www.google.com/search?q=x", "www.google.com"}, {"x.example:8080/a", "x.example:8080"},
			{"from https://x.example/a?b=c.", "from https://x.example/."}, {"mailto:ann@example.com", "mailto:"}, {"blob:https://x.example/1", "blob:https://x.example/"},
		},
		"one's own pages without a host": {{"/users/12?x=1", "/users/:id"}, {"?x=1", ""}},
		"no addresses":                   same("$direct", "", "direct", "(none)", "Google", "t.co", "a friend's blog", "www.google.com"),
	}.check(t, policy(t, project.Privacy{}).Referrer)
	cases{
		"hosts and paths": {
			{"https://www.google.com/search?q=ann+lee&utm_source=x", "https://www.google.com/search"}, {"https://x.example/users/12#a", "https://x.example/users/:id"}, {"https://x.example", "https://x.example/"},
			{"www.google.com/search?q=x", "www.google.com/search"}, {"https://x.example/a ?b", "https://x.example/a"}, {"$direct", "$direct"},
		},
	}.check(t, policy(t, project.Privacy{Referrers: "path"}).Referrer)
}

// Whatever was sent, what is left of a query are allow-listed parameters, in
// their order and with their values. net/url is the plain oracle for queries
// that it can read.
func FuzzQuery(f *testing.F) {
	for _, query := range []string{"utm_source=a&b=c", "utm_source=a%26b%3Dc", "utm_term=a;b=c?utm_id=d", "utm%5Fterm=%", "&=&utm_source=http://a/?b", "utm_source=%25%34%31", "utm_source=+%2B+&plan=%00"} {
		f.Add(query)
	}
	p := policy(f, project.Privacy{URLParameters: []string{"plan"}})
	allowed := []string{"utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id", "utm_source_platform", "utm_creative_format", "utm_marketing_tactic", "plan"}
	f.Fuzz(func(t *testing.T, query string) {
		got := p.Query(query)
		if again := p.Query(got); again != got {
			t.Fatalf("%q\nbecame %q\n  then %q", query, got, again)
		}
		kept, err := url.ParseQuery(strings.TrimPrefix(got, "?"))
		if err == nil {
			for name := range kept {
				for strings.Contains(name, "%") { // escaped more than once
					once, err := url.QueryUnescape(name)
					if err != nil || once == name {
						break
					}
					name = once
				}
				if !slices.Contains(allowed, strings.ToLower(name)) {
					t.Fatalf("%q keeps %q: %q", query, name, got)
				}
			}
		}
		sent, err := url.ParseQuery(query)
		if err != nil || strings.ContainsAny(query, "?;#%+:") {
			return
		}
		for name, values := range sent {
			if name != "" && slices.Contains(allowed, name) && !slices.Equal(kept[name], values) {
				t.Fatalf("%q loses %q: %q", query, name, got)
			}
		}
	})
}

func FuzzURL(f *testing.F) {
	for _, text := range []string{
		"https://ann:pw@x.example/users/12?token=1&utm_source=a#b", "see https://x/y?z. and http://a@b", "blob:https://x/1", "//a@b:c/d?e", "a:80/b?c",
		"http:a@b", "file:x", "https://[::1]:x/", "?utm_source=http://a@b/?c", " https://a/1234 ?b", "https://a/1234.?b", "shop://users/ann", "a.b@c/d?x", "///a@b",
	} {
		f.Add(text)
	}
	p := policy(f, project.Privacy{})
	paths := policy(f, project.Privacy{Referrers: "path"})
	f.Fuzz(func(t *testing.T, text string) {
		got := p.URL(text)
		if again := p.URL(got); again != got {
			t.Fatalf("%q\nbecame %q\n  then %q", text, got, again)
		}
		for _, p := range []*privacy.Policy{p, paths} {
			referrer := p.Referrer(text)
			if again := p.Referrer(referrer); again != referrer {
				t.Fatalf("referrer %q\nbecame %q\n  then %q", text, referrer, again)
			}
		}
		// What net/url reads as an address with parts that must go has none of them.
		sent, err := url.Parse(text)
		if err != nil || sent.Host == "" || strings.TrimSpace(text) != text {
			return
		}
		if strings.Contains(got, "#") {
			t.Fatalf("%q keeps its fragment: %q", text, got)
		}
		if kept, err := url.Parse(got); err == nil && kept.User != nil {
			t.Fatalf("%q keeps its user: %q", text, got)
		}
		_, query, _ := strings.Cut(got, "?")
		for pair := range strings.SplitSeq(query, "&") {
			if pair != "" && !strings.HasPrefix(strings.ToLower(pair), "utm") {
				t.Fatalf("%q keeps %q: %q", text, pair, got)
			}
		}
	})
}

// Time grows with length, whatever the text is made of: the test would not end
// in time otherwise.
func TestLongTextTakesLinearTime(t *testing.T) {
	p := policy(t, project.Privacy{})
	const length = 256 << 10
	for _, part := range []string{"a", "/", "%25", "%", "1-", "://", "a://", "https://a@", "?a;", "utm_source=a;", "=", "@", "&=", "http://a/?utm_source=http%3A%2F%2F", "blob:", ".", "-a1B", `\`, ";=", "users/"} {
		long := strings.Repeat(part, length/len(part))
		for _, text := range []string{long, "https://x/" + long, "https://x/?utm_source=" + long, long + ".html"} {
			p.URL(text)
			p.Query(text)
			p.Path(text)
			p.Referrer(text)
			p.URLs(`{"url":"` + text + `","title":"` + text + `"}`)
		}
	}
}

func ExamplePolicy_URL() {
	p, err := privacy.NewPolicy(project.Privacy{URLParameters: []string{"plan"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.URL("https://ann:pw@shop.example/users/8271/orders?token=s3cret&plan=pro&utm_source=news#top"))
	fmt.Println(p.Path("/blog/2024/11/05/hello-8f3a2b1c9d0e"))
	fmt.Println(p.Referrer("https://www.google.com/search?q=ann+lee"))
	// Output:
	// https://shop.example/users/:id/orders?plan=pro&utm_source=news
	// /blog/2024/11/05/hello-:id
	// https://www.google.com/
}
