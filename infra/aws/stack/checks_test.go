package stack

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"loch/infra/aws/glue"
	"loch/infra/aws/stack/stacktest"
	"loch/infra/aws/template"
	"loch/shared/checkup"
)

// look makes all checks.
func look(t *testing.T, s *Stack) map[string]checkup.Finding {
	t.Helper()
	all := map[string]checkup.Finding{}
	for _, c := range s.Checks() {
		all[c.Name] = c.Look(t.Context())
	}
	return all
}

// TestWhatTheTemplateDeploysIsWell holds that the checks ask for what template.yaml says.
func TestWhatTheTemplateDeploysIsWell(t *testing.T) {
	for name, f := range look(t, found(t, account(t))) {
		t.Logf("%-20s %s", name, f.Words)
		if f.State != checkup.OK || f.Words == "" || f.Do != "" {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// property changes what a template says of the resource of a logical id.
func property(a *stacktest.Account, logical, at string, value any) {
	for i := range a.Resources {
		if a.Resources[i].Name != logical {
			continue
		}
		parts := strings.Split(at, ".")
		inside := a.Resources[i].Properties
		for _, p := range parts[:len(parts)-1] {
			switch next := inside[p].(type) {
			case map[string]any:
				inside = next
			case []any:
				inside = map[string]any{"0": next[0]}
			}
		}
		inside[parts[len(parts)-1]] = value
	}
}

// gone takes a resource away.
func gone(a *stacktest.Account, logical string) {
	a.Resources = slices.DeleteFunc(a.Resources, func(r template.Resource) bool { return r.Name == logical })
}

// TestEachCheckFindsWhatItIsFor spoils one thing after the other: its check alone must
// say so.
func TestEachCheckFindsWhatItIsFor(t *testing.T) {
	const encryption = "BucketEncryption.ServerSideEncryptionConfiguration"
	cases := []struct {
		check  string
		spoil  func(a *stacktest.Account)
		state  checkup.State
		words  string
		others []string // that see it too
	}{
		{"stack", func(a *stacktest.Account) { a.Failed["Redrive"] = "CREATE_FAILED" }, checkup.Wrong, "Redrive is CREATE_FAILED", nil},
		{"stack", func(a *stacktest.Account) { a.Failed["Lake"] = "UPDATE_FAILED" }, checkup.Wrong, "Lake is UPDATE_FAILED", nil},
		{"stack", func(a *stacktest.Account) { a.Status = "UPDATE_ROLLBACK_COMPLETE" }, checkup.Wrong, "UPDATE_ROLLBACK_COMPLETE", nil},
		{"stack", func(a *stacktest.Account) { a.Status = "UPDATE_IN_PROGRESS" }, checkup.Warning, "under way", nil},
		{"functions", func(a *stacktest.Account) { gone(a, "Erase") }, checkup.Wrong, "erase is not there", nil},
		{"functions", func(a *stacktest.Account) { property(a, "Ingest", "Architectures", []any{"x86_64"}) }, checkup.Wrong, "ingest runs on provided.al2023, x86_64", nil},
		{"functions", func(a *stacktest.Account) { a.Functions["loch-query"] = map[string]string{"State": "Failed"} }, checkup.Wrong, "query is Failed", nil},
		{"functions", func(a *stacktest.Account) {
			a.Functions["loch-query"] = map[string]string{"LastUpdateStatus": "Failed"}
		}, checkup.Wrong, "last change of query failed", nil},
		{"functions", func(a *stacktest.Account) { a.Weights["loch-ingest"] = 0.1 }, checkup.Warning, "10 % of ingest goes to version 8", nil},
		{"concurrency", func(a *stacktest.Account) { a.Concurrency = 10 }, checkup.Warning, "runs 10 functions at once", nil},
		{"stream of events", func(a *stacktest.Account) { a.Failed["Events"] = "CREATING_FAILED" }, checkup.Wrong, "CREATING_FAILED", []string{"stack"}},
		{"stream of events", func(a *stacktest.Account) {
			property(a, "Events", "ExtendedS3DestinationConfiguration.DataFormatConversionConfiguration.Enabled", false)
		}, checkup.Wrong, "does not convert", nil},
		{"stream of events", func(a *stacktest.Account) {
			property(a, "Events", "ExtendedS3DestinationConfiguration.DataFormatConversionConfiguration.SchemaConfiguration.TableName", "compacted")
		}, checkup.Wrong, "loch.compacted in place of loch.landing", nil},
		{"stream of events", func(a *stacktest.Account) {
			property(a, "Events", "ExtendedS3DestinationConfiguration.BucketARN", "arn:aws:s3:::other")
		}, checkup.Wrong, "lake's bucket", nil},
		{"stream of events", func(a *stacktest.Account) { property(a, "Events", "DeliveryStreamEncryptionConfigurationInput", nil) }, checkup.Wrong, "not encrypted", nil},
		{"stream of rejects", func(a *stacktest.Account) { gone(a, "Rejected") }, checkup.Wrong, "loch-rejected is not there", nil},
		{"tables", func(a *stacktest.Account) { property(a, "Vault", "DeletionProtectionEnabled", false) }, checkup.Wrong, "vault can be deleted", nil},
		{"tables", func(a *stacktest.Account) { property(a, "Ledger", "BillingMode", "PROVISIONED") }, checkup.Wrong, "ledger is not on demand", nil},
		{"tables", func(a *stacktest.Account) { property(a, "Projects", "SSESpecification.SSEEnabled", false) }, checkup.Wrong, "projects is not encrypted", nil},
		{"tables", func(a *stacktest.Account) { gone(a, "Profiles") }, checkup.Wrong, "profiles is not there", nil},
		{"vault's backups", func(a *stacktest.Account) {
			property(a, "Vault", "PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled", true)
		}, checkup.Wrong, "erased people", nil},
		{"vault's backups", func(a *stacktest.Account) {
			property(a, "Ledger", "PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled", false)
		}, checkup.Wrong, "ledger has no", nil},
		{"bucket of the lake", func(a *stacktest.Account) {
			property(a, "Lake", "PublicAccessBlockConfiguration.BlockPublicPolicy", false)
		}, checkup.Wrong, "made public", nil},
		{"bucket of the lake", func(a *stacktest.Account) { property(a, "Lake", "PublicAccessBlockConfiguration", nil) }, checkup.Wrong, "made public", nil},
		{"bucket of the lake", func(a *stacktest.Account) { property(a, "Lake", encryption, nil) }, checkup.Wrong, "not encrypted", nil},
		{"bucket of the lake", func(a *stacktest.Account) { property(a, "Lake", encryption+".0.BucketKeyEnabled", false) }, checkup.Wrong, "costs", nil},
		{"bucket of the lake", func(a *stacktest.Account) { property(a, "Lake", "VersioningConfiguration", nil) }, checkup.Wrong, "gone at once", nil},
		{"bucket of answers", func(a *stacktest.Account) { gone(a, "Answers") }, checkup.Wrong, "is not there", nil},
		{"key of the vault", func(a *stacktest.Account) { a.Keys["vault"] = "PendingDeletion" }, checkup.Wrong, "going to be deleted", nil},
		{"key of the vault", func(a *stacktest.Account) { property(a, "VaultKey", "EnableKeyRotation", false) }, checkup.Wrong, "not renewed", nil},
		{"key of the data", func(a *stacktest.Account) { a.Keys["data"] = "Disabled" }, checkup.Wrong, "it is Disabled", nil},
		{"workgroup", func(a *stacktest.Account) { a.Parameters["ScanLimitGB"] = "50" }, checkup.Wrong, "100 GB in place of 50", nil},
		{"workgroup", func(a *stacktest.Account) {
			property(a, "Workgroup", "WorkGroupConfiguration.EnforceWorkGroupConfiguration", false)
		}, checkup.Wrong, "go around", nil},
		{"workgroup", func(a *stacktest.Account) { property(a, "Workgroup", "State", "DISABLED") }, checkup.Wrong, "it is DISABLED", nil},
		{"workgroup", func(a *stacktest.Account) { gone(a, "Workgroup") }, checkup.Wrong, "is not there", []string{"bucket of answers"}},
		{"columns", func(a *stacktest.Account) { gone(a, "LinksTable") }, checkup.Wrong, "the table links is not there", nil},
		{"columns", func(a *stacktest.Account) {
			a.TableColumns[glue.Landing] = append(slices.Clone(glue.Tables[0].Columns[1:]), glue.Column{Name: "colour", Type: "string"})
		}, checkup.Wrong, "landing: " + glue.Tables[0].Columns[0].Name + " is missing, colour is not known here", nil},
		{"columns", func(a *stacktest.Account) {
			a.TableColumns[glue.Removals] = []glue.Column{{Name: "project", Type: "string"}, {Name: "ids", Type: "string"}, {Name: "time_ms", Type: "bigint"}}
		}, checkup.Wrong, "removals: ids is string in place of array<string>", nil},
		{"compaction", func(a *stacktest.Account) { a.Views = nil }, checkup.Wrong, "has not run yet", nil},
		{"compaction", func(a *stacktest.Account) { a.Views, a.Deployed = nil, time.Now() }, checkup.Warning, "has not run yet", nil},
		{"spills", func(a *stacktest.Account) { a.Objects["spill/1"] = time.Now().Add(-time.Hour) }, checkup.Wrong, "1 object wait, the oldest since 1 hour ago", nil},
		{"spills", func(a *stacktest.Account) { a.Objects["spill/1"] = time.Now() }, checkup.Warning, "1 object wait", nil},
		{"unconverted", func(a *stacktest.Account) { a.Objects["errors/events/1"] = time.Now().Add(-time.Hour) }, checkup.Wrong, "errors/", nil},
		{"unconverted", func(a *stacktest.Account) { a.Objects["errors/events/1"] = time.Now() }, checkup.Warning, "errors/", nil},
		{"unconverted", func(a *stacktest.Account) { a.Objects["unreadable/1"] = time.Now() }, checkup.Warning, "unreadable/", nil},
		{"alarms", func(a *stacktest.Account) { a.Alarms["loch-spills"] = "ALARM" }, checkup.Wrong, "ringing: spills", nil},
		{"alarms", func(a *stacktest.Account) { a.Alarms["loch-events-key"] = "GONE" }, checkup.Wrong, "events-key is not there", nil},
		{"alarms", func(a *stacktest.Account) { a.Silent["loch-events-key"] = true }, checkup.Wrong, "events-key is switched off", nil},
		{"alarms", func(a *stacktest.Account) { property(a, "Spills", "AlarmActions", []any{}) }, checkup.Wrong, "spills tells nobody", nil},
		{"alarms", func(a *stacktest.Account) { a.Alarms["loch-compact-missing"] = "ALARM" }, checkup.Wrong, "compact-missing", nil},
		{"who is told", func(a *stacktest.Account) { a.Subscribers = nil }, checkup.Warning, "nobody", nil},
		{"who is told", func(a *stacktest.Account) { a.Subscribers = append(a.Subscribers, "PendingConfirmation") }, checkup.Wrong, "1 subscription of the alarms' topic not confirmed", nil},
		{"tag of costs", func(a *stacktest.Account) { a.TagStatus = "Inactive" }, checkup.Warning, "not active", nil},
		{"tag of costs", func(a *stacktest.Account) { a.TagStatus = "" }, checkup.Warning, "not active", nil},
	}
	tried := map[string]bool{}
	for _, c := range cases {
		a := account(t)
		c.spoil(a)
		s := found(t, a)
		all := look(t, s)
		got := all[c.check]
		tried[c.check] = true
		if got.State != c.state || !strings.Contains(got.Words, c.words) || got.Do == "" {
			t.Errorf("%s: %+v, want %s with %q", c.check, got, c.state, c.words)
		}
		for name, f := range all {
			if name != c.check && f.State != checkup.OK && !slices.Contains(c.others, name) {
				t.Errorf("%s, %q: %s says %+v", c.check, c.words, name, f)
			}
		}
	}
	for _, c := range found(t, account(t)).Checks() {
		if !tried[c.Name] {
			t.Errorf("nothing shows what %s is for", c.Name)
		}
	}
}

// TestWhatMayNotBeSeen takes one right after the other away: it is told which, and no
// check takes it for well or wrong.
func TestWhatMayNotBeSeen(t *testing.T) {
	a := account(t)
	s := found(t, a)
	look(t, s)
	operations := map[string]bool{}
	for _, r := range a.Requests() {
		operations[r.Operation] = true
	}
	delete(operations, "DescribeStacks")
	for _, operation := range slices.Sorted(maps.Keys(operations)) {
		a.Denied = map[string]bool{operation: true}
		unseen := 0
		for name, f := range look(t, s) {
			switch {
			case f.State == checkup.Unknown:
				unseen++
				if !strings.HasPrefix(f.Words, "no right to ") || strings.Contains(f.Words, "ann") || f.Do == "" {
					t.Errorf("%s without %s: %+v", name, operation, f)
				}
			case f.State != checkup.OK:
				t.Errorf("%s without %s: %+v", name, operation, f)
			}
		}
		if unseen == 0 {
			t.Errorf("without %s nothing is unseen", operation)
		}
	}
}

// TestCompactMissingRingsAtFirst holds that a stack of a few minutes is not told to be
// ill: the alarm has no data yet.
func TestCompactMissingRingsAtFirst(t *testing.T) {
	a := account(t)
	a.Alarms["loch-compact-missing"], a.Deployed = "ALARM", time.Now()
	if f := look(t, found(t, a))["alarms"]; f.State != checkup.OK {
		t.Errorf("%+v", f)
	}
}

// TestTheListNamesEachCheck holds the list in infra/aws/README.md together with what is
// looked at.
func TestTheListNamesEachCheck(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(text), "## What could not be proved without an account")
	list, _, _ = strings.Cut(list, "The rights that it needs")
	var named []string
	for line := range strings.Lines(list) {
		if cells := strings.Split(line, "|"); len(cells) > 3 {
			for name := range strings.SplitSeq(cells[2], ",") {
				named = append(named, strings.TrimSpace(name))
			}
		}
	}
	for _, c := range (&Stack{}).Checks() {
		if !slices.Contains(named, c.Name) {
			t.Errorf("the list has no %s", c.Name)
		}
	}
}
