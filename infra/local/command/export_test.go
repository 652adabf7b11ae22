package command

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func exportOf(events int) string {
	var b strings.Builder
	b.WriteString(`{"distinct_id":"user-1","profile":{"properties":{"$email":"jane@example.com"}},` + "\n" + `"events":[`)
	for i := range events {
		fmt.Fprintf(&b, "%s\n{\"event\":\"Page\",\"n\":%d}", strings.Repeat(",", min(i, 1)), i)
	}
	return b.String() + "\n],\n\"event_count\":" + strconv.Itoa(events) + ",\n\"reads\":[\n{\"kind\":\"export\"}\n]}\n"
}

func exporter(t *testing.T, path, why, body string, events int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.RequestURI() != path || r.Header.Get("Authorization") != "Bearer ERASE" || r.Header.Get("X-Reason") != why {
			t.Errorf("asked %s %s, %v", r.Method, r.URL.RequestURI(), r.Header)
		}
		w.Header().Set("X-Events", strconv.Itoa(events))
		_, _ = io.WriteString(w, body)
	}
}

func TestExportToAFile(t *testing.T) {
	whole := exportOf(12_345)
	f := newFake(t, exporter(t, "/api/profile/export?by=device&id=user%2F1", "two lines", whole, 12_345))
	dir := t.TempDir()
	file := filepath.Join(dir, "jane.json")
	t.Chdir(dir)
	out, errs, code := f.run(newExport, "user/1", "--device", "-o", "jane.json", "--why", "two\nlines")
	if code != 0 || errs != "" {
		t.Fatalf("code %d, %q", code, errs)
	}
	if out != "✓ 12,345 events and all else that is known, "+size(int64(len(whole)))+" in jane.json · it names a person; keep it safe\n" {
		t.Errorf("said %s", out)
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != whole {
		t.Errorf("%d bytes, %v; want %d", len(got), err, len(whole))
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	out, _, code = f.run(newExport, "user/1", "--device", "-o", file, "--json", "--why", "two lines")
	if want := fmt.Sprintf(`{"bytes":%d,"events":12345,"file":%q}`+"\n", len(whole), file); code != 0 || out != want {
		t.Errorf("code %d, %s", code, out)
	}
}

func TestExportToStandardOutput(t *testing.T) {
	whole := exportOf(3)
	f := newFake(t, exporter(t, "/api/profiles/user-1/export", "", whole, 3))
	if out, errs, code := f.run(newExport, "user-1"); code != 0 || out != whole || errs != "" {
		t.Errorf("code %d, %q\n%s", code, errs, out)
	}
	f.look = screen{width: 80, live: true, colour: true}
	if out, errs, code := f.run(newExport, "user-1"); code != 0 || out != whole || errs != "" {
		t.Errorf("a bar among the lines of the document: code %d, %q", code, errs)
	}
}

// A document that was cut leaves no file, however the cut looks.
func TestExportThatBreaksOff(t *testing.T) {
	whole := exportOf(1000)
	for name, serve := range map[string]http.HandlerFunc{
		"cut": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, whole[:20_000])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
		"ended too early": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, whole[:20_000]) },
		"not Loch's":      func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
	} {
		f := newFake(t, serve)
		dir := t.TempDir()
		_, errs, code := f.run(newExport, "user-1", "-o", filepath.Join(dir, "x.json"))
		if code != exitFailed || !strings.Contains(errs, "not whole") {
			t.Errorf("%s: code %d, %q", name, code, errs)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: left %v, %v", name, left, err)
		}
		if _, _, code := f.run(newExport, "user-1"); code != exitFailed {
			t.Errorf("%s, to standard output: code %d", name, code)
		}
	}
}

func TestExportRefused(t *testing.T) {
	f := newFake(t, answers(t, "GET", "/api/profiles/x/export", "ERASE", 404, `{"error":{"code":"not_found","message":"nothing is known of this id"}}`))
	if _, errs, code := f.run(newExport, "x"); code != exitNotFound || errs != "loch: nothing is known of this id\n" {
		t.Errorf("code %d, %q", code, errs)
	}
	for _, args := range [][]string{{}, {"a", "b"}, {"x", "--json"}, {"x", "--email", "--person"}} {
		if _, _, code := f.run(newExport, args...); code != exitUsage {
			t.Errorf("%q: code %d", args, code)
		}
	}
	if _, errs, code := newFake(t, exporter(t, "/api/profiles/x/export", "", exportOf(0), 0)).run(newExport, "x", "-o", "/nowhere/at/all.json"); code != exitFailed || !strings.Contains(errs, "cannot be written") {
		t.Errorf("code %d, %q", code, errs)
	}
}
