package firehose

import (
	"iter"
	"reflect"
	"sync"
)

// Counts are what a sink has done. Records, bytes and billed bytes are those that
// Firehose has taken, both streams together.
type Counts struct {
	Calls           int64 `unit:"Count"` // of PutRecordBatch
	CallsFailed     int64 `unit:"Count"` // of which, without a result for each record
	CallsUnanswered int64 `unit:"Count"` // of which, perhaps done all the same: each may have left duplicates
	Records         int64 `unit:"Count"`
	RecordsFailed   int64 `unit:"Count"` // in calls that had a result for each record
	RecordsRetried  int64 `unit:"Count"` // offered again, for either reason
	Bytes           int64 `unit:"Bytes"`
	BilledBytes     int64 `unit:"Bytes"` // each record rounded up to 5 KB

	SpillObjects   int64 `unit:"Count"`
	SpillDocuments int64 `unit:"Count"`
	SpillBytes     int64 `unit:"Bytes"`
	SealedObjects  int64 `unit:"Count"` // payloads of rejections that are too large for a record

	Rows           int64 `unit:"Count"` // acknowledged
	Rejected       int64 `unit:"Count"` // acknowledged
	Unacknowledged int64 `unit:"Count"` // inputs of parcels that failed; some of them may be in the lake
}

// Metrics yields each count with its name and its unit in CloudWatch's words.
func (c Counts) Metrics() iter.Seq2[Metric, int64] {
	return func(yield func(Metric, int64) bool) {
		v := reflect.ValueOf(c)
		for i, field := range reflect.VisibleFields(v.Type()) {
			if !yield(Metric{"Firehose" + field.Name, field.Tag.Get("unit")}, v.Field(i).Int()) {
				return
			}
		}
	}
}

// Metric is a metric's name, "FirehoseBilledBytes", and its unit.
type Metric struct {
	Name, Unit string
}

// Counters add up what sinks do. The zero value is at zero.
type Counters struct {
	mu    sync.Mutex
	total Counts
	taken Counts
}

func (c *Counters) add(n Counts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total = c.total.plus(n, 1)
}

// Total returns what was done since the start.
func (c *Counters) Total() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total
}

// Take returns what was done since the last Take, for metrics that are written
// after each request.
func (c *Counters) Take() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	since := c.total.plus(c.taken, -1)
	c.taken = c.total
	return since
}

// plus adds n to each count, so many times.
func (c Counts) plus(n Counts, times int64) Counts {
	return Counts{
		Calls: c.Calls + times*n.Calls, CallsFailed: c.CallsFailed + times*n.CallsFailed, CallsUnanswered: c.CallsUnanswered + times*n.CallsUnanswered,
		Records: c.Records + times*n.Records, RecordsFailed: c.RecordsFailed + times*n.RecordsFailed, RecordsRetried: c.RecordsRetried + times*n.RecordsRetried,
		Bytes: c.Bytes + times*n.Bytes, BilledBytes: c.BilledBytes + times*n.BilledBytes,
		SpillObjects: c.SpillObjects + times*n.SpillObjects, SpillDocuments: c.SpillDocuments + times*n.SpillDocuments,
		SpillBytes: c.SpillBytes + times*n.SpillBytes, SealedObjects: c.SealedObjects + times*n.SealedObjects,
		Rows: c.Rows + times*n.Rows, Rejected: c.Rejected + times*n.Rejected, Unacknowledged: c.Unacknowledged + times*n.Unacknowledged,
	}
}
