package audit_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"loch/shared/audit"
	"loch/shared/audit/audittest"
)

func TestMemory(t *testing.T) {
	audittest.Run(t, func(*testing.T) audit.Store { return audittest.NewMemory() }, nil)
}

func ledger(t *testing.T, n int) (*audittest.Memory, *audit.Log) {
	t.Helper()
	m := audittest.NewMemory()
	l := audit.New(m, [32]byte{9}, func() time.Time { return time.UnixMilli(1_795_465_174_123) })
	for i := range n {
		if _, err := l.Append(t.Context(), audit.Entry{
			Kind: audit.Read, Project: "p", Key: "pii", Person: fmt.Sprint("person ", i), Fields: []string{"$email"}, IDs: []string{"x"}, Why: "w", RequestID: "r", Begun: 3,
		}); err != nil {
			t.Fatal(err)
		}
	}
	return m, l
}

// Every field of an entry is under the hash: whichever is changed, it shows.
func TestEveryFieldIsChained(t *testing.T) {
	fields := reflect.TypeFor[audit.Entry]()
	for i := range fields.NumField() {
		m, l := ledger(t, 3)
		f := reflect.ValueOf(&m.Entries[1]).Elem().Field(i)
		switch f.Kind() {
		case reflect.String:
			f.SetString(f.String() + "x")
		case reflect.Bool:
			f.SetBool(!f.Bool())
		case reflect.Int64:
			f.SetInt(f.Int() + 1)
		case reflect.Uint64:
			f.SetUint(f.Uint() + 1)
		case reflect.Slice:
			f.Set(reflect.AppendSlice(f.Slice(0, f.Len()), f.Slice(0, 1)))
		default:
			t.Fatalf("no test changes a %s", f.Kind())
		}
		if r, err := l.Verify(t.Context(), nil); err != nil || r.Problem == "" || r.Entries != 1 {
			t.Errorf("%s was changed, and nothing shows: %+v %v", fields.Field(i).Name, r, err)
		}
	}
}

// Entries that are taken out, swapped, doubled, renumbered or made with another
// key show; cutting off the end changes the head.
func TestTampering(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		m, l := ledger(t, 6)
		before, _ := l.Verify(t.Context(), nil)
		i := r.IntN(5)
		kind := r.IntN(5)
		switch kind {
		case 0:
			m.Entries = append(m.Entries[:i], m.Entries[i+1:]...)
		case 1:
			m.Entries[i], m.Entries[i+1] = m.Entries[i+1], m.Entries[i]
		case 2:
			m.Entries = append(m.Entries[:i+1], m.Entries[i:]...)
		case 3: // taken out, and the rest renumbered
			m.Entries = append(m.Entries[:i], m.Entries[i+1:]...)
			for j := range m.Entries {
				m.Entries[j].Seq = uint64(j + 1)
			}
		case 4: // made anew from there on, with a key that is not the vault's
			m.Entries = m.Entries[:i]
			forger := audit.New(m, [32]byte{8}, func() time.Time { return time.UnixMilli(1) })
			if _, err := forger.Append(t.Context(), audit.Entry{Kind: audit.Read}); err != nil {
				t.Fatal(err)
			}
		}
		if found, err := l.Verify(t.Context(), nil); err != nil || found.Problem == "" {
			t.Fatalf("way %d at %d does not show: %+v %v", kind, i, found, err)
		}
		m, l = ledger(t, 6)
		m.Entries = m.Entries[:5]
		if cut, _ := l.Verify(t.Context(), nil); cut.Head == before.Head {
			t.Fatal("the head is the same with the end cut off")
		}
	}
}

// Two lists of texts that join to the same text are two entries.
func TestTextsAreKeptApart(t *testing.T) {
	hash := func(e audit.Entry) string {
		l := audit.New(audittest.NewMemory(), [32]byte{9}, func() time.Time { return time.UnixMilli(1) })
		out, err := l.Append(context.Background(), e)
		if err != nil {
			t.Fatal(err)
		}
		return string(out.Hash)
	}
	seen := map[string]string{}
	for _, e := range []audit.Entry{
		{Project: "ab"}, {Project: "a", Kind: "b"}, {Fields: []string{"ab"}}, {Fields: []string{"a", "b"}}, {IDs: []string{"ab"}}, {IDs: []string{"a", "b"}},
		{Fields: []string{""}}, {IDs: []string{""}}, {},
	} {
		h := hash(e)
		if other, ok := seen[h]; ok {
			t.Errorf("%+v and %s have one hash", e, other)
		}
		seen[h] = strings.TrimSpace(fmt.Sprintf("%+v", e))
	}
}
