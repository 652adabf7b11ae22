package template_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"loch/infra/aws/accounttest"
	"loch/infra/aws/athena"
	"loch/infra/aws/athena/athenatest"
	"loch/infra/aws/template"
	"loch/shared/report"
)

// The saved queries ask the stack's own relations, and are such as a person may send.
func TestNamedQueries(t *testing.T) {
	list := template.Of(everything(t, nil), "AWS::Athena::NamedQuery")
	if len(list) < 4 {
		t.Fatalf("the stack has %d saved queries", len(list))
	}
	server := athenatest.Start(t, func(context.Context, string, string) (athenatest.Answer, error) {
		return athenatest.Answer{Columns: athenatest.Columns("n bigint")}, nil
	})
	engine := athena.New(athena.NewClient(athena.Access{Region: template.Region, Credentials: accounttest.Keys, Endpoint: server.URL}),
		athena.Options{Database: "loch", Workgroup: server.Workgroup, Random: rand.Reader})
	for _, q := range list {
		statement := fmt.Sprint(q.Properties["QueryString"])
		if q.Properties["Database"] != "loch" || q.Properties["WorkGroup"] != "loch" || !strings.Contains(statement, "WHERE project = 'default'") {
			t.Errorf("%v", q.Properties)
		}
		if _, err := engine.Query(t.Context(), "default", statement, report.Limits{}); err != nil {
			t.Errorf("%v: %v\n%s", q.Properties["Name"], err, statement)
		}
	}
}
