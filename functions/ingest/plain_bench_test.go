package ingest_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

// BenchmarkPlainJSON is a ruler for the machine: what a program pays that takes
// the same requests with encoding/json into maps and writes the properties again,
// and does nothing else of what the handler does. Figures of one machine say
// little on another; the ratio of the two does.
func BenchmarkPlainJSON(b *testing.B) {
	const events = 50
	text := body(events)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	cpu := processCPU(b)
	for b.Loop() {
		form, err := url.ParseQuery(text)
		must(b, err)
		data, err := base64.StdEncoding.DecodeString(form.Get("data"))
		must(b, err)
		d := json.NewDecoder(strings.NewReader(string(data)))
		d.UseNumber()
		var records []struct {
			Event      string
			Properties map[string]any
		}
		must(b, d.Decode(&records))
		for _, r := range records {
			_, err := json.Marshal(r.Properties)
			must(b, err)
		}
		if len(records) != events {
			b.Fatal(len(records))
		}
	}
	b.ReportMetric(float64((processCPU(b)-cpu).Microseconds())/float64(b.N*events), "cpu-µs/event")
}
