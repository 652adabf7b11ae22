package template_test

import (
	"slices"
	"strings"
	"testing"

	"loch/infra/aws/template"
)

// What each function does, and what it must not be able to do. May and must not are
// actions, each with the resource in short; see short.
var rights = map[string]struct{ may, mustNot []string }{
	"Ingest": {
		may: []string{
			"firehose:PutRecordBatch events", "firehose:PutRecordBatch rejected", "s3:PutObject lake/spill/x", "s3:PutObject lake/sealed/x",
			"dynamodb:UpdateItem profiles", "dynamodb:PutItem profiles", "dynamodb:BatchGetItem vault", "dynamodb:PutItem vault",
			"dynamodb:GetItem projects", "dynamodb:UpdateItem projects", "kms:Decrypt vault", "kms:Encrypt vault", "kms:GenerateDataKey data",
		},
		mustNot: []string{
			"s3:GetObject lake/landing/x", "s3:GetObject lake/events/x", "s3:GetObject lake/spill/x", "s3:ListBucket lake", "s3:DeleteObject lake/spill/x",
			"s3:PutObject lake/landing/x", "s3:PutObject lake/events/x", "kms:Decrypt data", "dynamodb:DeleteItem profiles", "dynamodb:DeleteItem vault", "dynamodb:BatchWriteItem vault",
			"dynamodb:GetItem ledger", "dynamodb:PutItem ledger", "dynamodb:PutItem projects", "dynamodb:Scan profiles", "dynamodb:Scan vault", "athena:StartQueryExecution workgroup",
		},
	},
	"Lookup": {
		may: []string{
			"dynamodb:GetItem profiles", "dynamodb:Query profiles", "dynamodb:Scan profiles", "dynamodb:BatchGetItem vault", "dynamodb:PutItem ledger", "dynamodb:GetItem projects", "kms:Decrypt vault",
			"athena:StartQueryExecution workgroup", "s3:GetObject lake/events/x", "s3:PutObject answers/x",
		},
		mustNot: []string{
			"dynamodb:PutItem profiles", "dynamodb:UpdateItem profiles", "dynamodb:DeleteItem profiles", "dynamodb:BatchWriteItem profiles", "dynamodb:PutItem vault", "dynamodb:DeleteItem vault", "dynamodb:Scan vault",
			"dynamodb:DeleteItem ledger", "dynamodb:UpdateItem ledger", "kms:Encrypt vault", "s3:PutObject lake/removals/x", "s3:DeleteObject lake/events/x", "firehose:PutRecordBatch events",
		},
	},
	"Query": {
		may: []string{"athena:StartQueryExecution workgroup", "athena:StopQueryExecution workgroup", "glue:GetTable landing", "s3:GetObject lake/landing/x", "s3:GetObject lake/profiles/x", "s3:GetObject lake/summaries/x", "s3:GetObject lake/state/x", "dynamodb:GetItem projects"},
		mustNot: []string{
			"dynamodb:GetItem profiles", "dynamodb:GetItem vault", "dynamodb:GetItem ledger", "kms:Decrypt vault", "s3:PutObject lake/events/x", "s3:DeleteObject lake/events/x",
			"s3:GetObject lake/sealed/x", "s3:GetObject lake/spill/x", "glue:UpdateTable lake_rows", "glue:DeleteTable landing",
		},
	},
	"Erase": {
		may: []string{
			"dynamodb:DeleteItem profiles", "dynamodb:DeleteItem vault", "dynamodb:PutItem ledger", "kms:Decrypt vault", "s3:PutObject lake/removals/x", "athena:StartQueryExecution workgroup",
		},
		mustNot: []string{"dynamodb:DeleteItem ledger", "dynamodb:UpdateItem ledger", "s3:DeleteObject lake/events/x", "s3:PutObject lake/events/x", "firehose:PutRecordBatch events", "dynamodb:DeleteItem projects"},
	},
	"Compact": {
		may: []string{
			"athena:StartQueryExecution workgroup", "glue:UpdateTable lake_rows", "s3:PutObject lake/staging/x", "s3:PutObject lake/events/x", "s3:PutObject lake/state/x", "s3:GetObject lake/state/x", "s3:PutObject lake/summaries/x", "s3:DeleteObject lake/summaries/x", "s3:DeleteObject lake/landing/x", "s3:GetObject lake/removals/x",
			"dynamodb:Scan profiles", "dynamodb:BatchGetItem profiles", "dynamodb:GetItem profiles", "dynamodb:Scan projects", "s3:PutObject lake/profiles/x", "s3:DeleteObject lake/profiles/x",
		},
		mustNot: []string{
			"dynamodb:PutItem profiles", "dynamodb:UpdateItem profiles", "dynamodb:DeleteItem profiles", "dynamodb:PutItem projects", "dynamodb:GetItem vault", "dynamodb:Scan vault", "kms:Decrypt vault", "glue:UpdateTable landing", "glue:DeleteTable lake_rows", "s3:DeleteObject lake/spill/x", "s3:DeleteObject lake/sealed/x", "s3:DeleteObjectVersion lake/events/x",
		},
	},
	"Redrive": {
		may: []string{
			"firehose:PutRecordBatch events", "firehose:PutRecordBatch rejected", "s3:GetObject lake/spill/x", "s3:DeleteObject lake/spill/x", "kms:Decrypt data",
			"s3:GetObject lake/errors/x", "s3:DeleteObject lake/errors/x", "s3:PutObject lake/unreadable/x", "s3:PutObject lake/errors/x",
		},
		mustNot: []string{
			"s3:GetObject lake/events/x", "s3:DeleteObject lake/events/x", "s3:DeleteObject lake/landing/x", "s3:DeleteObject lake/sealed/x", "s3:PutObject lake/spill/x", "kms:Decrypt vault", "dynamodb:GetItem vault",
		},
	},
}

// short spells out a call.
func short(t testing.TB, call string) template.Request {
	t.Helper()
	action, on, ok := strings.Cut(call, " ")
	if !ok {
		t.Fatalf("%q names no resource", call)
	}
	service, _, _ := strings.Cut(action, ":")
	at := "arn:aws:" + service + ":us-east-1:123456789012:"
	q := template.Request{Action: action, Keys: map[string]string{}}
	switch service {
	case "dynamodb":
		q.Resource = at + "table/loch-" + on
	case "firehose":
		q.Resource = at + "deliverystream/loch-" + on
	case "athena":
		q.Resource = at + "workgroup/loch"
	case "glue":
		q.Resource = at + "table/loch/" + on
	case "kms":
		if on == "vault" {
			q.Resource, q.Keys["kms:EncryptionContext:loch"] = at+"key/loch-Storage-VaultKey", "root"
		} else {
			q.Resource, q.Keys["kms:ViaService"] = at+"key/loch-Storage-DataKey", "s3.us-east-1.amazonaws.com"
		}
	case "s3":
		bucket, key, _ := strings.Cut(on, "/")
		q.Resource = "arn:aws:s3:::loch-storage-" + bucket
		if key != "" {
			q.Resource += "/" + key
		}
	default:
		t.Fatalf("%q: how is such a resource called?", call)
	}
	return q
}

func TestRights(t *testing.T) {
	for _, parameters := range []map[string]string{nil, full} {
		all := functions(t, everything(t, parameters))
		for name := range all {
			if _, ok := rights[name]; !ok {
				t.Errorf("%s: say what it may", name)
			}
		}
		for name, c := range rights {
			f, ok := all[name]
			if !ok {
				t.Errorf("there is no function %s", name)
				continue
			}
			for _, call := range c.may {
				if _, ok := f.Rights.Allow(short(t, call)); !ok {
					t.Errorf("%s may not %s", name, call)
				}
			}
			for _, call := range c.mustNot {
				if sid, ok := f.Rights.Allow(short(t, call)); ok {
					t.Errorf("%s may %s, by its statement %s", name, call, sid)
				}
			}
		}
	}
}

// A key works for the vault's own purposes alone, and the data key through S3 alone.
func TestKeysAreBound(t *testing.T) {
	f := functions(t, everything(t, nil))["Ingest"]
	q := short(t, "kms:Decrypt vault")
	q.Keys["kms:EncryptionContext:loch"] = "other"
	if _, ok := f.Rights.Allow(q); ok {
		t.Error("the vault's key opens what is not the vault's")
	}
	delete(q.Keys, "kms:EncryptionContext:loch")
	if _, ok := f.Rights.Allow(q); ok {
		t.Error("the vault's key opens without a context")
	}
	q = short(t, "kms:GenerateDataKey data")
	q.Keys["kms:ViaService"] = "sqs.us-east-1.amazonaws.com"
	if _, ok := f.Rights.Allow(q); ok {
		t.Error("the data key works for another service")
	}
}

// No role has a wildcard where a name exists: not for resources, and not for actions.
func TestNoWildcards(t *testing.T) {
	all := everything(t, full)
	roles := append(template.Of(all, "AWS::IAM::Role"), template.Of(all, "AWS::IAM::ManagedPolicy")...)
	if len(roles) < 8 {
		t.Fatalf("only %d roles and policies", len(roles))
	}
	for _, r := range roles {
		var list template.Rights
		var err error
		if r.Type == "AWS::IAM::Role" {
			list, err = template.RightsOf(all, r)
		} else {
			list, err = template.Statements(r.Properties["PolicyDocument"])
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, st := range list {
			if slices.ContainsFunc(st.Actions, func(a string) bool { return strings.Contains(a, "*") }) {
				t.Errorf("%s, %s: actions %v", r.Name, st.Sid, st.Actions)
			}
			for _, on := range st.Resources {
				parts := strings.SplitN(on, ":", 6)
				if len(parts) != 6 || strings.HasPrefix(parts[5], "*") || parts[2] == "*" {
					t.Errorf("%s, %s: resource %s", r.Name, st.Sid, on)
				}
			}
			if len(st.Resources) == 0 || st.Effect != "Allow" && st.Effect != "Deny" {
				t.Errorf("%s, %s: %+v", r.Name, st.Sid, st)
			}
		}
	}
	// No role comes from the transform or from AWS: each is written out.
	for _, f := range template.Of(all, "AWS::IAM::Role") {
		for _, arn := range []any{f.Properties["ManagedPolicyArns"]} {
			if arns, ok := arn.([]any); ok && slices.ContainsFunc(arns, func(a any) bool { s, _ := a.(string); return strings.HasPrefix(s, "arn:aws:iam::aws:") }) {
				t.Errorf("%s has a policy of AWS's: %v", f.Name, arns)
			}
		}
	}
}

// IAM as it is decided here: Deny wins, patterns and conditions count.
func TestAllow(t *testing.T) {
	r := template.Rights{
		{Sid: "a", Effect: "Allow", Actions: []string{"s3:Get*"}, Resources: []string{"arn:x:b/*/c?"}},
		{Sid: "d", Effect: "Deny", Actions: []string{"s3:GetAcl"}, Resources: []string{"*"}},
		{Sid: "l", Effect: "Allow", Actions: []string{"s3:List"}, Resources: []string{"*"}, Conditions: map[string]map[string][]string{"StringLike": {"s3:prefix": {"spill/*"}}}},
		{Sid: "u", Effect: "Allow", Actions: []string{"s3:Put"}, Resources: []string{"*"}, Conditions: map[string]map[string][]string{"NumericLessThan": {"x": {"1"}}}},
	}
	for _, c := range []struct {
		action, on, prefix string
		want               bool
	}{
		{"s3:GetObject", "arn:x:b/1/c2", "", true}, {"S3:getobject", "arn:x:b/1/2/c3", "", true}, {"s3:GetObject", "arn:x:b/1/c", "", false},
		{"s3:GetAcl", "arn:x:b/1/c2", "", false}, {"s3:List", "x", "spill/y", true}, {"s3:List", "x", "events/y", false}, {"s3:Put", "x", "", false},
	} {
		q := template.Request{Action: c.action, Resource: c.on, Keys: map[string]string{"s3:prefix": c.prefix}}
		if _, got := r.Allow(q); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
}
