package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"loch/infra/aws/accounttest"
	"loch/infra/aws/athena/athenatest"
	"loch/infra/aws/firehose/firehosetest"
	"loch/infra/aws/stack/stacktest"
	"loch/infra/aws/template/templatetest"
)

// deployed is an account with the stack deployed in it: its API with the functions'
// own binaries, and the side that describes it, which `loch` asks.
type deployed struct {
	*accounttest.Account
	described *stacktest.Account
	data      string // the folder with the keys, as `make deploy` writes them
	looks     int    // how often SQL was asked for the event
}

var askedPerson = regexp.MustCompile(`person_id = '([0-9a-f]{32})'`)

// deployAccount deploys it. SQL answers one question: how many events a person has in
// the files that the stream has written. It writes them after the first time.
func deployAccount(t *testing.T) *deployed {
	t.Helper()
	w := &deployed{data: t.TempDir()}
	w.Account = accounttest.Deploy(t, accounttest.Options{
		Functions: []string{"Ingest", "Lookup", "Query", "Erase"},
		Athena: func(_ context.Context, _, statement string) (athenatest.Answer, error) {
			person := askedPerson.FindStringSubmatch(statement)
			if person == nil {
				return athenatest.Answer{}, &athenatest.Failure{Reason: "this test has no Athena", Category: 2}
			}
			if w.looks++; w.looks > 1 {
				w.Deliver(t)
			}
			n := 0
			for _, file := range w.Lake.Objects(t, "landing/") {
				lines, err := firehosetest.ReadParquet(file)
				if err != nil {
					return athenatest.Answer{}, err
				}
				for _, line := range lines {
					if line["event"] == "Loch Doctor" && (line["user_id"] == person[1] || line["device_id"] == person[1]) {
						n++
					}
				}
			}
			return athenatest.Answer{Columns: athenatest.Columns("n bigint", "country varchar"), Rows: [][]any{{json.Number(fmt.Sprint(n)), "SE"}}}, nil
		},
	})
	w.described = stacktest.Start(t, templatetest.Open(t, w.Stores.Prefix, nil))
	w.described.Outputs["Url"] = w.URL
	credentials, err := json.Marshal(map[string]any{"project": "default", "token": w.Project.Token, "keys": w.Project.Keys})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.data, "aws-"+w.Stores.Prefix+".credentials.json"), credentials, 0o600); err != nil {
		t.Fatal(err)
	}
	return w
}

// loch runs the binary against the account, as somebody with credentials for it does.
func (w *deployed) loch(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	c := exec.CommandContext(t.Context(), binary(t), append(args, "--aws", w.Stores.Prefix, "--data", w.data)...)
	nowhere := filepath.Join(w.data, "none")
	c.Env = append(os.Environ(), "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=AK", "AWS_SECRET_ACCESS_KEY=SK", "AWS_SESSION_TOKEN=", "AWS_PROFILE=",
		"AWS_CONFIG_FILE="+nowhere, "AWS_SHARED_CREDENTIALS_FILE="+nowhere, "AWS_ENDPOINT_URL="+w.described.URL)
	var out, errs strings.Builder
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return out.String(), errs.String(), failed.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), 0
}

// TestAccount has the binary find a stack by its name and ask it: the doctor's event goes
// through the functions that are deployed, within their rights, and through the stream,
// and is forgotten again.
func TestAccount(t *testing.T) {
	w := deployAccount(t)
	stdout, stderr, code := w.loch(t, "doctor", "--json")
	var found struct {
		OK     bool
		Checks []struct{ Name, State, Found string }
	}
	if err := json.Unmarshal([]byte(stdout), &found); err != nil {
		t.Fatalf("%v: exit code %d, %s%s", err, code, stdout, stderr)
	}
	for _, c := range found.Checks {
		t.Logf("%-20s %-8s %s", c.Name, c.State, c.Found)
	}
	if code != 0 || !found.OK || len(found.Checks) < 25 {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	if w.looks != 2 {
		t.Errorf("SQL was asked %d times: the event is there at the second", w.looks)
	}

	// A stack's projects take listed groups only, and the sample has others.
	if stdout, stderr, code := w.loch(t, "seed", "--events", "60", "--days", "1", "--json"); code != 3 || !strings.Contains(stdout, `"events_accepted":60`) || !strings.Contains(stderr, "only_listed_groups") {
		t.Errorf("seed: exit code %d: %s%s", code, stdout, stderr)
	}
	w.Post(t, "/track", "application/json", fmt.Sprintf(`[{"event":"Visited","properties":{"token":%q,"distinct_id":"ann/lee"}}]`, w.Project.Token))
	if stdout, stderr, code := w.loch(t, "profile", "ann/lee", "--json"); code != 0 || !strings.Contains(stdout, `"distinct_id":"ann/lee"`) {
		t.Errorf("profile: exit code %d: %s%s", code, stdout, stderr)
	}
	if stdout, stderr, code := w.loch(t, "erase", "ann/lee", "--yes", "--json"); code != 0 || !strings.Contains(stdout, `"erased":true`) {
		t.Errorf("erase: exit code %d: %s%s", code, stdout, stderr)
	}
	if _, _, code := w.loch(t, "profile", "ann/lee"); code != 4 {
		t.Errorf("the profile is there after the erasure: exit code %d", code)
	}

	w.described.Ring(w.Stores.Prefix+"-spills", "ALARM")
	if stdout, _, code := w.loch(t, "doctor", "--no-event"); code != 1 || !strings.Contains(stdout, "ringing: spills") {
		t.Errorf("an alarm rings: exit code %d: %s", code, stdout)
	}
}
