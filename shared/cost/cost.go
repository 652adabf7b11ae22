// Package cost prices a month of Loch on AWS: what requests came to when they were
// counted (counts.json), times what AWS asks for it at a date (prices.json).
//
// It is arithmetic alone, without AWS's SDK, so that the binary of one machine can tell
// what the same traffic would cost there. What a stack costs before anything is sent
// stands apart from what events cost, since small sites pay the one and large ones the
// other.
package cost

import (
	"fmt"
	"math"
)

// Use is how much there is to price.
type Use struct {
	EventsAMonth int64
	MemoryMB     int     // of ingest
	RequestMS    float64 // 0 is what is assumed
	KeptMonths   float64 // for how long events are kept
}

// Line is one part of the bill.
type Line struct {
	Service string  `json:"service"`
	What    string  `json:"what"`
	Amount  float64 `json:"amount"` // of a million events, or of a month
	Unit    string  `json:"unit"`
	USD     float64 `json:"usd"`
}

// Bill is what one way of sending events costs.
type Bill struct {
	EventsARequest int    `json:"events_a_request"`
	Lines          []Line `json:"lines"` // of a million events
	// Million is their sum: USD for a million events.
	Million float64 `json:"usd_a_million_events"`
	// Month is what the month's events cost, with the stack.
	Month float64 `json:"usd_a_month"`
}

const (
	million    = 1e6
	gb         = 1 << 30
	stepBytes  = 5 << 10
	secondsAMo = 30 * 24 * 3600
)

// Price is what a million events cost when they are sent as they were counted, and the
// month with it.
func Price(p *Prices, m *Measured, c *Counts, u Use) Bill {
	each := func(n float64) float64 { return n * million / float64(c.Events) } // of a million events
	requests := each(float64(c.Requests))
	ms := u.RequestMS
	if ms == 0 {
		ms = m.Assumed.RequestMS[fmt.Sprint(c.EventsARequest)]
	}
	gbSeconds := requests * ms / 1000 * float64(u.MemoryMB) / 1024
	streamGB := each(float64(c.FirehoseSteps)) * stepBytes / gb
	writes, reads := each(c.StoreWriteUnits), each(c.StoreReadUnits)
	lakeGB := million * m.Assumed.LakeBytes / gb
	b := Bill{EventsARequest: c.EventsARequest, Lines: []Line{
		{"API Gateway", "requests", requests, "", requests / million * p.APIMillionRequests},
		{"Lambda", "requests", requests, "", requests / million * p.LambdaMillionRequests},
		{"Lambda", "time", gbSeconds, "GB-s", gbSeconds * p.LambdaGBSecond},
		{"Firehose", "steps of 5 KB", each(float64(c.FirehoseSteps)), "", streamGB * (p.FirehoseGB + p.FirehoseConversionGB)},
		{"DynamoDB", "write units", writes, "", writes / million * p.DynamoDBMillionWrites},
		{"DynamoDB", "read units", reads, "", reads / million * p.DynamoDBMillionReads},
		{"S3", "events kept", lakeGB * u.KeptMonths, "GB-months", lakeGB * u.KeptMonths * p.S3GBMonth},
		{"Athena", "compaction", lakeGB * m.Assumed.CompactionReads, "GB", lakeGB * m.Assumed.CompactionReads / 1024 * p.AthenaTB},
	}}
	for _, l := range b.Lines {
		b.Million += l.USD
	}
	b.Month = b.Million * float64(u.EventsAMonth) / million
	for _, l := range Stack(p, m, u) {
		b.Month += l.USD
	}
	return b
}

// What a stack of template.yaml has, as its tests count it.
const (
	Keys       = 2
	Alarms     = 36
	Metrics    = 22 // that a busy ingest writes by itself
	Dashboards = 1
)

// Stack is what a stack costs in a month however little is sent.
func Stack(p *Prices, m *Measured, u Use) []Line {
	a := &m.Assumed
	files := math.Max(secondsAMo/a.FlushSeconds, float64(u.EventsAMonth)*a.LakeBytes/(a.FileMB*(1<<20)))
	logGB := a.Instances * a.LogBytes * secondsAMo / 60 / gb
	calls := a.Instances * a.KMSCalls * secondsAMo / 3600
	return []Line{
		{"KMS", "keys", Keys, "", Keys * p.KMSKeyMonth},
		{"KMS", "requests", calls, "", calls / million * p.KMSMillionRequests},
		{"CloudWatch", "alarms", Alarms, "", Alarms * p.AlarmMonth},
		{"CloudWatch", "metrics", Metrics, "", Metrics * p.MetricMonth},
		{"CloudWatch", "dashboard", Dashboards, "", Dashboards * p.DashboardMonth},
		{"CloudWatch", "logs", logGB, "GB", logGB * p.LogsGB},
		{"S3", "files written", files, "", files / 1000 * p.S3ThousandPuts},
	}
}
