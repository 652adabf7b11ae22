package cost

import (
	"bytes"
	_ "embed"
	"encoding/json"

	"loch/shared/fault"
)

// Measured is what traffic came to when it was counted.
type Measured struct {
	Date    string `json:"date"`    // when it was counted
	Traffic string `json:"traffic"` // which
	// Counts are by events a request, fewest first.
	Counts []Counts `json:"counts"`
	// Assumed is what cannot be counted, and was not measured on AWS either.
	Assumed Assumed `json:"assumed"`
}

// Counts are what was counted at one number of events a request. Requests that carry
// changes of profiles, and no events, are among them.
type Counts struct {
	EventsARequest int `json:"events_a_request"`
	// What was sent.
	Events   int64 `json:"events"`
	Requests int64 `json:"requests"`
	// What was counted by the adapters.
	FirehoseRecords int64   `json:"firehose_records"`
	FirehoseSteps   int64   `json:"firehose_steps"` // records, each rounded up to steps of 5 KB
	StoreReadUnits  float64 `json:"store_read_units"`
	StoreWriteUnits float64 `json:"store_write_units"`
	StoreBytes      int64   `json:"store_bytes"` // what the tables hold after it
}

// Assumed are figures that hang on AWS's own speed, and on time instead of traffic. The
// first bill tells better ones.
type Assumed struct {
	Source string `json:"source"`
	// RequestMS is how long Lambda bills a request of ingest, by events a request.
	RequestMS map[string]float64 `json:"request_ms"`
	// LakeBytes is what an event takes in compacted Parquet.
	LakeBytes float64 `json:"lake_bytes_an_event"`
	// FileMB and FlushSeconds are when Firehose closes a file.
	FileMB       float64 `json:"firehose_file_mb"`
	FlushSeconds float64 `json:"flush_seconds"`
	// Instances is how many instances of ingest are kept busy. By time and not by
	// events, each writes a line of metrics and asks for the project's key.
	Instances float64 `json:"instances"`
	LogBytes  float64 `json:"log_bytes_a_minute"`
	KMSCalls  float64 `json:"kms_calls_an_hour"`
	// CompactionReads is how often compaction reads what landed.
	CompactionReads float64 `json:"compaction_reads"`
}

//go:embed counts.json
var counts []byte

// Sample returns the counts of sample traffic, which a test of functions/ingest/lambda
// counts anew.
func Sample() (Measured, error) {
	var m Measured
	d := json.NewDecoder(bytes.NewReader(counts))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return m, fault.Wrap(err, fault.Internal, "the counts that come with this binary cannot be read")
	}
	return m, nil
}
