package query

import (
	"context"
	"math"

	"loch/shared/fault"
	"loch/shared/project"
	"loch/shared/report"
	"loch/shared/sql"
)

// What Athena charges: for the bytes of the columns that are read, in whole
// megabytes, and for ten of them at least (https://aws.amazon.com/athena/pricing).
const (
	usdPerTerabyte = 5.0
	terabyte       = 1 << 40
	megabyte       = 1 << 20
	leastMegabytes = 10
)

// cost is what a report would cost on Athena, in place of its answer.
type cost struct {
	From string `json:"from"` // the dates of the partitions that are read
	To   string `json:"to"`
	report.Measured
	Looks   int     `json:"looks"`         // how often all that is read
	Scanned int64   `json:"scanned_bytes"` // bytes times looks
	Billed  int64   `json:"billed_bytes"`
	USD     float64 `json:"usd"`
}

// price tells what a report would cost, by its statement for Athena and the files
// that there are.
func (h *handler) price(ctx context.Context, key project.Key, spec report.Spec) (*cost, error) {
	m, ok := h.Engine.(report.Measurer)
	if !ok {
		return nil, fault.New(fault.Invalid, "the cost is measured on one machine; on AWS, Athena tells after each statement what it scanned").At("explain")
	}
	st, err := spec.Compile(sql.Trino, h.surroundings(key))
	if err != nil {
		return nil, err
	}
	reading := st.Reading()
	bounded, cancel := context.WithTimeout(ctx, h.MaxTime)
	defer cancel()
	measured, err := m.Measure(bounded, key.Project.ID, reading)
	if err != nil {
		return nil, err
	}
	c := &cost{From: reading.From, To: reading.To, Measured: measured, Looks: reading.Looks, Scanned: measured.Bytes * int64(reading.Looks)}
	c.Billed = max(leastMegabytes, (c.Scanned+megabyte-1)/megabyte) * megabyte
	c.USD = math.Round(float64(c.Billed)/terabyte*usdPerTerabyte*1e9) / 1e9
	return c, nil
}
