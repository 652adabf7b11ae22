package e2e

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// What is planted, to be searched for afterwards.
const (
	plantedUser  = "user-7f3a-planted"
	plantedEmail = "planted.person@example.test"
	plantedGroup = "acme-corp-7261-planted"
)

// ordinaryAgent is what a visitor's browser calls itself.
const ordinaryAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"

// TestBrowser is the main job of Loch: a website with an unmodified Mixpanel
// SDK, in a real browser, on another origin. Each event arrives once, with
// country, browser and page; one person before and after identify; the profile
// has the traits; and a copy of the lake names nobody.
func TestBrowser(t *testing.T) {
	data := t.TempDir()
	s := start(t, data, "--trust-proxy", "127.0.0.0/8", "--rollover-every", "1s", "--compact-every", "1h")
	front, site := startProxy(t, s), startSite(t)
	// Without the word Headless in its agent, the browser is not taken for a bot.
	tab := openBrowser(t, chromedp.Flag("user-agent", ordinaryAgent))

	settings := map[string]any{"api_host": front.url, "track_pageview": true, "persistence": "localStorage"}
	shop := pageURL(t, site, "/shop?utm_source=letter&utm_medium=email&utm_campaign=spring", settings)
	tab.visit(shop)
	// The group's kind is made known first, so that its id is sealed in events.
	tab.eval(`mixpanel.get_group('company', '` + plantedGroup + `').set({'$name': 'Acme'})`)
	await(t, "the group update has arrived", func() bool {
		return front.count(func(p passage) bool { return p.path == "/groups/" && p.status == 200 }) > 0
	})
	tab.eval(`
		mixpanel.set_group('company', '` + plantedGroup + `');
		mixpanel.register({release: 'r42', nested: {list: [1, 2.5, 'ü ☕ +/=&?']}});
		mixpanel.time_event('Checked Out');
		mixpanel.track('Viewed Plan', {plan: 'pro', price: 12.5, big: 9007199254740991, none: null});
		mixpanel.track('Checked Out', {});
		mixpanel.identify('` + plantedUser + `');
		mixpanel.people.set({'$email': '` + plantedEmail + `', '$name': 'Planted Person', plan: 'pro'});
		mixpanel.people.increment('visits', 2);
		mixpanel.track('Signed In')`)
	device := tab.text(`mixpanel.get_property('$device_id')`)
	agent := tab.text(`navigator.userAgent`)
	await(t, "the batch has arrived", func() bool {
		return s.number("select count(*) from events where event = 'Signed In'") == 1
	})

	// Leaving the page sends what is queued by beacon, without taking it off the
	// queue; the next visit sends it again.
	tab.eval(`mixpanel.track('Left')`)
	tab.visit(site + "/elsewhere")
	await(t, "the beacon has arrived", func() bool {
		return s.number("select count(*) from events where event = 'Left'") == 1
	})
	if front.count(func(p passage) bool { return strings.HasPrefix(p.contentType, "text/plain") }) == 0 {
		t.Error("no request came as text/plain: the beacon was not tested")
	}
	tab.visit(shop)
	await(t, "the event that the beacon sent has come again", func() bool {
		return s.number("select count(*) from events_raw where event = 'Left'") == 2
	})
	await(t, "the second page view has arrived", func() bool {
		return s.number("select count(*) from events where event = '$mp_web_page_view'") == 2
	})

	front.check(t, site)
	checkEvents(t, s, site)
	checkOnePerson(t, s, device)
	checkProfile(t, s)

	await(t, "the log has become Parquet", func() bool {
		found, err := filepath.Glob(filepath.Join(data, "lake", "landing", "*", "*", "*.parquet"))
		return err == nil && len(found) > 0
	})
	s.stop()
	searchFolder(t, data, []string{plantedUser, plantedEmail, plantedGroup, "Planted Person", device, agent, visitor}, plantedGroup) // a group's id as a trait is sealed once its kind is known
}

// checkEvents sees that each event is there once, with what a report needs.
func checkEvents(t *testing.T, s *server, site string) {
	t.Helper()
	want := map[string]int64{
		"$mp_web_page_view": 2, "Viewed Plan": 1, "Checked Out": 1, "$identify": 1, "Signed In": 1, "Left": 1,
	}
	for _, r := range s.sql("select event, count(*)::varchar as n from events group by event") {
		name, _ := r["event"].(string)
		if got := canonical(r["n"]); got != canonical(itoa(want[name])) {
			t.Errorf("%s is there %s times, want %d", name, got, want[name])
		}
		delete(want, name)
	}
	for name := range want {
		t.Errorf("%s is not there", name)
	}

	host := strings.TrimPrefix(site, "http://")
	for _, r := range s.sql("select * from events") {
		for column, value := range map[string]any{
			"project": "default", "protocol": "mixpanel", "insert_id_source": "client",
			"country": "GB", "browser": "Chrome", "os": "Linux", "device_type": "desktop",
			"page_path": "/shop", "utm_source": "letter", "utm_medium": "email", "utm_campaign": "spring",
			"channel": "Email", "lib": "web", "lib_version": "2.83.0", "time_source": "client", "is_bot": false,
		} {
			if r[column] != value {
				t.Errorf("%s: %s is %v, want %v", r["event"], column, r[column], value)
			}
		}
		if got, _ := r["page_host"].(string); got != host && got != "localhost" {
			t.Errorf("%s: page_host is %q, want %q", r["event"], got, host)
		}
	}

	viewed := properties(t, s.sql("select properties from events where event = 'Viewed Plan'")[0])
	for name, want := range map[string]string{
		"plan": `"pro"`, "price": `25/2`, "big": `9007199254740991`, "none": `null`, "release": `"r42"`,
		"nested": `{"list":[1,5/2,"ü ☕ +/=\u0026?"]}`,
	} {
		if got := canonical(viewed[name]); got != want {
			t.Errorf("Viewed Plan: %s is %s, want %s", name, got, want)
		}
	}
	checkedOut := properties(t, s.sql("select properties from events where event = 'Checked Out'")[0])
	if _, there := checkedOut["$duration"]; !there {
		t.Error("Checked Out has no $duration, though it was timed")
	}
}

// checkOnePerson sees that what came before identify belongs to the same person
// as what came after.
func checkOnePerson(t *testing.T, s *server, device string) {
	t.Helper()
	people := s.sql("select distinct person_id from events")
	if len(people) != 1 {
		t.Fatalf("there are %d people, want 1: %v", len(people), people)
	}
	if id, _ := people[0]["person_id"].(string); !lakeID.MatchString(id) {
		t.Errorf("person_id is %v, want a lake id", people[0]["person_id"])
	}
	if n := s.number("select count(*) from events where user_id is null"); n == 0 {
		t.Error("no event came before identify, so nothing was linked")
	}
	if len(device) < 30 {
		t.Errorf("the SDK's device id is %q", device)
	}
}

// checkProfile sees that whoever may see personal data finds the person.
func checkProfile(t *testing.T, s *server) {
	t.Helper()
	await(t, "the profile has its traits", func() bool {
		a := s.profile("pii", plantedUser)
		return a.status == 200 && strings.Contains(string(a.body), plantedEmail)
	})
	body := string(s.profile("pii", plantedUser).body)
	for _, want := range []string{"Planted Person", `"pro"`, `"visits"`, "GB", "Chrome"} {
		if !strings.Contains(body, want) {
			t.Errorf("the profile does not hold %s: %s", want, body)
		}
	}
	if a := s.profile("read", plantedUser); strings.Contains(string(a.body), plantedEmail) {
		t.Errorf("a key of scope read sees the e-mail address: %s", a.body)
	}
	if a := s.profile("pii", "nobody-has-this-id"); a.status != 404 {
		t.Errorf("an unknown person is answered %d, want 404", a.status)
	}
	if a := s.send("GET", "/api/profiles/"+plantedUser, nil); a.status != 401 {
		t.Errorf("without a key the answer is %d, want 401", a.status)
	}
}

// browser is one tab.
type browser struct {
	t   *testing.T
	ctx context.Context
}

// openBrowser starts a fresh headless browser, and keeps a picture of the page
// if the test fails.
func openBrowser(t *testing.T, more ...chromedp.ExecAllocatorOption) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Fatal("there is no Chromium; run `make setup`, which installs it")
	}
	// The user data folder is a fresh one by default.
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
	)
	allocated, release := chromedp.NewExecAllocator(context.Background(), append(options, more...)...)
	t.Cleanup(release)
	ctx, closeTab := chromedp.NewContext(allocated)
	t.Cleanup(closeTab)
	b := &browser{t, ctx}
	t.Cleanup(b.keepPicture)
	if err := chromedp.Do(ctx); err != nil { // starts it
		t.Fatalf("the browser does not start: %v", err)
	}
	return b
}

// visit opens an address and waits until the page is loaded.
func (b *browser) visit(address string) {
	b.t.Helper()
	drive(b, chromedp.Navigate(address))
}

// eval runs statements in the page.
func (b *browser) eval(script string) {
	b.t.Helper()
	drive(b, chromedp.Evaluate[chromedp.Void]("{"+script+"}; undefined"))
}

// text asks the page for a text.
func (b *browser) text(expression string) string {
	b.t.Helper()
	return drive(b, chromedp.Evaluate[string](expression))
}

func drive[T any](b *browser, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		b.t.Fatalf("the browser: %v", err)
	}
	return v
}

func (b *browser) keepPicture() {
	if !b.t.Failed() {
		return
	}
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(80))
	if err != nil {
		return // the browser is gone; the failure itself is told already
	}
	const folder = "../../build/e2e"
	path := filepath.Join(folder, b.t.Name()+".jpg")
	if err := errors.Join(os.MkdirAll(folder, 0o750), os.WriteFile(path, picture, 0o600)); err == nil {
		b.t.Logf("a picture of the page is in %s", path)
	}
}
