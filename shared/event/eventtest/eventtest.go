// Package eventtest is the contract of event.Sink: one suite of tests that every
// engine passes, and rows to test with.
package eventtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"loch/shared/event"
	"loch/shared/fault"
)

// Engine is a sink and what it has kept.
type Engine struct {
	Sink event.Sink

	// Read returns every row and every rejected input that is durable, in any
	// order. An engine may keep one several times; its request and its place in it
	// tell that it is the same.
	Read func(t *testing.T) ([]event.Row, []event.Rejected)

	// Break makes the engine's stores fail, or work again.
	Break func(broken bool)
}

// RunSink runs the suite. open makes an empty engine for each test.
func RunSink(t *testing.T, open func(t *testing.T) Engine) {
	for name, test := range map[string]func(*testing.T, Engine){
		"kept as it was given": keptAsGiven, "several at once": severalAtOnce, "large parcels": largeParcels,
		"rejections alone": rejectionsAlone, "given up before": givenUpBefore, "broken": broken, "not held on to": notHeldOnTo,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// identity is what makes a row or a rejection the same one.
type identity struct {
	request string
	index   int64
}

// expect holds what the engine has kept against what was put.
func expect(t *testing.T, e Engine, parcels []*event.Parcel) {
	t.Helper()
	rows, rejected := map[identity]string{}, map[identity]string{}
	received := 0
	for _, p := range parcels {
		received += p.Receipt.Received
		for i := range p.Rows {
			rows[identity{p.Rows[i].RequestID, p.Rows[i].BatchIndex}] = words(p.Rows[i])
		}
		for i := range p.Rejected {
			rejected[identity{p.Rejected[i].RequestID, p.Rejected[i].BatchIndex}] = words(p.Rejected[i])
		}
	}
	if received != len(rows)+len(rejected) {
		t.Fatalf("the test is wrong: %d received, %d rows, %d rejected", received, len(rows), len(rejected))
	}
	gotRows, gotRejected := e.Read(t)
	compare(t, "row", rows, gotRows, func(r event.Row) identity { return identity{r.RequestID, r.BatchIndex} })
	compare(t, "rejection", rejected, gotRejected, func(r event.Rejected) identity { return identity{r.RequestID, r.BatchIndex} })
}

func compare[T any](t *testing.T, what string, want map[identity]string, got []T, of func(T) identity) {
	t.Helper()
	seen := map[identity]bool{}
	for _, g := range got {
		id := of(g)
		if w, ok := want[id]; !ok {
			t.Errorf("%s %v was never put", what, id)
		} else if w != words(g) {
			t.Errorf("%s %v\ngot  %s\nwant %s", what, id, words(g), w)
		}
		seen[id] = true
		if t.Failed() {
			return
		}
	}
	if len(seen) != len(want) {
		t.Errorf("%d of %d %ss were kept", len(seen), len(want), what)
	}
}

// words tells everything about a value, NaN too.
func words(v any) string { return fmt.Sprintf("%+v", v) }

func put(t *testing.T, e Engine, parcels ...*event.Parcel) {
	t.Helper()
	for _, p := range parcels {
		if err := e.Sink.Put(t.Context(), p); err != nil {
			t.Fatalf("Put: %v", err)
		}
	}
}

func keptAsGiven(t *testing.T, e Engine) {
	rng := rand.New(rand.NewPCG(1, 1))
	var all []*event.Parcel
	for i := range 60 {
		all = append(all, RandomParcel(rng, fmt.Sprintf("request-%d", i)))
	}
	put(t, e, all...)
	expect(t, e, all)
}

func severalAtOnce(t *testing.T, e Engine) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var all []*event.Parcel
	for w := range 8 {
		wg.Go(func() {
			for i := range 20 {
				p := SampleParcel(fmt.Sprintf("r-%d-%d", w, i), i)
				if err := e.Sink.Put(t.Context(), p); err != nil {
					t.Errorf("Put: %v", err)
				}
				mu.Lock()
				all = append(all, p)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	expect(t, e, all)
}

// largeParcels: many records in a request, and large ones.
func largeParcels(t *testing.T, e Engine) {
	many := SampleParcel("many", 700)
	wide := SampleParcel("wide", 5)
	for i := range wide.Rows {
		text := make([]byte, 300<<10)
		for j := range text {
			text[j] = byte('a' + (i+j)%26)
		}
		wide.Rows[i].Properties = `{"text":"` + string(text) + `"}`
	}
	put(t, e, many, wide)
	expect(t, e, []*event.Parcel{many, wide})
}

// rejectionsAlone: a request that brought nothing good, and one whose payload is
// as large as a request may be.
func rejectionsAlone(t *testing.T, e Engine) {
	p := SampleParcel("bad", 0)
	rng := rand.New(rand.NewPCG(5, 5))
	for i, bytes := range []int{0, 1, 1000, 1 << 20} {
		sealed := make([]byte, bytes)
		for j := range sealed {
			sealed[j] = byte(rng.Uint32())
		}
		r := event.Rejected{
			ReceivedTimeMS: p.Receipt.ReceivedTimeMS, Protocol: "mixpanel", RequestID: "bad", BatchIndex: int64(i - 1),
			Reason: event.ReasonTooLarge, PayloadBytes: int64(10 * bytes),
		}
		if bytes > 0 {
			r.Sealed = sealed
		}
		p.Rejected = append(p.Rejected, r)
		p.Receipt.Received++
	}
	put(t, e, p)
	expect(t, e, []*event.Parcel{p})
}

func givenUpBefore(t *testing.T, e Engine) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.Sink.Put(ctx, SampleParcel("late", 3)); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("Put after the end = %v, want a fault of code %s", err, fault.Unavailable)
	}
	expect(t, e, nil)
}

// broken: nothing is acknowledged that cannot be kept, and what comes after is.
func broken(t *testing.T, e Engine) {
	before, after := SampleParcel("before", 3), SampleParcel("after", 3)
	put(t, e, before)
	e.Break(true)
	if err := e.Sink.Put(t.Context(), SampleParcel("meanwhile", 3)); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("Put while the stores fail = %v, want a fault of code %s", err, fault.Unavailable)
	}
	e.Break(false)
	put(t, e, after)
	expect(t, e, []*event.Parcel{before, after})
}

// notHeldOnTo: the parcel belongs to the caller again when Put returns.
func notHeldOnTo(t *testing.T, e Engine) {
	var all []*event.Parcel
	p := &event.Parcel{}
	for i := range 10 {
		fresh := SampleParcel(fmt.Sprint(i), 7)
		all = append(all, fresh)
		p.Receipt = fresh.Receipt
		p.Rows = append(p.Rows[:0], fresh.Rows...)
		p.Rejected = p.Rejected[:0]
		for _, r := range fresh.Rejected {
			r.Sealed = slices.Clone(r.Sealed)
			p.Rejected = append(p.Rejected, r)
		}
		put(t, e, p)
		clear(p.Rows)
		for j := range p.Rejected {
			clear(p.Rejected[j].Sealed)
		}
	}
	expect(t, e, all)
}
