package sample

import (
	"strings"
	"testing"
	"time"
)

func share(part, whole int) float64 { return float64(part) / float64(whole) }

func between(t *testing.T, what string, got, low, high float64) {
	t.Helper()
	if got < low || got > high {
		t.Errorf("%s is %.3f, believable is %.3f to %.3f", what, got, low, high)
	}
}

func TestFunnelsFall(t *testing.T) {
	s := look()
	for _, funnel := range [][]string{
		{"Landing", "Sign Up Started", "Sign Up Completed"},
		{"Billing Opened", "Plan Chosen", "Card Added", "Billing Completed"},
	} {
		for i := 1; i < len(funnel); i++ {
			before, after := len(s.who[funnel[i-1]]), len(s.who[funnel[i]])
			if after == 0 || after >= before {
				t.Errorf("%s: %d people, %s: %d", funnel[i-1], before, funnel[i], after)
			}
		}
	}
	between(t, "the share of those who land and sign up", share(len(s.who["Sign Up Completed"]), len(s.who["Landing"])), 0.01, 0.10)
}

// TestPhonesAreStuckAtTheCard holds what there is to be found in the sample.
func TestPhonesAreStuckAtTheCard(t *testing.T) {
	s := look()
	phone := share(len(s.onPhone["Card Added"]), len(s.onPhone["Plan Chosen"]))
	computers := share(len(s.who["Card Added"])-len(s.onPhone["Card Added"]), len(s.who["Plan Chosen"])-len(s.onPhone["Plan Chosen"]))
	if phone > 0.6*computers {
		t.Errorf("%.2f of phones get past the card form, %.2f of computers", phone, computers)
	}
}

func TestPeopleComeFromEverywhere(t *testing.T) {
	s := look()
	delete(s.country, "")
	if len(s.country) < 12 || len(s.language) < 12 {
		t.Errorf("%d countries, %d languages", len(s.country), len(s.language))
	}
	if len(s.browser) < 7 {
		t.Errorf("browsers: %v", s.browser)
	}
	for _, name := range []string{"utm_source", "gclid", "fbclid", "msclkid", "li_fat_id", "$search_engine", "chatgpt.com", "www.perplexity.ai", "claude.ai", "www.google.com", "news.ycombinator.com"} {
		if s.channels[name] == 0 {
			t.Errorf("nobody comes with %s", name)
		}
	}
}

func TestNightsAndWeekendsAreQuiet(t *testing.T) {
	s := look()
	// Germany is an hour ahead of UTC, Japan nine.
	if h := s.hours["DE"]; h[2] > h[10]/4 {
		t.Errorf("Germany has %d views at 3 in the morning, %d at 11", h[2], h[10])
	}
	if h := s.hours["JP"]; h[18] > h[1]/3 {
		t.Errorf("Japan has %d views at 3 in the morning, %d at 10", h[18], h[1])
	}
	weekend, working := s.weekday[time.Saturday]+s.weekday[time.Sunday], s.weekday[time.Tuesday]+s.weekday[time.Wednesday]
	between(t, "a weekend against two working days", share(weekend, working), 0.2, 0.6)
}

func TestPeopleReturn(t *testing.T) {
	s := look()
	again, often := 0, 0
	for _, days := range s.days {
		if len(days) >= 2 {
			again++
		}
		if len(days) >= 8 {
			often++
		}
	}
	between(t, "the share of devices seen on two days", share(again, len(s.days)), 0.03, 0.3)
	if often < 50 {
		t.Errorf("%d devices were seen on 8 days", often)
	}
}

func TestUsersAreLinkedToTheirDevices(t *testing.T) {
	s := look()
	before, two := 0, 0
	for device, at := range s.firstUser {
		if anon, ok := s.firstAnon[device]; ok && anon < at {
			before++
		}
	}
	for _, devices := range s.devices {
		if len(devices) == 2 {
			two++
		}
		if len(devices) > 2 {
			t.Error("a user has more than two devices")
		}
	}
	if before < 100 {
		t.Errorf("%d devices were anonymous first and identified later", before)
	}
	between(t, "the share of users with two devices", share(two, len(s.devices)), 0.05, 0.5)
}

func TestBotsAndDuplicatesAreFew(t *testing.T) {
	s := look()
	between(t, "the share of bots' events", share(s.stats.Bots, s.stats.Events), 0.025, 0.035)
	if got := s.browser["bot"]; got != s.stats.Bots {
		t.Errorf("stats say %d events of bots, user agents say %d", s.stats.Bots, got)
	}
	twice := 0
	for _, n := range s.inserts {
		twice += n - 1
	}
	between(t, "the share of events sent again", share(twice, s.events), 0.003, 0.03)
	if twice != s.stats.Again || s.mismatch > 0 {
		t.Errorf("%d events were sent again, stats say %d; %d with another time", twice, s.stats.Again, s.mismatch)
	}
	if s.beacons == 0 {
		t.Error("nothing was sent by beacon")
	}
}

func TestSomeDocsPagesAreReadFarMore(t *testing.T) {
	s := look()
	most, all := 0, 0
	for _, n := range s.pages {
		most, all = max(most, n), all+n
	}
	if mean := all / len(s.pages); most < 3*mean || len(s.pages) < 25 {
		t.Errorf("the most read page has %d views, the mean of %d pages is %d", most, len(s.pages), mean)
	}
}

func TestServerSideEvents(t *testing.T) {
	s := look()
	between(t, "the share of events from the server", share(s.server, s.events), 0.003, 0.03)
	if s.revenue == 0 {
		t.Error("no revenue came in")
	}
}

// TestEventsNameNobody holds that names and e-mail addresses are in profile
// updates only, and the examples that the sample offers are its own.
func TestEventsNameNobody(t *testing.T) {
	g := New(Options{Seed: 5, Events: 10_000})
	mails, user := 0, false
	var requests []Request
	for r := range g.All() {
		requests = append(requests, r)
	}
	for _, r := range requests {
		data := string(payload(t, &r))
		if strings.HasPrefix(r.Path, "/engage/") {
			mails += strings.Count(data, "$email")
			user = user || strings.Contains(data, g.Stats().User) && strings.Contains(data, "$transactions")
			continue
		}
		if strings.Contains(data, "@") || strings.Contains(data, "$name") && !strings.HasPrefix(r.Path, "/groups/") {
			t.Fatalf("%s holds a name or an e-mail address", r.Path)
		}
	}
	if mails == 0 || !user {
		t.Errorf("%d e-mail addresses; a charge of the sample's user: %v", mails, user)
	}
}

// TestPeopleAreCountedOnce compares the generator's own count of visitors with
// one made from the requests: each person by the user the device belongs to.
func TestPeopleAreCountedOnce(t *testing.T) {
	s := look()
	owner := map[string]string{}
	for user, devices := range s.devices {
		for d := range devices {
			owner[d] = user
		}
	}
	people := map[string]bool{}
	for device := range s.days {
		if user := owner[device]; user != "" {
			people[user] = true
		} else {
			people[device] = true
		}
	}
	if diff := len(people) - s.stats.People; diff < -60 || diff > 60 { // visits cut by the end, or left out
		t.Errorf("stats say %d people, requests say %d", s.stats.People, len(people))
	}
}
