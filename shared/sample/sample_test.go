package sample

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// record is one event or update of a request, decoded.
type record struct {
	Event      string         `json:"event"`
	Properties map[string]any `json:"properties"`
}

// payload undoes the encoding of a request's body.
func payload(t testing.TB, r *Request) []byte {
	t.Helper()
	if r.ContentType == "application/json" {
		return r.Body
	}
	values, err := url.ParseQuery(string(r.Body))
	if err != nil {
		t.Fatal(err)
	}
	data, err := base64.StdEncoding.DecodeString(values.Get("data"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func records(t testing.TB, r *Request) []record {
	t.Helper()
	var out []record
	if err := json.Unmarshal(payload(t, r), &out); err != nil {
		t.Fatalf("%v in %s", err, payload(t, r))
	}
	return out
}

func TestSameSeedSameBytes(t *testing.T) {
	digest := func(seed uint64) string {
		g := New(Options{Seed: seed, Events: 20_000, Days: 14})
		h := sha256.New()
		for range 5000 {
			r, ok := g.Next()
			if !ok {
				t.Fatal("the sample ended early")
			}
			fmt.Fprintln(h, r.Path, r.ContentType, r.UserAgent, r.Hints, r.Language, r.Origin, r.Address, r.Time.UnixMilli(), r.Events, r.Updates, r.Again)
			h.Write(r.Body)
		}
		return hex.EncodeToString(h.Sum(nil))
	}
	// A change of this digest changes everybody's sample: say so in the changelog.
	const want = "916edf0c8955267bac125aac910d1687ea7073161a9ddee1e987c6e93061c92f"
	if got := digest(1); got != want {
		t.Errorf("the first 5000 requests of seed 1 have digest\n%s, want\n%s", got, want)
	}
	if digest(2) == digest(1) {
		t.Error("another seed gives the same sample")
	}
}

func TestExactlySoManyEventsInOrder(t *testing.T) {
	for _, o := range []Options{
		{Seed: 1, Events: 1},
		{Seed: 8, Events: 7, Days: 3},
		{Seed: 2, Events: 60, Days: 1},
		{Seed: 3, Events: 3000, Days: 1},
		{Seed: 4, Events: 3000, Days: 90},
		{Seed: 5, Events: 20_000, Days: 7},
		{Seed: 6, Events: 8_000, Days: 30, End: time.Date(2026, 3, 1, 17, 20, 5, 0, time.UTC)},
	} {
		g := New(o)
		events, last := 0, time.Time{}
		for r := range g.All() {
			events += r.Events
			if r.Time.Before(last) {
				t.Errorf("%+v: %v comes after %v", o, r.Time, last)
			}
			last = r.Time
			// Each record names its token once; to decode them all takes long.
			if n := bytes.Count(payload(t, &r), []byte(`token":"`)); n != r.Events+r.Updates {
				t.Errorf("%+v: a request says %d events and %d updates and holds %d", o, r.Events, r.Updates, n)
			}
			if r.Events+r.Updates > maxBatch || r.Events+r.Updates == 0 {
				t.Errorf("%+v: %d records in a request", o, r.Events+r.Updates)
			}
		}
		if events != o.Events || g.Stats().Events != o.Events {
			t.Errorf("%+v: %d events, stats say %d", o, events, g.Stats().Events)
		}
		end := time.UnixMilli(g.end)
		if last.After(end) || o.Events >= 100 && end.Sub(last) > 36*time.Hour {
			t.Errorf("%+v: the last request is of %v, the sample ends %v", o, last, end)
		}
	}
}

// TestAsTheSDKWritesThem holds the first sign-up of a sample, request by request,
// against a golden file, where a reader sees what the SDK sends. The senders'
// addresses are left out of it.
func TestAsTheSDKWritesThem(t *testing.T) {
	g := New(Options{Seed: 3, Events: 6_000, Days: 14})
	var all []Request
	device, at := "", time.Time{}
	for r := range g.All() {
		all = append(all, r)
		for _, rec := range records(t, &r) {
			if rec.Event == "Sign Up Completed" && device == "" {
				device, at = rec.Properties["$device_id"].(string), r.Time
			}
		}
		if device != "" && r.Time.Sub(at) > time.Hour {
			break
		}
	}
	var b bytes.Buffer
	address := ""
	for i := range all {
		r := &all[i]
		data := payload(t, r)
		if !bytes.Contains(data, []byte(device)) && (address == "" || r.Address.String() != address) {
			continue
		}
		address = r.Address.String()
		fmt.Fprintf(&b, "POST %s\nContent-Type: %s\nUser-Agent: %s\nAccept-Language: %s\nOrigin: %s\n\n", r.Path, r.ContentType, r.UserAgent, r.Language, r.Origin)
		fmt.Fprintf(&b, "%s\n\n\n", strings.ReplaceAll(string(data), "},{", "},\n {"))
	}
	golden(t, "signup.txt", b.Bytes())
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; go test -rewrite writes it anew. Got:\n%s", path, got)
	}
}

// TestPropertiesInTheSDKsOrder compares a page view with a recorded one: the
// same names in the same order.
func TestPropertiesInTheSDKsOrder(t *testing.T) {
	// mixpanel-browser 2.83.0, first page of a visit by a tagged link from Google.
	recorded := list("$os", "$browser", "$referrer", "$referring_domain", "$current_url", "$browser_version", "$screen_height", "$screen_width", "mp_lib", "$lib_version", "$insert_id", "time", "utm_source", "utm_campaign", "gclid", "distinct_id", "$device_id", "$search_engine", "$initial_referrer", "$initial_referring_domain", "current_page_title", "current_domain", "current_url_path", "current_url_protocol", "current_url_search", "$mp_autocapture", "token", "mp_sent_by_lib_version")
	extra := list("utm_medium", "utm_term", "language") // this campaign's, this site's
	g := New(Options{Seed: 1, Events: 5000})
	for r := range g.All() {
		data := payload(t, &r)
		if !bytes.Contains(data, []byte(`"gclid"`)) || bytes.Contains(data, []byte(`"$device":"`)) || !bytes.HasPrefix(data, []byte(`[{"event":"$mp_web_page_view"`)) {
			continue
		}
		var names []string
		dec := json.NewDecoder(bytes.NewReader(data[bytes.Index(data, []byte(`"properties":`))+len(`"properties":`):]))
		if _, err := dec.Token(); err != nil {
			t.Fatal(err)
		}
		for dec.More() {
			name, err := dec.Token()
			if err != nil {
				t.Fatal(err)
			}
			var value json.RawMessage
			if err := dec.Decode(&value); err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(extra, name.(string)) {
				names = append(names, name.(string))
			}
		}
		if !slices.Equal(names, recorded) {
			t.Errorf("properties\n%q, recorded\n%q", names, recorded)
		}
		return
	}
	t.Error("no page view of a Google campaign came")
}

// TestTablesNeedNoEscapes holds the promise under which texts are written into
// JSON as they are.
func TestTablesNeedNoEscapes(t *testing.T) {
	var texts []string
	for _, p := range pages {
		texts = append(texts, p.path, p.title, p.url, p.section)
	}
	for _, s := range sources {
		texts = append(texts, s.referrer, s.domain, s.engine, s.click, s.clickPrefix)
		for _, p := range s.utm {
			texts = append(texts, p.name, p.value)
		}
	}
	for _, p := range places {
		texts = append(texts, p.language, p.currency)
		texts = append(texts, slices.Concat(p.names.first, p.names.last, p.names.firsts, p.names.lasts)...)
		if len(p.names.first) != len(p.names.firsts) || len(p.names.last) != len(p.names.lasts) {
			t.Errorf("%s: names and their plain spellings differ in number", p.country)
		}
	}
	texts = append(texts, slices.Concat(signUpWays, shareWays, templates, formats, integrations, roles, billingDoors, cardBrands, errorCodes, errorMessages, companyFirst, companySecond)...)
	for _, s := range texts {
		if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' }) {
			t.Errorf("%q needs escapes in JSON", s)
		}
	}
}

// TestMemoryDoesNotGrowWithTheSample begins samples of a hundred thousand and of
// thirty million events, and looks at the heap some way in.
func TestMemoryDoesNotGrowWithTheSample(t *testing.T) {
	heap := func(events int) int64 {
		g := New(Options{Seed: 1, Events: events})
		for range 8_000 {
			if _, ok := g.Next(); !ok {
				t.Fatal("the sample ended early")
			}
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if len(g.agenda.stretch) > 2*stretchVisits {
			t.Errorf("%d starts are kept", len(g.agenda.stretch))
		}
		runtime.KeepAlive(g)
		return int64(m.HeapAlloc)
	}
	small, big := heap(100_000), heap(30_000_000)
	if big-small > 16<<20 {
		t.Errorf("%d bytes for thirty million events, %d for a hundred thousand", big, small)
	}
}

func BenchmarkGenerate(b *testing.B) {
	g := New(Options{Seed: 1, Events: b.N + 1})
	b.ReportAllocs()
	events, size := 0, 0
	for events < b.N {
		r, ok := g.Next()
		if !ok {
			break
		}
		events += r.Events
		size += len(r.Body)
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(size)/float64(events), "bytes/event")
}
