package command

import (
	"net/http"
	"strings"
	"testing"
)

const verifyGood = `{"done":0,"total":120}
{"done":60,"total":120}
{"done":120,"total":120}
{"result":{"ok":true,"received":100000,"stored":98601,"rejected":2,"duplicates":1380,"removed":17,"in_lake":{"requests":60000,"received":91399,"rows":90000,"rejected":2},"in_log":{"requests":5000,"received":8601,"rows":8601,"rejected":0},"commits":44,"files":120,"bytes":34211004,"segments":2,"problems":null,"warnings":["a folder is empty"]}}
`

func TestVerify(t *testing.T) {
	f := newFake(t, answers(t, "POST", "/ops/verify", "", 200, verifyGood))
	out, errs, code := f.run(newVerify)
	if code != 0 || errs != "" {
		t.Errorf("code %d, %q", code, errs)
	}
	golden(t, "verify.txt", out)

	bad := strings.NewReplacer(`"ok":true`, `"ok":false`, `"problems":null`, `"problems":["landing/dt=2026-11-23/hour=20/7.parquet has 10 rows, the ledger says 12","commit 3 is missing"]`, "98601", "98599").Replace(verifyGood)
	f = newFake(t, answers(t, "POST", "/ops/verify", "", 200, bad))
	f.look = screen{width: 90, colour: true, live: true}
	out, _, code = f.run(newVerify)
	if code != exitPartly {
		t.Errorf("code %d of an account that does not add up", code)
	}
	golden(t, "verify-bad.txt", out)

	out, _, code = f.run(newVerify, "--json")
	if code != exitPartly || !strings.HasPrefix(out, `{"ok":false,`) {
		t.Errorf("code %d, %s", code, out)
	}
}

// TestVerifyDoesNotBelieveTheFlag holds that the sum is made again.
func TestVerifyDoesNotBelieveTheFlag(t *testing.T) {
	f := newFake(t, answers(t, "POST", "/ops/verify", "", 200, strings.Replace(verifyGood, "98601", "98600", 1)))
	if out, _, code := f.run(newVerify); code != exitPartly || !strings.Contains(out, "does not add up") {
		t.Errorf("code %d\n%s", code, out)
	}
}

func TestCompact(t *testing.T) {
	f := newFake(t, answers(t, "POST", "/ops/compact", "", 200, `{"done":1,"total":2}
{"result":{"hours":12,"files_in":144,"files_out":30,"rows_in":98601,"duplicates":1397,"bytes_out":34211004,"note":null}}
`))
	out, errs, code := f.run(newCompact)
	if code != 0 || errs != "" {
		t.Errorf("code %d, %q", code, errs)
	}
	golden(t, "compact.txt", out)
	if out, _, code := f.run(newCompact, "--json"); code != 0 || !strings.HasPrefix(out, `{"hours":12,`) {
		t.Errorf("code %d, %s", code, out)
	}
	if _, _, code := f.run(newCompact, "now"); code != exitUsage {
		t.Errorf("code %d", code)
	}
}

func TestJobsThatFail(t *testing.T) {
	for body, want := range map[string]string{
		`{"done":1,"total":9}` + "\n" + `{"error":{"code":"unavailable","message":"no room"}}`: "no room",
		`{"done":1,"total":9}` + "\n": "safe to run it again",
		"oops":                        "cannot be read",
	} {
		f := newFake(t, answers(t, "POST", "/ops/compact", "", 200, body))
		if _, errs, code := f.run(newCompact); code != exitFailed || !strings.Contains(errs, want) {
			t.Errorf("%s: code %d, %q", body, code, errs)
		}
	}
	f := newFake(t, answers(t, "POST", "/ops/verify", "", http.StatusNotFound, "404 page not found"))
	if _, errs, code := f.run(newVerify); code != exitFailed || !strings.Contains(errs, "404") {
		t.Errorf("code %d, %q", code, errs)
	}
}
