package accounttest_test

import (
	"fmt"
	"testing"

	"loch/infra/aws/accounttest"
	"loch/infra/aws/firehose/firehosetest"
	"loch/shared/project"
)

// The deployed compact brings profiles into the lake without what is personal, within
// its rights, and the erased are gone from it with the next run.
func TestProfilesInTheLake(t *testing.T) {
	a := accounttest.Deploy(t, accounttest.Options{Functions: []string{"Ingest", "Erase", "Compact"}})
	for id, plan := range map[string]string{"ann": "free", "bob": "pro"} {
		a.Post(t, "/engage", "application/json", fmt.Sprintf(`[{"$token":%q,"$distinct_id":%q,"$set":{"plan":%q,"$email":"%s@example.com"}}]`, a.Project.Token, id, plan, id))
	}
	traits := func() (list []string) {
		a.Run(t, "Compact", `{"job":"profiles"}`)
		for key, file := range a.Lake.Objects(t, "profiles/") {
			rows, err := firehosetest.ReadParquet(file)
			if err != nil {
				t.Fatalf("%s: %v", key, err)
			}
			for _, r := range rows {
				list = append(list, fmt.Sprint(r["traits"]))
			}
		}
		return list
	}
	if got := traits(); len(got) != 2 || got[0] == got[1] || got[0] != `{"plan":"free"}` && got[0] != `{"plan":"pro"}` {
		t.Errorf("the lake has %q", got)
	}
	a.Ask(t, "DELETE", "/api/profiles/ann", project.Erase, 200)
	if got := traits(); len(got) != 1 || got[0] != `{"plan":"pro"}` {
		t.Errorf("after an erasure the lake has %q", got)
	}
	if refused := a.Guards["Compact"].Refused(); len(refused) != 0 {
		t.Errorf("compact was refused %q", refused)
	}
}
