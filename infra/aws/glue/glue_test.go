package glue

import (
	"bytes"
	"cmp"
	"flag"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"loch/shared/event"
)

var update = flag.Bool("update", false, "write template.json anew")

// TestTemplate holds what is deployed equal to what is written here, and reads it
// back.
func TestTemplate(t *testing.T) {
	want, err := Template()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("template.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("template.json")
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("template.json is not what the tables say; run: go test ./infra/aws/glue -update (%v)", err)
	}
	tables, err := ReadTemplate(got)
	if err != nil {
		t.Fatal(err)
	}
	byName := func(a, b Table) int { return cmp.Compare(a.Name, b.Name) }
	slices.SortFunc(tables, byName)
	if want := slices.SortedFunc(slices.Values(Tables), byName); !reflect.DeepEqual(tables, want) {
		t.Errorf("read back from template.json:\n%+v\nwant\n%+v", tables, want)
	}
}

// TestColumns: the tables of events have each column of the lake once, as a column
// or as a partition, with its type.
func TestColumns(t *testing.T) {
	types := map[event.Type]string{
		event.Text: "string", event.JSON: "string", event.Int: "bigint", event.Float: "double",
		event.Bool: "boolean", event.Time: "timestamp", event.Date: "date",
	}
	for _, table := range Tables {
		if !slices.Contains([]string{Landing, Compacted, Staging}, table.Name) {
			continue
		}
		got := map[string]string{}
		for _, c := range table.Columns {
			got[c.Name] = c.Type
		}
		for _, p := range table.Partitions {
			if _, twice := got[p.Name]; twice {
				t.Errorf("%s has %s as a column and as a partition", table.Name, p.Name)
			}
			got[p.Name] = p.Type
		}
		for _, c := range event.Columns {
			if got[c.Name] != types[c.Type] {
				t.Errorf("%s.%s is %q, want %q", table.Name, c.Name, got[c.Name], types[c.Type])
			}
		}
	}
}

func TestRowsView(t *testing.T) {
	empty := Manifest{}
	if got := empty.RowsView("b"); strings.Contains(got, Compacted) || strings.Contains(got, "WHERE") {
		t.Errorf("the view of an empty lake: %s", got)
	}
	m := Manifest{
		Commit: 7, Since: "2026-11-27T13", First: "2026-11-01", Last: "2026-11-27",
		Replaced: []string{"landing/dt=2026-11-27/hour=13/a'b", "events/project=p/date=2026-11-01/000000000003-0.parquet"},
	}
	got := m.RowsView("b")
	for _, want := range []string{
		`dt >= DATE '2026-11-27' AND (dt > DATE '2026-11-27' OR hour >= '13')`,
		`"$path" NOT IN ('s3://b/landing/dt=2026-11-27/hour=13/a''b')`,
		`<= '000000000007'`,
		`date BETWEEN DATE '2026-11-01' AND DATE '2026-11-27'`,
		`"$path" NOT IN ('s3://b/events/project=p/date=2026-11-01/000000000003-0.parquet')`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the view lacks %s:\n%s", want, got)
		}
	}
}

// FuzzLiteral: whatever a value holds, a reader of the dialect finds one text in
// what is made of it, and nothing behind.
func FuzzLiteral(f *testing.F) {
	for _, seed := range []string{"", "a", "'", "''", `\'`, "a'; DROP TABLE x; --", "\x00", "'\x00'", "\xff'", "日本'", "$$", "/*'*/", "\n'\r"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		literal := Literal(value)
		read, rest, ok := readLiteral(literal)
		if !ok || rest != "" {
			t.Fatalf("%q becomes %q, which ends before its end: %q is left", value, literal, rest)
		}
		if want := strings.ToValidUTF8(strings.ReplaceAll(value, "\x00", "\uFFFD"), "\uFFFD"); read != want {
			t.Fatalf("%q becomes %q, which says %q", value, literal, read)
		}
		if strings.ContainsRune(literal, 0) {
			t.Fatalf("%q has a zero byte in it", literal)
		}
	})
}

// readLiteral reads a text as the dialect's grammar has it: between quotes anything but
// a quote, or two of them.
func readLiteral(s string) (value, rest string, ok bool) {
	if s == "" || s[0] != '\'' {
		return "", s, false
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] != '\'':
			b.WriteByte(s[i])
		case i+1 < len(s) && s[i+1] == '\'':
			b.WriteByte('\'')
			i++
		default:
			return b.String(), s[i+1:], true
		}
	}
	return "", "", false
}
