package ingest_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// Without a token nobody fills the disk: of records that belong to no project only
// the beginnings are kept, however many and however incompressible.
func TestUnownedInputIsKeptInPart(t *testing.T) {
	b := newBench(t)
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	rnd := rand.New(rand.NewPCG(5, 6))
	noise := make([]byte, 900_000)
	for i := range noise {
		noise[i] = letters[rnd.IntN(len(letters))]
	}
	record := `{"event":1,"x":"` + string(noise) + `"}`
	b.send("POST", "/track", "["+strings.Repeat(record+",", 9)+record+"]")
	_, rejected, _ := b.sink.rows()
	if len(rejected) != 10 {
		t.Fatalf("%d rejected", len(rejected))
	}
	sealed := 0
	for _, r := range rejected {
		sealed += len(r.Sealed)
		if r.PayloadBytes != int64(len(record)) {
			t.Errorf("payload_bytes %d, want %d", r.PayloadBytes, len(record))
		}
	}
	if sealed > 16<<10 {
		t.Errorf("%d bytes were kept", sealed)
	}
}

// What is a project's own is kept whole, and small.
func TestOwnedInputIsKeptWhole(t *testing.T) {
	b := newBench(t)
	record := `{"event":1,"properties":{"token":"T","x":"` + strings.Repeat("a", 900_000) + `"}}`
	b.send("POST", "/track", record, "Authorization", "Basic VDo=") // T as user
	_, rejected, _ := b.sink.rows()
	if len(rejected) != 1 || rejected[0].Project != "p" || len(rejected[0].Sealed) > 1024 {
		t.Fatalf("%d rejected, %q, %d bytes", len(rejected), rejected[0].Project, len(rejected[0].Sealed))
	}
	if r, err := b.vault.OpenRejected(&b.sink.parcels[0].Rejected[0]); err != nil || !bytes.Equal(r, []byte(record)) {
		t.Errorf("opened %d bytes, %v", len(r), err)
	}
}
