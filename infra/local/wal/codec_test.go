package wal

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"loch/shared/event"
)

func currentLayout(t testing.TB) layout {
	t.Helper()
	l, err := layoutOf(storedColumns(event.Columns), event.Columns)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// roundTrip encodes with some columns and decodes with all.
func roundTrip(t testing.TB, columns []event.Column, p *event.Parcel) *event.Parcel {
	t.Helper()
	l, err := layoutOf(storedColumns(columns), event.Columns)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeParcel(string(appendParcel(nil, columns, p)), l)
	if err != nil {
		t.Fatalf("decoding what was encoded: %v", err)
	}
	return got
}

func TestEveryFieldOfARowIsKept(t *testing.T) {
	var r event.Row
	v := reflect.ValueOf(&r).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() {
		case reflect.String:
			f.SetString(fmt.Sprintf("field %d", i))
		case reflect.Int64:
			f.SetInt(int64(i) - 20)
		case reflect.Float64:
			f.SetFloat(float64(i) / 8)
		case reflect.Bool:
			f.SetBool(true)
		default:
			t.Fatalf("Row.%s has a kind that the log does not know", v.Type().Field(i).Name)
		}
	}
	got := roundTrip(t, event.Columns, &event.Parcel{Rows: []event.Row{r}}).Rows[0]
	if got != r {
		t.Errorf("got  %+v\nwant %+v", got, r)
	}
}

func TestRoundTripOfRandomParcels(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 3))
	for i := range 500 {
		p := randomParcel(rng, fmt.Sprint(i))
		if got := roundTrip(t, event.Columns, p); words(got) != words(p) {
			t.Fatalf("parcel %d\ngot  %s\nwant %s", i, words(got), words(p))
		}
	}
}

func TestRevenue(t *testing.T) {
	for _, want := range []float64{0, math.Copysign(0, -1), 9.99, math.Inf(1), event.NoRevenue} {
		got := roundTrip(t, event.Columns, &event.Parcel{Rows: []event.Row{{Revenue: want}}}).Rows[0].Revenue
		if math.IsNaN(want) && math.IsNaN(got) {
			continue
		}
		if math.Float64bits(got) != math.Float64bits(want) {
			t.Errorf("revenue %v comes back as %v", want, got)
		}
	}
}

func TestColumnsThatTheFileDoesNotHaveAreNull(t *testing.T) {
	// Every second column, in reverse order: columns may be added anywhere and
	// moved about.
	var older []event.Column
	for i := 0; i < len(event.Columns); i += 2 {
		older = append(older, event.Columns[i])
	}
	slices.Reverse(older)
	full := sampleRow(1)
	full.Revenue = 12.5
	got := roundTrip(t, older, &event.Parcel{Rows: []event.Row{full}}).Rows[0]
	for i, c := range event.Columns {
		want := ""
		if i%2 == 0 {
			want = value(c, &full)
		} else {
			null := event.Row{Revenue: event.NoRevenue}
			want = value(c, &null)
		}
		if got := value(c, &got); got != want {
			t.Errorf("column %s = %s, want %s", c.Name, got, want)
		}
	}
}

// value returns what a row has in a column, in words.
func value(c event.Column, r *event.Row) string {
	switch {
	case c.Str != nil:
		return *c.Str(r)
	case c.Num != nil:
		return fmt.Sprint(*c.Num(r))
	case c.Flt != nil:
		return fmt.Sprint(*c.Flt(r))
	default:
		return fmt.Sprint(*c.Flag(r))
	}
}

func TestColumnsThatThisProgramDoesNotHaveAreRefused(t *testing.T) {
	for _, test := range []struct {
		name   string
		stored []storedColumn
		want   string
	}{
		{"unknown", append(storedColumns(event.Columns), storedColumn{'s', "mood"}), `"mood" that this version of Loch does not know`},
		{"another type", []storedColumn{{'f', "event"}}, `"event" is of a type`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := layoutOf(test.stored, event.Columns)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("layoutOf = %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestDecodingAllocatesAFewTimesAFrame(t *testing.T) {
	body := string(appendParcel(nil, event.Columns, sampleParcel("id", 50)))
	l := currentLayout(t)
	got := testing.AllocsPerRun(20, func() {
		if _, err := decodeParcel(body, l); err != nil {
			t.Fatal(err)
		}
	})
	// The parcel, its rows, its rejected inputs, and the 7 sealed payloads.
	if got > 10 {
		t.Errorf("decoding 50 rows allocates %v times, want at most 10", got)
	}
}

// TestPutAllocatesNothing does what Put does but for the pool, which the race
// detector empties at random.
func TestPutAllocatesNothing(t *testing.T) {
	l, _ := mustOpen(t, t.TempDir(), Options{NoSync: true})
	p := sampleParcel("id", 50)
	r := requests.Get().(*request)
	put := func() {
		if err := r.fill(p); err != nil {
			t.Fatal(err)
		}
		if err := l.submit(r); err != nil {
			t.Fatal(err)
		}
	}
	put()
	if got := testing.AllocsPerRun(100, put); got != 0 {
		t.Errorf("Put allocates %v times, want 0", got)
	}
}

// hostile are bodies that promise far more than they hold.
var hostile = [][]byte{
	append([]byte{0, 0, 0}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0),         // very many rows
	append([]byte{0, 0, 0}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0),      // even more
	append([]byte{0, 0, 0, 0}, 0xff, 0xff, 0xff, 0xff, 0x0f),                                 // very many rejected
	append(binary.AppendUvarint(nil, math.MaxUint64), 0, 0, 0),                               // a very long text
	append([]byte{0, 0, 0, 1, 0}, []byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")...), // every column and beyond
}

func TestHostileBodiesReserveNoMemory(t *testing.T) {
	l := currentLayout(t)
	for i, body := range hostile {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := decodeParcel(string(body), l)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("body %d: decoded, want an error", i)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 64<<10 {
			t.Errorf("body %d: %d bytes made the decoder allocate %d", i, len(body), got)
		}
	}
}

// FuzzDecodeParcel feeds any bytes to the decoder: it must not panic, and what
// it takes must be the same after another round.
func FuzzDecodeParcel(f *testing.F) {
	f.Add(appendParcel(nil, event.Columns, randomParcel(rand.New(rand.NewPCG(5, 5)), "seed")))
	f.Add(appendParcel(nil, event.Columns, &event.Parcel{}))
	for _, body := range hostile {
		f.Add(body)
	}
	l := currentLayout(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := decodeParcel(string(body), l)
		if err != nil {
			return
		}
		rows, rejected, err := counts(body)
		if err != nil || rows != int64(len(p.Rows)) || rejected != int64(len(p.Rejected)) {
			t.Errorf("counts = %d, %d, %v; the parcel has %d, %d", rows, rejected, err, len(p.Rows), len(p.Rejected))
		}
		if again := roundTrip(t, event.Columns, p); words(again) != words(p) {
			t.Errorf("encoded once more\ngot  %s\nwant %s", words(again), words(p))
		}
	})
}

// FuzzRoundTrip makes rows from random seeds and texts.
func FuzzRoundTrip(f *testing.F) {
	f.Add(uint64(1), "text", 1.5)
	f.Add(uint64(2), "\xff\x00", math.NaN())
	f.Fuzz(func(t *testing.T, seed uint64, text string, number float64) {
		p := randomParcel(rand.New(rand.NewPCG(seed, 0)), text)
		p.Rows = append(p.Rows, event.Row{Name: text, Properties: text + text, Revenue: number})
		if got := roundTrip(t, event.Columns, p); words(got) != words(p) {
			t.Errorf("got  %s\nwant %s", words(got), words(p))
		}
	})
}
