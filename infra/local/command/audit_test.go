package command

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const ledger = `{"seq":1015,"time_ms":1795465174500,"project":"default","kind":"read","key":"pii","person":"9f2b6c0e84ba4a5e9f6c0c7a9b0f2d11","fields":["$email","$name"],"why":"support ticket 4711","request_id":"r1","hash":"AA=="}
{"seq":1016,"time_ms":1795465274500,"project":"default","kind":"export","key":"erase","person":"9f2b6c0e84ba4a5e9f6c0c7a9b0f2d11","fields":["$email"],"hash":"AA=="}
{"seq":1017,"time_ms":1795465374500,"project":"default","kind":"erase_begun","key":"erase","person":"9f2b6c0e84ba4a5e9f6c0c7a9b0f2d11","ids":["9f2b6c0e84ba4a5e9f6c0c7a9b0f2d11","aa"],"suppress":true,"remove_rows":true,"why":"letter","hash":"AA=="}
{"seq":1018,"time_ms":1795465374900,"project":"default","kind":"erase_done","key":"erase","person":"9f2b6c0e84ba4a5e9f6c0c7a9b0f2d11","ids":["9f2b6c0e84ba4a5e9f6c0c7a9b0f2d11","aa"],"begun":1017,"hash":"AA=="}
{"seq":1019,"time_ms":1795465474900,"project":"default","kind":"erase_done","key":"erase","suppress":true,"hash":"AA=="}
{"seq":1020,"time_ms":1795465574900,"kind":"rotate","key":"operator","hash":"AA=="}
`

const ledgerEnd = `{"result":{"entries":6}}` + "\n"

func TestAudit(t *testing.T) {
	f := newFake(t, answers(t, "GET", "/ops/audit", "", 200, ledger+ledgerEnd))
	f.look = screen{width: 120, live: true}
	out, errs, code := f.run(newAudit)
	if code != 0 || errs != "" {
		t.Errorf("code %d, %q", code, errs)
	}
	golden(t, "audit.txt", out)

	f.look = screen{width: 80, live: true, colour: true}
	out, _, _ = f.run(newAudit, "--limit", "2")
	golden(t, "audit-80.txt", out)

	out, _, code = f.run(newAudit, "--json", "--limit", "0")
	if code != 0 || out != ledger {
		t.Errorf("code %d\n%s", code, out)
	}
	for _, limit := range []int{1, 4, 5, 6, 7} {
		out, _, _ = f.run(newAudit, "--json", "--limit", fmt.Sprint(limit))
		all := strings.SplitAfter(strings.TrimSuffix(ledger, "\n"), "\n")
		want := strings.Join(all[max(0, len(all)-limit):], "") + "\n"
		if out != want {
			t.Errorf("the newest %d are\n%s", limit, out)
		}
	}
}

func TestAuditOfAPerson(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.RequestURI() {
		case "/api/profile?id=a%2Fb":
			answers(t, "GET", "/api/profile?id=a%2Fb", "READ", 200, `{"distinct_id":"a/b","person_id":"`+annID+`"}`)(w, r)
		case "/api/profiles/nobody":
			answers(t, "GET", "/api/profiles/nobody", "READ", 404, `{"error":{"code":"not_found","message":"no profile"}}`)(w, r)
		default:
			answers(t, "GET", "/ops/audit?person="+annID, "", 200, `{"result":{"entries":0}}`)(w, r)
		}
	})
	for _, id := range []string{"a/b", annID} {
		if out, errs, code := f.run(newAudit, "--person", id); code != 0 || out != "The ledger has no such entry.\n" {
			t.Errorf("%s: code %d, %q, %q", id, code, out, errs)
		}
	}
	if _, _, code := f.run(newAudit, "--person", "nobody"); code != exitNotFound {
		t.Errorf("code %d", code)
	}
}

func TestAuditVerify(t *testing.T) {
	f := newFake(t, answers(t, "POST", "/ops/audit/verify", "", 200, `{"done":500,"total":1020}
{"result":{"Entries":1020,"Head":"5d41402abc4b2a76","Problem":""}}
`))
	out, _, code := f.run(newAudit, "--verify")
	if code != 0 || out != "✓ The ledger is whole: 1,020 entries; the newest hash is 5d41402abc4b2a76\n" {
		t.Errorf("code %d, %s", code, out)
	}
	f = newFake(t, answers(t, "POST", "/ops/audit/verify", "", 200, `{"result":{"entries":7,"head":"","problem":"entry 8 is not what its hash says"}}`+"\n"))
	out, _, code = f.run(newAudit, "--verify")
	if code != exitPartly || out != "✗ The ledger was changed: entry 8 is not what its hash says\n" {
		t.Errorf("code %d, %s", code, out)
	}
	if out, _, code = f.run(newAudit, "--verify", "--json"); code != exitPartly || !strings.HasPrefix(out, `{"entries":7,`) {
		t.Errorf("code %d, %s", code, out)
	}
}

// A ledger that was cut on the way must not pass for a short one.
func TestAuditThatFails(t *testing.T) {
	for body, want := range map[string]string{
		ledger: "stopped in the middle",
		ledger + `{"error":{"code":"unavailable","message":"the store is gone"}}` + "\n": "the store is gone",
		ledger + "oops\n": "cannot be read",
	} {
		f := newFake(t, answers(t, "GET", "/ops/audit", "", 200, body))
		if out, errs, code := f.run(newAudit); code != exitFailed || !strings.Contains(errs, want) || out != "" {
			t.Errorf("code %d, %q, %q", code, errs, out)
		}
	}
	f := newFake(t, nil)
	for _, args := range [][]string{{"user-1"}, {"--limit", "-1"}, {"--verify", "--person", "x"}} {
		if _, _, code := f.run(newAudit, args...); code != exitUsage {
			t.Errorf("%q: code %d", args, code)
		}
	}
}

func TestRotate(t *testing.T) {
	f := newFake(t, answers(t, "POST", "/ops/rotate", "", 200, `{"result":{"key":"key-7d2f","projects":1,"ledger_entry":1020}}`+"\n"))
	out, errs, code := f.run(newRotate)
	if code != 0 || errs != "" {
		t.Errorf("code %d, %q", code, errs)
	}
	golden(t, "rotate.txt", out)
	if out, _, code = f.run(newRotate, "--json"); code != 0 || out != `{"key":"key-7d2f","projects":1,"ledger_entry":1020}`+"\n" {
		t.Errorf("code %d, %s", code, out)
	}
	if _, _, code = f.run(newRotate, "now"); code != exitUsage {
		t.Errorf("code %d", code)
	}
}
