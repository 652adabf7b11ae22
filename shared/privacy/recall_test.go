package privacy_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"loch/shared/privacy"
	"loch/shared/project"
)

const (
	perKind         = 4000
	perOrdinary     = 1000
	leastRecall     = 0.99
	mostFalseAlarms = 1.0 // of 1000
)

func seeded(name string) *rand.Rand {
	var seed uint64
	for _, c := range name {
		seed = seed*31 + uint64(c)
	}
	return rand.New(rand.NewPCG(seed, 7))
}

func quoted(text string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // as browsers write it
	if err := e.Encode(text); err != nil {
		panic(err)
	}
	return strings.TrimSpace(b.String())
}

func inJSON(name, value string) string { return `{"` + name + `":` + quoted(value) + `}` }

// places are where personal values turn up. The names say nothing: a name that
// gives a value away would test the names.
var places = []struct {
	name string
	put  func(r *rand.Rand, value string) string
}{
	{"property", func(r *rand.Rand, v string) string { return inJSON(oneOf(r, "note", "field_a", "contact", "input"), v) }},
	{"sentence", func(r *rand.Rand, v string) string {
		return inJSON("message", oneOf(r, "Please write to ", "Kontakt: ", "it was ", "(", "user said: \"")+v+oneOf(r, ", thanks", ".", "", " and wait", ")", "\""))
	}},
	{"nested", func(_ *rand.Rand, v string) string {
		return `{"form":{"fields":[{"label":"a","answers":["yes",` + quoted(v) + `]},null,true]},"n":1}`
	}},
	{"query", func(_ *rand.Rand, v string) string {
		return inJSON("$current_url", "https://shop.example/find?q="+url.QueryEscape(v)+"&page=a")
	}},
	{"query, spaces as %20", func(_ *rand.Rand, v string) string {
		return inJSON("landing", "/find?lang=en&q="+strings.ReplaceAll(url.QueryEscape(v), "+", "%20"))
	}},
	{"text area", func(r *rand.Rand, v string) string {
		return inJSON("comment", oneOf(r, "Tel\n", "see\r\n", "a\t", "\n", "\"")+v+oneOf(r, "\nthanks", "\tand more", "", "\""))
	}},
	{"title", func(r *rand.Rand, v string) string {
		return inJSON("current_page_title", oneOf(r, "Results for ", "Chat: ", "Hello ")+v+oneOf(r, " – Shop", " | Shop", ""))
	}},
}

// gone cleans an event with a value in it and tells whether the value is gone,
// as it was written and as a query writes it. Of a number the last digits are
// looked for, since half a number would still be somebody's.
func gone(p *privacy.Policy, event, value string, isNumber bool) (bool, string) {
	clean := event
	if len(p.Find(nil, event)) > 0 { // else nobody would clean it
		clean = p.Clean(event, func(f privacy.Found) string { return "<" + string(f.Rule) + ">" })
	}
	if strings.Contains(clean, value) || strings.Contains(clean, strings.Trim(quoted(value), `"`)) || strings.Contains(clean, url.QueryEscape(value)) {
		return false, clean
	}
	if isNumber {
		digits := onlyDigits(value)
		return !strings.Contains(onlyDigits(clean), digits[len(digits)-5:]), clean
	}
	return true, clean
}

func onlyDigits(text string) string {
	if decoded, err := url.PathUnescape(text); err == nil {
		text = decoded
	}
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}

// tally counts what was found of one kind, and keeps some of the rest to show.
type tally struct {
	kind         string
	found, all   int
	missed       []string
	missedPlaces map[string]int
}

func (t *tally) add(p *privacy.Policy, place, event, value string, isNumber bool) {
	t.all++
	ok, clean := gone(p, event, value, isNumber)
	if ok {
		t.found++
		return
	}
	if t.missedPlaces == nil {
		t.missedPlaces = map[string]int{}
	}
	t.missedPlaces[place]++
	if len(t.missed) < 12 {
		t.missed = append(t.missed, fmt.Sprintf("%q in %s, left %s", value, event, clean))
	}
}

func (t *tally) recall() float64 { return float64(t.found) / float64(t.all) }

func (t *tally) String() string {
	return fmt.Sprintf("%d of %d found, missed by place %v, such as\n%s", t.found, t.all, t.missedPlaces, strings.Join(t.missed, "\n"))
}

// measureRecall goes through every kind and place. The last tally, of phones that
// only a name tells, is for information.
func measureRecall(p *privacy.Policy) (kept []*tally, bare *tally) {
	for _, k := range kinds {
		t, r := &tally{kind: k.name}, seeded(k.name)
		for i := range perKind {
			value, place := k.make(r), places[i%len(places)]
			t.add(p, place.name, place.put(r, value), value, k.number)
		}
		kept = append(kept, t)
	}
	return append(kept, measureSecrets(p), measureNamedPhones(p)), measureBarePhones(p)
}

func measureSecrets(p *privacy.Policy) *tally {
	t, r := &tally{kind: "secret"}, seeded("secret")
	for range perKind {
		name, value := oneOf(r, secretNames...), makeSecret(r)
		pair := name + "=" + url.QueryEscape(value)
		text := oneOf(r, "https://app.example/cb?"+pair, "https://app.example/cb?lang=en&"+pair+"&x=a", "/login?next=%2Fhome&"+pair, "https://app.example/#"+pair,
			"go to https://app.example/r?"+pair+" now", "https://app.example/login?next="+url.QueryEscape("/a?b=c&"+pair), "?"+pair)
		t.add(p, "query", inJSON(oneOf(r, "$current_url", "link", "note"), text), value, false)
	}
	return t
}

// measureNamedPhones holds that a property's name is enough, whatever the form.
func measureNamedPhones(p *privacy.Policy) *tally {
	t, r := &tally{kind: "named-phone"}, seeded("named")
	for range perKind {
		value := oneOf(r, makePhone, makeBarePhone)(r)
		name := oneOf(r, "phone", "Phone Number", "mobile", "contact_phone", "tel", "phoneNumber", "$phone", "whatsapp")
		event := inJSON(name, value)
		if onlyDigits(value) == value && value[0] != '0' && r.IntN(2) == 0 {
			event = `{"` + name + `":` + value + `}`
		}
		t.add(p, name, event, value, true)
	}
	return t
}

func measureBarePhones(p *privacy.Policy) *tally {
	t, r := &tally{kind: "bare-phone"}, seeded("bare")
	for i := range perKind {
		value, place := makeBarePhone(r), places[i%3]
		t.add(p, place.name, place.put(r, value), value, true)
	}
	return t
}

// falseAlarms are the ordinary events in which a rule saw something, by kind and
// rule with an example.
func falseAlarms(p *privacy.Policy) (alarms map[string][]string, wrong, all int) {
	alarms = map[string][]string{}
	for _, o := range ordinaries {
		r := seeded(o.kind)
		for range perOrdinary {
			event := o.event(r)
			all++
			if found := p.Find(nil, event); len(found) > 0 {
				wrong++
				about := o.kind + ", rule " + string(found[0].Rule)
				alarms[about] = append(alarms[about], event)
			}
		}
	}
	return alarms, wrong, all
}

func per1000(wrong, all int) float64 { return 1000 * float64(wrong) / float64(all) }

func TestRecall(t *testing.T) {
	kept, bare := measureRecall(newPolicy(t, project.Privacy{}))
	for _, k := range kept {
		t.Logf("%s: %.4f", k.kind, k.recall())
		if k.recall() < leastRecall {
			t.Errorf("recall of %s is %.4f, want %.2f: %s", k.kind, k.recall(), leastRecall, k)
		}
	}
	t.Logf("%s, which no rule promises: %.4f", bare.kind, bare.recall())
}

func TestFalseAlarms(t *testing.T) {
	alarms, wrong, all := falseAlarms(newPolicy(t, project.Privacy{}))
	t.Logf("%d of %d, %.2f in 1000", wrong, all, per1000(wrong, all))
	if per1000(wrong, all) <= mostFalseAlarms && !testing.Verbose() {
		return
	}
	for about, events := range alarms {
		slices.Sort(events)
		message := fmt.Sprintf("%s: %d times, such as %s", about, len(events), strings.Join(events[:min(4, len(events))], "  "))
		if per1000(wrong, all) > mostFalseAlarms {
			t.Error(message)
		} else {
			t.Log(message)
		}
	}
}

// BenchmarkScanner reports how much is found, how much wrongly, and what an
// ordinary event costs.
func BenchmarkScanner(b *testing.B) {
	p := newPolicy(b, project.Privacy{})
	kept, bare := measureRecall(p)
	_, wrong, all := falseAlarms(p)
	r := seeded("benchmark")
	var events []string
	for range 512 {
		properties := make([]string, 0, 12)
		for range 12 {
			properties = append(properties, strings.Trim(oneOf(r, ordinaries...).event(r), "{}"))
		}
		if event := "{" + strings.Join(properties, ",") + "}"; json.Valid([]byte(event)) {
			events = append(events, event)
		}
	}
	i := 0
	for b.Loop() {
		p.Find(nil, events[i%len(events)])
		i++
	}
	for _, k := range append(kept, bare) {
		b.ReportMetric(k.recall(), k.kind+"-recall")
	}
	b.ReportMetric(per1000(wrong, all), "false-positives/1000")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N), "ns/event")
}
