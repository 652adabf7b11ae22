package instance

import (
	"encoding/json"
	"io"
	"maps"
	"slices"
	"sync"
	"time"
)

// Metrics adds up counts and writes them as lines that CloudWatch reads as metrics
// (embedded metric format): no call, and no waiting.
//
// A line for every request would cost more than the function, since each is paid by
// its size. So counts are written at the first request and then once a minute at most,
// at the end of a request. What an instance counted after its last line is lost with
// it; that is why the books are kept by the stores and not here. Counts that somebody
// must see are Urgent and written at once.
type Metrics struct {
	out      io.Writer
	stack    string
	function string
	now      func() time.Time

	mu     sync.Mutex
	counts map[string]count
	urgent bool
	last   time.Time
}

type count struct {
	value float64
	unit  string
}

// writeEvery is how often counts are written.
const writeEvery = time.Minute

func newMetrics(out io.Writer, stack, function string, now func() time.Time) *Metrics {
	return &Metrics{out: out, stack: stack, function: function, now: now, counts: map[string]count{}}
}

// Add adds to a count. unit is CloudWatch's word: "Count", "Bytes", "Milliseconds".
func (m *Metrics) Add(name, unit string, value float64) {
	if value == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.counts[name]
	m.counts[name] = count{c.value + value, unit}
}

// Urgent adds to a count that is written with the next Flush, whenever the last was.
func (m *Metrics) Urgent(name, unit string, value float64) {
	if value == 0 {
		return
	}
	m.Add(name, unit, value)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.urgent = true
}

// Flush writes the counts if it is time to. It is called before a request is answered.
func (m *Metrics) Flush() {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	if len(m.counts) == 0 || !m.urgent && now.Sub(m.last) < writeEvery {
		return
	}
	m.last, m.urgent = now, false
	line := m.line(now)
	clear(m.counts)
	_, _ = m.out.Write(line) // there is nobody to tell
}

// metric is how a line declares one of its members to be a metric.
type metric struct {
	Name string
	Unit string
}

// line is one line of the embedded metric format. The dimensions are few and closed:
// each set of them with a name is a metric that is paid for.
func (m *Metrics) line(now time.Time) []byte {
	names := slices.Sorted(maps.Keys(m.counts))
	declared := make([]metric, len(names))
	members := map[string]any{"Stack": m.stack, "Function": m.function}
	for i, name := range names {
		declared[i] = metric{name, m.counts[name].unit}
		members[name] = m.counts[name].value
	}
	members["_aws"] = map[string]any{
		"Timestamp": now.UnixMilli(),
		"CloudWatchMetrics": []any{map[string]any{
			"Namespace": "Loch", "Dimensions": [][]string{{"Stack", "Function"}}, "Metrics": declared,
		}},
	}
	line, err := json.Marshal(members)
	if err != nil {
		return nil // numbers and words always encode
	}
	return append(line, '\n')
}
