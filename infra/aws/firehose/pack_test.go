package firehose_test

import (
	"bytes"
	"encoding/base64"
	"math/rand/v2"
	"slices"
	"testing"

	"loch/infra/aws/firehose"
)

// However long documents are, they come out whole and in order, in records within
// the limits, and in no more billed bytes than filling each record to the brim
// would take.
func TestRecords(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for range 40 {
		var documents [][]byte
		most := 1 << rng.IntN(18)
		for range rng.IntN(400) {
			documents = append(documents, append(bytes.Repeat([]byte{'x'}, rng.IntN(min(most, firehose.MaxRecordBytes))), '\n'))
		}
		records, err := firehose.Records(documents)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(bytes.Join(records, nil), bytes.Join(documents, nil)) {
			t.Fatal("the records are not the documents")
		}
		for _, r := range records {
			if len(r) == 0 || len(r) > firehose.MaxRecordBytes || r[len(r)-1] != '\n' {
				t.Fatalf("a record of %d bytes", len(r))
			}
		}
		if got, brim := bill(records), bill(toTheBrim(documents)); got > brim+firehose.MaxRecordBytes/100 {
			t.Errorf("%d documents of up to %d bytes: %d bytes billed, %d when filled to the brim", len(documents), most, got, brim)
		}
		for left := records; len(left) > 0; {
			n := firehose.Batch(left)
			size := 0
			for _, r := range left[:n] {
				size += base64.StdEncoding.EncodedLen(len(r))
			}
			if n < 1 || n > 500 || size > 4_000_000 {
				t.Fatalf("a call of %d records and %d bytes", n, size)
			}
			left = left[n:]
		}
	}
	if _, err := firehose.Records([][]byte{make([]byte, firehose.MaxRecordBytes+1)}); err == nil {
		t.Error("a document that no record can hold is taken")
	}
}

// Documents of an event's size cost what their bytes cost: rounding adds under a
// thousandth to a record that has another behind it.
func TestRecordsEndNearAStep(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	var documents [][]byte
	for range 20_000 {
		documents = append(documents, make([]byte, 1000+rng.IntN(800)))
	}
	records, err := firehose.Records(documents)
	if err != nil {
		t.Fatal(err)
	}
	bytes, lost := 0, 0
	for _, r := range records[:len(records)-1] {
		bytes += len(r)
		lost += bill([][]byte{r}) - len(r)
	}
	if lost*1000 > bytes {
		t.Errorf("%d of %d bytes are lost to rounding", lost, bytes)
	}
}

func bill(records [][]byte) (n int) {
	for _, r := range records {
		n += (len(r) + 5119) / 5120 * 5120
	}
	return n
}

func toTheBrim(documents [][]byte) (records [][]byte) {
	var open []byte
	for _, d := range documents {
		if len(open)+len(d) > firehose.MaxRecordBytes {
			records, open = append(records, open), nil
		}
		open = append(open, d...)
	}
	if open == nil {
		return records
	}
	return slices.Concat(records, [][]byte{open})
}
