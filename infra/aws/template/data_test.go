package template_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"loch/infra/aws/dynamo"
	"loch/infra/aws/firehose/firehosetest"
	"loch/infra/aws/glue"
	"loch/infra/aws/template"
)

const dataKey = "arn:aws:kms:us-east-1:123456789012:key/loch-Storage-DataKey"

// Everything that keeps data is encrypted with the stack's key.
func TestEncryption(t *testing.T) {
	at := map[string]string{
		"AWS::S3::Bucket":                      "BucketEncryption.ServerSideEncryptionConfiguration.0.ServerSideEncryptionByDefault.KMSMasterKeyID",
		"AWS::DynamoDB::Table":                 "SSESpecification.KMSMasterKeyId",
		"AWS::KinesisFirehose::DeliveryStream": "DeliveryStreamEncryptionConfigurationInput.KeyARN",
		"AWS::SNS::Topic":                      "KmsMasterKeyId",
		"AWS::SQS::Queue":                      "KmsMasterKeyId",
		"AWS::Athena::WorkGroup":               "WorkGroupConfiguration.ResultConfiguration.EncryptionConfiguration.KmsKey",
	}
	all := everything(t, full)
	for kind, path := range at {
		list := template.Of(all, kind)
		if len(list) == 0 {
			t.Errorf("there is no %s", kind)
		}
		for _, r := range list {
			if got := r.At(path); got != dataKey {
				t.Errorf("%s is encrypted with %v", r.Name, got)
			}
		}
	}
	for _, r := range template.Of(all, "AWS::KinesisFirehose::DeliveryStream") {
		if got := r.At("ExtendedS3DestinationConfiguration.EncryptionConfiguration.KMSEncryptionConfig.AWSKMSKeyARN"); got != dataKey {
			t.Errorf("%s writes files under the key %v", r.Name, got)
		}
	}
	for _, r := range template.Of(all, "AWS::KMS::Key") {
		if r.At("EnableKeyRotation") != true || !r.Retained {
			t.Errorf("%s is not renewed, or goes with the stack", r.Name)
		}
	}
}

func TestBuckets(t *testing.T) {
	all := everything(t, full)
	buckets := template.Of(all, "AWS::S3::Bucket")
	if len(buckets) != 2 {
		t.Errorf("%d buckets", len(buckets))
	}
	for _, b := range buckets {
		for _, block := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
			if b.At("PublicAccessBlockConfiguration."+block) != true {
				t.Errorf("%s: %s is not set", b.Name, block)
			}
		}
		if b.At("VersioningConfiguration.Status") != "Enabled" || b.At("OwnershipControls.Rules.0.ObjectOwnership") != "BucketOwnerEnforced" {
			t.Errorf("%s keeps no versions, or takes access lists", b.Name)
		}
		name := strings.ToLower("loch-Storage-" + b.Name)
		closed := false
		for _, p := range template.Of(all, "AWS::S3::BucketPolicy") {
			if p.Properties["Bucket"] != name {
				continue
			}
			list, err := template.Statements(p.Properties["PolicyDocument"])
			if err != nil {
				t.Fatal(err)
			}
			for _, st := range list {
				if st.Effect != "Deny" {
					t.Errorf("%s lets others in: %+v", b.Name, st)
				}
				closed = closed || slices.Equal(st.Conditions["Bool"]["aws:SecureTransport"], []string{"false"}) &&
					slices.Equal(st.Actions, []string{"s3:*"}) && slices.Contains(st.Resources, "arn:aws:s3:::"+name+"/*") && slices.Contains(st.Resources, "arn:aws:s3:::"+name)
			}
		}
		if !closed {
			t.Errorf("%s can be reached without TLS", b.Name)
		}
	}
	if !the(t, all, "Lake").Retained {
		t.Error("the lake goes with the stack")
	}
	days := func(parameters map[string]string) map[string]string {
		out := map[string]string{}
		lake := the(t, everything(t, parameters), "Lake")
		rules, _ := lake.At("LifecycleConfiguration.Rules").([]any)
		for _, r := range rules {
			if prefix := template.At(r, "Prefix"); prefix != nil {
				out[fmt.Sprint(prefix)] = fmt.Sprint(template.At(r, "ExpirationInDays"))
			}
		}
		return out
	}
	if d := days(nil); d["events/"] != "" || d["landing/"] != "" || d["rejected/"] != "30" || d["sealed/"] != "30" || d["spill/"] != "" {
		t.Errorf("without retention files go after %v days", d)
	}
	if d := days(full); d["events/"] != "400" || d["landing/"] != "400" || d["spill/"] != "" {
		t.Errorf("with retention files go after %v days", d)
	}
}

// The template's tables are those of infra/aws/dynamo. The vault has no point-in-time
// recovery: who was erased could be had back from it.
func TestTables(t *testing.T) {
	want := map[string]dynamo.Table{}
	for _, table := range dynamo.Tables {
		want["loch-"+table.Name] = table
	}
	if want["loch-vault"].Recovery || !want["loch-profiles"].Recovery {
		t.Error("the threat model says otherwise of recovery")
	}
	list := template.Of(everything(t, nil), "AWS::DynamoDB::Table")
	for _, r := range list {
		name := fmt.Sprint(r.Properties["TableName"])
		table, ok := want[name]
		if !ok {
			t.Errorf("there is a table %s", name)
			continue
		}
		if got := r.At("PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled"); got != table.Recovery {
			t.Errorf("point-in-time recovery of %s: %v", name, got)
		}
		keys := fmt.Sprint(r.Properties["KeySchema"], r.Properties["AttributeDefinitions"])
		pk := fmt.Sprintf("map[AttributeName:pk AttributeType:%s]", table.KeyType)
		if !strings.Contains(keys, "map[AttributeName:pk KeyType:HASH]") || !strings.Contains(keys, pk) ||
			strings.Contains(keys, "map[AttributeName:sk KeyType:RANGE]") != table.Sorted ||
			strings.Contains(keys, strings.Replace(pk, "pk", "sk", 1)) != table.Sorted {
			t.Errorf("the keys of %s: %s", name, keys)
		}
		if expires := r.At("TimeToLiveSpecification.AttributeName") == "expires" && r.At("TimeToLiveSpecification.Enabled") == true; expires != table.Expires {
			t.Errorf("items of %s go by themselves: %t", name, expires)
		}
		if r.At("BillingMode") != "PAY_PER_REQUEST" || r.At("DeletionProtectionEnabled") != true || !r.Retained {
			t.Errorf("%s is not on demand, or can be deleted", name)
		}
	}
	if len(list) != len(want) {
		t.Errorf("%d tables", len(list))
	}
}

// columnsOf are those of a table of the catalogue.
func columnsOf(table string) []glue.Column {
	for _, t := range glue.Tables {
		if t.Name == table {
			return t.Columns
		}
	}
	return nil
}

// The streams convert by tables whose columns are those of the rows, and are such as
// Firehose takes.
func TestStreams(t *testing.T) {
	all := everything(t, nil)
	want := map[string]struct {
		columns []glue.Column
		prefix  string
	}{
		"loch-events":   {columnsOf(glue.Landing), "landing/dt=!{timestamp:yyyy-MM-dd}/hour=!{timestamp:HH}/"},
		"loch-rejected": {columnsOf(glue.RejectedInput), "rejected/dt=!{timestamp:yyyy-MM-dd}/"},
	}
	for _, r := range template.Of(all, "AWS::KinesisFirehose::DeliveryStream") {
		s, err := template.StreamOf(all, r)
		if err != nil {
			t.Fatal(err)
		}
		w, ok := want[s.Name]
		if !ok {
			t.Errorf("there is a stream %s", s.Name)
		}
		delete(want, s.Name)
		var columns []firehosetest.Column
		var got []glue.Column
		for _, c := range s.Columns {
			columns = append(columns, firehosetest.Column(c))
			got = append(got, glue.Column(c))
		}
		if !slices.Equal(got, w.columns) || s.Prefix != w.prefix {
			t.Errorf("%s: prefix %s, columns %v, want %v", s.Name, s.Prefix, got, w.columns)
		}
		if _, err := firehosetest.New(nil, time.Now, 1, firehosetest.Stream{
			Name: s.Name, Columns: columns, Prefix: s.Prefix, ErrorPrefix: s.ErrorPrefix,
			BufferBytes: s.BufferMB << 20, BufferInterval: s.BufferInterval,
		}); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
		if r.At("ExtendedS3DestinationConfiguration.CompressionFormat") != "UNCOMPRESSED" || r.At("DeliveryStreamType") != "DirectPut" {
			t.Errorf("%s: %v", s.Name, r.Properties)
		}
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}
