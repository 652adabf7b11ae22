package accounttest_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"loch/infra/aws/accounttest"
)

// BenchmarkStart tells how large each binary is, and how long it takes from exec until
// it asks for work for the first time: what is paid for at every cold start.
func BenchmarkStart(b *testing.B) {
	names := []string{"Ingest", "Lookup", "Query", "Erase", "Compact", "Redrive"}
	binaries := accounttest.Build(b, names...)
	a := accounttest.Deploy(b, accounttest.Options{Functions: names})
	for _, name := range names {
		b.Run(name, func(b *testing.B) {
			f := a.Functions[name]
			for b.Loop() {
				f.Kill()
				if err := f.Warm(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			starts := f.Usage().Starts
			slices.Sort(starts)
			info, err := os.Stat(binaries[name])
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(info.Size())/1e6, "MB")
			b.ReportMetric(float64(starts[len(starts)/2].Microseconds())/1000, "ms/start")
		})
	}
}

// BenchmarkIngest times a request of 1, 10 and 50 events through the whole way: HTTP
// API, warm binary, stand-ins of DynamoDB and Firehose; and within it what Lambda
// would bill. The same visitor comes back, as on a site.
func BenchmarkIngest(b *testing.B) {
	a := accounttest.Deploy(b, accounttest.Options{Functions: []string{"Ingest"}})
	n := 0
	for _, events := range []int{1, 10, 50} {
		b.Run(fmt.Sprint(events), func(b *testing.B) {
			before := a.Functions["Ingest"].Usage()
			for b.Loop() {
				list := make([]string, events)
				for i := range list {
					n++
					list[i] = fmt.Sprintf(`{"event":"Page View","properties":{"token":%q,"time":%d,"$insert_id":"i-%d","distinct_id":"$device:d-%d","$device_id":"d-%d","$current_url":"https://shop.example.com/docs/%d","$browser":"Firefox","plan":"team"}}`,
						a.Project.Token, time.Now().Unix(), n, n%40, n%40, n%10)
				}
				a.Post(b, "/track", "application/json", "["+strings.Join(list, ",")+"]")
			}
			u := a.Functions["Ingest"].Usage()
			requests := u.Requests - before.Requests
			b.ReportMetric(float64((u.Billed-before.Billed).Milliseconds())/float64(requests), "billed-ms/request")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(requests*events), "µs/event")
		})
	}
}
