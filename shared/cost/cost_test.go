package cost_test

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"loch/shared/cost"
)

func load(t *testing.T) (cost.Prices, cost.Measured) {
	t.Helper()
	p, err := cost.ListPrices()
	if err != nil {
		t.Fatal(err)
	}
	m, err := cost.Sample()
	if err != nil {
		t.Fatal(err)
	}
	return p, m
}

// Prices worked out by hand, one part at a time.
func TestPrice(t *testing.T) {
	p, m := load(t)
	c := cost.Counts{EventsARequest: 10, Events: 1000, Requests: 100, FirehoseRecords: 100, FirehoseSteps: 400, StoreReadUnits: 80, StoreWriteUnits: 200}
	m.Assumed.LakeBytes, m.Assumed.CompactionReads = 1<<30/1e6, 2 // a GB for a million
	b := cost.Price(&p, &m, &c, cost.Use{EventsAMonth: 3_000_000, MemoryMB: 512, RequestMS: 20, KeptMonths: 6})
	for i, want := range []float64{
		0.1,               // 100 000 requests at 1.00
		0.02,              // the same at 0.20
		1000 * 1.33334e-5, // 100 000 × 20 ms × 0.5 GB
		400_000 * 5120.0 / (1 << 30) * 0.047,
		0.125,          // 200 000 writes at 0.625
		0.01,           // 80 000 reads at 0.125
		6 * 0.023,      // 1 GB for six months
		2.0 / 1024 * 5, // 2 GB read at 5 a TB
	} {
		if l := b.Lines[i]; math.Abs(l.USD-want) > 1e-9 {
			t.Errorf("%s, %s: %g, want %g", l.Service, l.What, l.USD, want)
		}
		b.Million -= want
	}
	if math.Abs(b.Million) > 1e-9 {
		t.Errorf("the sum is %g off", b.Million)
	}
	stack := 0.0
	for _, l := range cost.Stack(&p, &m, cost.Use{EventsAMonth: 3_000_000}) {
		if l.USD < 0 || l.Amount <= 0 {
			t.Errorf("%+v", l)
		}
		stack += l.USD
	}
	again := cost.Price(&p, &m, &c, cost.Use{EventsAMonth: 3_000_000, MemoryMB: 512, RequestMS: 20, KeptMonths: 6})
	if want := 3*again.Million + stack; math.Abs(again.Month-want) > 1e-9 {
		t.Errorf("the month is %g, want %g", again.Month, want)
	}
}

// What comes with the binary is whole, and more events a request cost less each.
func TestSample(t *testing.T) {
	p, m := load(t)
	if len(m.Counts) != 3 || m.Date == "" || p.Date == "" {
		t.Fatalf("%d counts of %q, prices of %q", len(m.Counts), m.Date, p.Date)
	}
	last := math.Inf(1)
	for i := range m.Counts {
		b := cost.Price(&p, &m, &m.Counts[i], cost.Use{EventsAMonth: 1_000_000, MemoryMB: 256, KeptMonths: 1})
		for _, l := range b.Lines {
			if !(l.USD > 0) {
				t.Errorf("%d events a request, %s %s: %g", b.EventsARequest, l.Service, l.What, l.USD)
			}
		}
		if b.Million >= last {
			t.Errorf("%d events a request cost %g, fewer cost %g", b.EventsARequest, b.Million, last)
		}
		last = b.Million
	}
}

// A price that is missing must not count as nothing.
func TestReadPrices(t *testing.T) {
	text, err := os.ReadFile("prices.json")
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	for name := range members {
		less := map[string]any{}
		for n, v := range members {
			if n != name {
				less[n] = v
			}
		}
		b, err := json.Marshal(less)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cost.ReadPrices(strings.NewReader(string(b))); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	for _, wrong := range []string{"", "[]", `{"surprise":1}`, strings.Replace(string(text), "0.029", "-1", 1)} {
		if _, err := cost.ReadPrices(strings.NewReader(wrong)); err == nil {
			t.Errorf("%.20q is taken", wrong)
		}
	}
}
