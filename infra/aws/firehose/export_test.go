package firehose

// Plus adds counts.
func (c Counts) Plus(n Counts) Counts { return c.plus(n, 1) }

// Records cuts documents into records.
func Records(documents [][]byte) ([][]byte, error) {
	p := &pack{}
	for _, d := range documents {
		p.buf = append(p.buf, d...)
		if err := p.end(); err != nil {
			return nil, err
		}
	}
	return p.records(), nil
}

// Batch is how many of the records go into one call.
var Batch = batch

// MaxRecordBytes is the most that a record holds.
const MaxRecordBytes = maxRecordBytes
