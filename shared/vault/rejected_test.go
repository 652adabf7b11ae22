package vault_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"loch/shared/event"
	"loch/shared/fault"
	"loch/shared/vault/vaulttest"
)

// A payload that costs its sender nothing must not cost the disk a thousand times
// as much.
func TestRejectedIsSmall(t *testing.T) {
	v := newVault(t, vaulttest.NewMemory())
	r := event.Rejected{RequestID: "r", Reason: event.ReasonWrongType}
	payload := []byte(`{"event":1,"x":"` + strings.Repeat("a", 1_000_000) + `"}`)
	r.Sealed = v.SealRejected(&r, payload)
	if len(r.Sealed) > 1024 {
		t.Errorf("%d bytes of one letter are sealed as %d", len(payload), len(r.Sealed))
	}
	if got, err := v.OpenRejected(&r); err != nil || !bytes.Equal(got, payload) {
		t.Errorf("opened %d bytes, %v", len(got), err)
	}
}

// Whatever the payload, it comes back, and is never more than a byte longer.
func TestRejectedOpens(t *testing.T) {
	v := newVault(t, vaulttest.NewMemory())
	rnd := rand.New(rand.NewPCG(3, 4))
	for i := range 200 {
		payload := make([]byte, rnd.IntN(3000))
		for j := range payload {
			payload[j] = byte(rnd.IntN(1 + rnd.IntN(256)))
		}
		if i%2 == 0 {
			payload = bytes.Repeat(payload[:min(len(payload), 9)], len(payload)/9)
		}
		r := event.Rejected{Project: "p", RequestID: "r", BatchIndex: int64(i), Reason: event.ReasonBadTime}
		r.Sealed = v.SealRejected(&r, payload)
		if got, err := v.OpenRejected(&r); err != nil || !bytes.Equal(got, payload) {
			t.Fatalf("%d bytes: opened %d, %v", len(payload), len(got), err)
		}
		if len(r.Sealed) > len(payload)+1+12+16 { // how it is packed, nonce, tag
			t.Fatalf("%d bytes became %d", len(payload), len(r.Sealed))
		}
	}
}

// Two payloads of one length, one of which repeats a word of its own, look alike:
// who holds the lake cannot try what stands in a payload by its size.
func TestRejectedSizeTellsNoWord(t *testing.T) {
	v := newVault(t, vaulttest.NewMemory())
	r := event.Rejected{RequestID: "r", Reason: event.ReasonWrongType}
	filler := strings.Repeat("and so on, and so forth; ", 60)
	hit := v.SealRejected(&r, []byte(`{"email":"ann@example.test","guess":"ann@example.test","x":"`+filler+`"}`))
	miss := v.SealRejected(&r, []byte(`{"email":"ann@example.test","guess":"zqw@vxkkpjy.test","x":"`+filler+`"}`))
	if len(hit) != len(miss) {
		t.Errorf("%d bytes where the guess is right, %d where it is wrong", len(hit), len(miss))
	}
}

// Rows that earlier builds sealed still open, for their own row only.
func TestRejectedOfEarlierBuilds(t *testing.T) {
	v := newVault(t, vaulttest.NewMemory())
	r := event.Rejected{Project: "p", RequestID: "r", BatchIndex: 3, Reason: event.ReasonBadTime}
	r.Sealed = v.SealRejectedAsBefore(&r, []byte("\x01ann@example.test"))
	if got, err := v.OpenRejected(&r); err != nil || string(got) != "\x01ann@example.test" {
		t.Errorf("opened %q, %v", got, err)
	}
	r.BatchIndex = 4
	if _, err := v.OpenRejected(&r); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("moved to another row: %v", err)
	}
}

func TestRejectedBombStaysFolded(t *testing.T) {
	v := newVault(t, vaulttest.NewMemory())
	r := event.Rejected{RequestID: "r", Reason: event.ReasonWrongType}
	r.Sealed = v.SealBomb(&r, 64<<20)
	if got, err := v.OpenRejected(&r); err == nil {
		t.Errorf("unfolded to %d bytes", len(got))
	}
}
