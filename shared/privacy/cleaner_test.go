package privacy_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"loch/shared/privacy"
	"loch/shared/project"
)

// pieces are members in which there is something to do, or nothing, in every
// shape of value.
var pieces = []string{
	`"$os":"Linux"`, `"$screen_width":1280`, `"flag":true`, `"none":null`, `"price":-12.5e3`, `"empty":""`, `"o":{}`, `"a":[ ]`,
	`"$current_url":"https://shop.example/users/8271/orders?token=s3cret&utm_source=news#top"`, `"$current_url":"https://shop.example/pricing"`,
	`"$referrer":"https://www.google.com/search?q=a"`, `"note":"write to jane@example.com"`, `"note":"jane@example.com"`, `"card":4111111111111111`,
	`"password":"a\"b\\"`, `"list":["x",{"phone":"+46 70 123 45 67"},"]}"]`, `"deep":{"page":{"url":"/a/b?c=d"},"s":"}\""}`,
	`"esc":"jane\u0040example.com"`, `"tail\\":"\\\\"`, `"sp" : "a b" `, `"search":"?q=1&utm_term=x"`, `"hash":"#jane"`, `"phone":46701234567`,
	`"url":"mailto:jane@example.com"`, `"jane@example.com":1`, `"pin":"1234"`, `"q":"a%40b.example"`,
}

func randomEvent(r *rand.Rand) string {
	var list []string
	for range r.IntN(8) {
		one := pieces[r.IntN(len(pieces))]
		if r.IntN(4) == 0 {
			one = fmt.Sprintf(`"n%d":%q`, r.IntN(50), strings.Repeat("x", r.IntN(4)))
		}
		list = append(list, one)
	}
	return []string{"{", " { "}[r.IntN(2)] + strings.Join(list, []string{",", " , "}[r.IntN(2)]) + "}"
}

// TestCleanerForgetsNothing holds a cleaner with a memory against the policy
// without: first time, again, and from several goroutines at once.
func TestCleanerForgetsNothing(t *testing.T) {
	settings := []project.Privacy{
		{}, {URLs: "keep"}, {Referrers: "path", URLParameters: []string{"token"}}, {Scan: map[string]string{"email": "keep", "phone": "reject"}},
	}
	for _, s := range settings {
		p, err := privacy.NewPolicy(s)
		if err != nil {
			t.Fatal(err)
		}
		c := privacy.NewCleaner(p)
		var wait sync.WaitGroup
		for seed := range uint64(4) {
			wait.Go(func() {
				r := rand.New(rand.NewPCG(seed, 7))
				for range 3000 {
					holdAgainst(t, c, p, randomEvent(r))
				}
				for _, text := range pieces {
					holdTexts(t, c, p, text)
					holdTexts(t, c, p, text)
				}
			})
		}
		wait.Wait()
	}
}

func holdAgainst(t *testing.T, c *privacy.Cleaner, p *privacy.Policy, event string) {
	t.Helper()
	want := p.URLs(event)
	wantFound := p.Find(nil, want)
	before := privacy.Found{Rule: privacy.Email, Value: "jane@example.com"}
	got, found := c.Properties([]privacy.Found{before}, event)
	if got != want {
		t.Errorf("%s\nbecame %s\nwant   %s", event, got, want)
	}
	for _, f := range wantFound {
		if !slices.Contains(found, f) {
			t.Errorf("%s: %v was not found", event, f)
		}
	}
	if slices.Contains(wantFound, before) {
		wantFound = slices.DeleteFunc(wantFound, func(f privacy.Found) bool { return f == before })
	}
	if len(found) != len(wantFound)+1 {
		t.Errorf("%s: found %v, want %v besides the first", event, found, wantFound)
	}
}

func holdTexts(t *testing.T, c *privacy.Cleaner, p *privacy.Policy, text string) {
	t.Helper()
	if got, want := c.URL(text), p.URL(text); got != want {
		t.Errorf("URL(%s) is %s, want %s", text, got, want)
	}
	if got, want := c.Path(text), p.Path(text); got != want {
		t.Errorf("Path(%s) is %s, want %s", text, got, want)
	}
	if got, want := c.Text(nil, text), p.FindText(nil, text); !slices.Equal(got, want) {
		t.Errorf("Text(%s) is %v, want %v", text, got, want)
	}
}

// FuzzCleaner holds the two against each other on any text, JSON or not.
func FuzzCleaner(f *testing.F) {
	for _, one := range pieces {
		f.Add("{" + one + "}")
	}
	f.Add(`{"a":"b"`)
	f.Add(`{"a"`)
	f.Add(`x@example.com`)
	p, err := privacy.NewPolicy(project.Privacy{})
	if err != nil {
		f.Fatal(err)
	}
	c := privacy.NewCleaner(p)
	f.Fuzz(func(t *testing.T, text string) {
		first, found := c.Properties(nil, text)
		again, same := c.Properties(nil, text)
		if first != again || !slices.Equal(found, same) {
			t.Errorf("%q became %q, then %q", text, first, again)
		}
	})
}

// BenchmarkCleaner is what an event costs whose members were seen before.
func BenchmarkCleaner(b *testing.B) {
	p, err := privacy.NewPolicy(project.Privacy{})
	if err != nil {
		b.Fatal(err)
	}
	c := privacy.NewCleaner(p)
	b.ReportAllocs()
	for b.Loop() {
		c.Properties(nil, pageView)
	}
}
