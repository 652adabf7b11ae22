package template_test

import (
	"os"
	"slices"
	"sync"
	"testing"

	"loch/infra/aws/template"
	"loch/infra/aws/template/templatetest"
)

// folder is made once: the transform takes seconds.
var (
	once   sync.Once
	folder string
)

// everything is all that the stack makes with parameters.
func everything(t testing.TB, parameters map[string]string) []template.Resource {
	t.Helper()
	once.Do(func() {
		made := templatetest.Folder(t)
		kept, err := os.MkdirTemp("", "loch-template")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(kept, os.DirFS(made)); err != nil {
			t.Fatal(err)
		}
		folder = kept
	})
	all, err := templatetest.Opened(t, folder, "loch", parameters).All()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// full has everything that can be chosen.
var full = map[string]string{
	"CloudFront": "yes", "DomainName": "events.example.com", "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1",
	"WebAclArn": "arn:aws:wafv2:us-east-1:123456789012:global/webacl/a/1", "AccessLogs": "yes", "AlarmEmail": "ops@example.com",
	"MonthlyBudgetUSD": "50", "RetentionDays": "400",
}

func TestMain(m *testing.M) {
	code := m.Run()
	if folder != "" {
		_ = os.RemoveAll(folder)
	}
	os.Exit(code)
}

// the is the one resource of a logical id.
func the(t testing.TB, all []template.Resource, name string) template.Resource {
	t.Helper()
	i := slices.IndexFunc(all, func(r template.Resource) bool { return r.Name == name })
	if i < 0 {
		t.Fatalf("there is no %s", name)
	}
	return all[i]
}

func functions(t testing.TB, all []template.Resource) map[string]template.Function {
	t.Helper()
	list, err := template.Functions(all)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]template.Function{}
	for _, f := range list {
		out[f.Name] = f
	}
	return out
}
