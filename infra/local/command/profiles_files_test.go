package command

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestProfilesExportToFile(t *testing.T) {
	asked := []string{}
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RequestURI()+" "+r.Header.Get("Authorization"))
		w.Header().Set("X-Profiles", "4")
		if r.URL.Query().Get("after") == "" {
			fmt.Fprint(w, "{\"person_id\":\"a\"}\n{\"person_id\":\"b\"}\n{\"person_id\":\"c\",\"prop")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		fmt.Fprint(w, "{\"person_id\":\"c\"}\n{\"person_id\":\"d\"}\n")
	})
	file := filepath.Join(t.TempDir(), "people.ndjson")
	_, errs, code := f.run(newProfilesExport, "-o", file, "--where", "plan eq pro")
	if code != exitFailed || !strings.Contains(errs, "broke off after 2 profiles; the same command goes on") {
		t.Errorf("code %d, %q", code, errs)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("half an export has its name")
	}
	out, errs, code := f.run(newProfilesExport, "-o", file, "--where", "plan eq pro")
	if code != 0 || !strings.Contains(errs, "going on behind 2 profiles") || !strings.Contains(out, "4 profiles in ") {
		t.Errorf("code %d, %q, %q", code, out, errs)
	}
	text, err := os.ReadFile(file)
	if err != nil || string(text) != "{\"person_id\":\"a\"}\n{\"person_id\":\"b\"}\n{\"person_id\":\"c\"}\n{\"person_id\":\"d\"}\n" {
		t.Errorf("%q %v", text, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if len(asked) != 2 || !strings.Contains(asked[1], "after=b&personal=false&where=") || !strings.HasSuffix(asked[0], "Bearer READ") {
		t.Errorf("%q", asked)
	}
}

// A part of another export is not gone on with: of other people, other traits, another
// server or project, or of nobody knows what.
func TestProfilesExportBeginsAnew(t *testing.T) {
	breaks := false
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		line := fmt.Sprintf("{\"person_id\":\"%s%s%s\"}\n", q.Get("after"), q.Get("group_key"), r.Header.Get("Authorization"))
		fmt.Fprint(w, line)
		if breaks {
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	})
	folder := t.TempDir()
	file := filepath.Join(folder, "people.ndjson")
	for _, c := range []struct {
		says          string
		first, second []string
	}{
		{"another filter", []string{"--where", "plan eq pro"}, []string{"--where", "plan eq free"}},
		{"in clear", nil, []string{"--pii"}},
		{"no more in clear", []string{"--pii"}, nil},
		{"groups", nil, []string{"--group", "company"}},
		{"another server", nil, []string{"--data", "elsewhere"}},
		{"another project's key", []string{"--key", "one"}, []string{"--key", "two"}},
		{"the same", []string{"--pii"}, []string{"--pii"}},
	} {
		breaks = true
		if _, _, code := f.run(newProfilesExport, append(c.first, "-o", file)...); code != exitFailed {
			t.Fatalf("%s: code %d", c.says, code)
		}
		breaks = false
		_, errs, code := f.run(newProfilesExport, append(c.second, "-o", file)...)
		text, err := os.ReadFile(file)
		if code != 0 || err != nil {
			t.Fatalf("%s: code %d, %v", c.says, code, err)
		}
		anew := c.says != "the same"
		if strings.Contains(errs, "part of another export") != anew || (strings.Count(string(text), "\n") == 1) != anew {
			t.Errorf("%s: %q, %q", c.says, errs, text)
		}
		if left, err := os.ReadDir(folder); err != nil || len(left) != 1 {
			t.Errorf("%s: %v are left", c.says, left)
		}
	}
	if err := os.WriteFile(file+".part", []byte("{\"person_id\":\"x\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := f.run(newProfilesExport, "-o", file); code != 0 || !strings.Contains(errs, "part of another export") {
		t.Errorf("a part of nobody knows what: %d, %q", code, errs)
	}
}

func TestProfilesExportInClear(t *testing.T) {
	f := newFake(t, answers(t, "GET", "/api/profiles.ndjson?group_key=company", "PII", 200, "{\"person_id\":\"a\"}\n"))
	out, _, code := f.run(newProfilesExport, "--pii", "--group", "company")
	if code != 0 || out != "{\"person_id\":\"a\"}\n" {
		t.Errorf("code %d, %q", code, out)
	}
	for _, args := range [][]string{{"x"}, {"--json"}, {"--where", "x"}} {
		if _, _, code := f.run(newProfilesExport, args...); code != exitUsage {
			t.Errorf("%q: code %d", args, code)
		}
	}
	f = newFake(t, answers(t, "GET", "/api/profiles.ndjson?personal=false", "READ", 403, `{"error":{"code":"forbidden","message":"no"}}`))
	if _, errs, code := f.run(newProfilesExport); code != exitFailed || errs != "loch: no\n" {
		t.Errorf("code %d, %q", code, errs)
	}
}

// importer takes lines, but for those that hold "bad", and is not ready now and then.
func importer(t *testing.T, got *[]string, busy *int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/api/profiles.ndjson" || r.Header.Get("Authorization") != "Bearer PII" {
			t.Errorf("%s %s %s", r.Method, r.URL, r.Header.Get("Authorization"))
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if *busy > 0 {
			*busy--
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		lines := strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")
		var failed []string
		for n, line := range lines {
			*got = append(*got, line)
			if strings.Contains(line, "bad") {
				failed = append(failed, fmt.Sprintf(`{"line":%d,"reason":"bad_id","field":"distinct_id"}`, n+1))
			}
		}
		fmt.Fprintf(w, `{"received":%d,"imported":%d,"failed":[%s]}`, len(lines), len(lines)-len(failed), strings.Join(failed, ","))
	}
}

func TestProfilesImport(t *testing.T) {
	var want []string
	for n := 1; n <= 2500; n++ {
		line := fmt.Sprintf(`{"distinct_id":"u%d"}`, n)
		if n%1100 == 0 {
			line = fmt.Sprintf(`{"bad":%d}`, n)
		}
		want = append(want, line)
	}
	file := filepath.Join(t.TempDir(), "people.ndjson")
	if err := os.WriteFile(file, []byte(strings.Join(want, "\n")), 0o600); err != nil { // without a last line break
		t.Fatal(err)
	}
	var got []string
	busy := 3
	f := newFake(t, importer(t, &got, &busy))
	out, errs, code := f.run(newProfilesImport, file)
	if code != exitPartly || strings.Join(got, "\n") != strings.Join(want, "\n") || len(f.slept) != 3 {
		t.Errorf("code %d, %q, %d lines, slept %v", code, errs, len(got), f.slept)
	}
	golden(t, "profiles-import.txt", out)

	got = nil
	out, _, code = f.run(newProfilesImport, file, "--from-line", "2201", "--json")
	if code != 0 || len(got) != 300 || got[0] != want[2200] || out != `{"received":300,"imported":300,"failed":[]}`+"\n" {
		t.Errorf("code %d, %d lines, %s", code, len(got), out)
	}
	got, busy = nil, 100
	_, errs, code = f.run(newProfilesImport, file, "--from-line", "5")
	if code != exitFailed || !strings.Contains(errs, "lines up to 4 are done; go on with --from-line 5") {
		t.Errorf("code %d, %q", code, errs)
	}
	busy = 0
	out, _, code = f.runWith(t.Context(), "{\"distinct_id\":\"u\"}\n"+strings.Repeat("x", importBytes+1)+"\n\n{\"distinct_id\":\"v\"}\n", newProfilesImport, "-")
	if code != exitPartly || !strings.Contains(out, "line 2: too_large") || got[len(got)-1] != `{"distinct_id":"v"}` {
		t.Errorf("code %d, %s", code, out)
	}
	for _, args := range [][]string{{}, {"a", "b"}, {file, "--from-line", "0"}, {filepath.Join(t.TempDir(), "none")}} {
		if _, _, code := f.run(newProfilesImport, args...); code != exitUsage {
			t.Errorf("%q: code %d", args, code)
		}
	}
}
