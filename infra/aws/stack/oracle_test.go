package stack

import (
	"encoding/json"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	watchschemas "github.com/aws/aws-sdk-go-v2/service/cloudwatch/schemas"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer"
	bill "github.com/aws/aws-sdk-go-v2/service/costexplorer/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go/transport/http/protocol/awsquery"

	"loch/infra/aws/stack/stacktest"
)

// TestRequestsAreThoseOfAWSClients has AWS's own clients ask what the checks ask: each
// request must be theirs, and what the stand-in answers, they must understand.
func TestRequestsAreThoseOfAWSClients(t *testing.T) {
	a := account(t)
	s := found(t, a)
	for _, c := range s.Checks() {
		c.Look(t.Context())
	}
	ours := map[string]stacktest.Request{}
	for _, r := range a.Requests() {
		if _, ok := ours[r.Operation]; !ok {
			ours[r.Operation] = r
		}
	}
	theirs := askAsAWS(t, a)
	if got, want := slices.Sorted(maps.Keys(ours)), slices.Sorted(maps.Keys(theirs)); !slices.Equal(got, want) {
		t.Fatalf("the checks ask\n%q\nand AWS's clients were compared for\n%q", got, want)
	}
	for operation, want := range theirs {
		got := ours[operation]
		for _, header := range []string{"X-Amz-Target", "Content-Type"} {
			if got.Header.Get(header) != want.Header.Get(header) {
				t.Errorf("%s: %s is %q, AWS's client has %q", operation, header, got.Header.Get(header), want.Header.Get(header))
			}
		}
		if got.Method != want.Method || !reflect.DeepEqual(address(t, got.URI), address(t, want.URI)) {
			t.Errorf("%s: %s %s, AWS's client has %s %s", operation, got.Method, got.URI, want.Method, want.URI)
		}
		if !reflect.DeepEqual(body(t, got.Body), body(t, want.Body)) {
			t.Errorf("%s: the body is\n%s\nAWS's client has\n%s", operation, got.Body, want.Body)
		}
	}
}

// askAsAWS asks with AWS's clients, and returns the first request of each operation.
func askAsAWS(t *testing.T, a *stacktest.Account) map[string]stacktest.Request {
	t.Helper()
	before := len(a.Requests())
	c := aws.Config{Region: "us-east-1", Credentials: testCredentials, BaseEndpoint: aws.String(a.URL)}
	ctx, name := t.Context(), aws.String(a.Name)
	must := func(err error, good bool) {
		t.Helper()
		if err != nil || !good {
			t.Errorf("AWS's client: %v, understood: %t", err, good)
		}
	}
	formation := cloudformation.NewFromConfig(c)
	stacks, err := formation.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: name})
	must(err, err == nil && len(stacks.Stacks) == 1 && len(stacks.Stacks[0].Outputs) == len(a.Outputs) && stacks.Stacks[0].CreationTime.Equal(a.Deployed))
	resources, err := formation.ListStackResources(ctx, &cloudformation.ListStackResourcesInput{StackName: name})
	must(err, err == nil && len(resources.StackResourceSummaries) == 25 && resources.NextToken != nil)

	functions := lambda.NewFromConfig(c)
	ingest := aws.String(a.Name + "-ingest")
	function, err := functions.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: ingest, Qualifier: aws.String("live")})
	must(err, err == nil && function.State == "Active" && string(function.Architectures[0]) == "arm64")
	to, err := functions.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: ingest, Name: aws.String("live")})
	must(err, err == nil && *to.FunctionVersion == "7")
	limits, err := functions.GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
	must(err, err == nil && limits.AccountLimit.ConcurrentExecutions == 1000)

	streams, err := firehose.NewFromConfig(c).DescribeDeliveryStream(ctx, &firehose.DescribeDeliveryStreamInput{DeliveryStreamName: aws.String(a.Name + "-events")})
	must(err, err == nil && *streams.DeliveryStreamDescription.Destinations[0].ExtendedS3DestinationDescription.DataFormatConversionConfiguration.SchemaConfiguration.TableName == "landing")

	tables := dynamodb.NewFromConfig(c)
	table, err := tables.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(a.Name + "-profiles")})
	must(err, err == nil && *table.Table.DeletionProtectionEnabled && table.Table.BillingModeSummary.BillingMode == "PAY_PER_REQUEST")
	backups, err := tables.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: aws.String(a.Name + "-profiles")})
	must(err, err == nil && backups.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus == "ENABLED")

	keys := kms.NewFromConfig(c)
	key, err := keys.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String(a.Outputs["VaultKeyArn"])})
	must(err, err == nil && key.KeyMetadata.KeyState == "Enabled")
	rotation, err := keys.GetKeyRotationStatus(ctx, &kms.GetKeyRotationStatusInput{KeyId: aws.String(a.Outputs["VaultKeyArn"])})
	must(err, err == nil && rotation.KeyRotationEnabled)

	bucket := aws.String(a.Outputs["Lake"])
	objects := s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true })
	shut, err := objects.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: bucket})
	must(err, err == nil && *shut.PublicAccessBlockConfiguration.RestrictPublicBuckets)
	sealed, err := objects.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: bucket})
	must(err, err == nil && sealed.ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm == "aws:kms")
	versions, err := objects.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: bucket})
	must(err, err == nil && versions.Status == "Enabled")
	a.Objects["state/manifest/000000000001.json"] = a.Deployed
	list, err := objects.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket, Prefix: aws.String("state/manifest/")})
	must(err, err == nil && len(list.Contents) == 1 && list.Contents[0].LastModified.Equal(a.Deployed))

	questions := athena.NewFromConfig(c)
	group, err := questions.GetWorkGroup(ctx, &athena.GetWorkGroupInput{WorkGroup: aws.String(a.Outputs["Workgroup"])})
	must(err, err == nil && *group.WorkGroup.Configuration.BytesScannedCutoffPerQuery == 100e9 && *group.WorkGroup.Configuration.EnforceWorkGroupConfiguration)
	metadata, err := questions.ListTableMetadata(ctx, &athena.ListTableMetadataInput{CatalogName: aws.String("AwsDataCatalog"), DatabaseName: aws.String(a.Outputs["Database"])})
	must(err, err == nil && len(metadata.TableMetadataList) == 3 && len(metadata.TableMetadataList[0].Columns) > 0)

	// The client speaks a newer protocol, beside which CloudWatch has this one.
	watch := cloudwatch.NewFromConfig(c, func(o *cloudwatch.Options) { o.Protocol = awsquery.New(watchschemas.GraniteServiceVersion20100801) })
	alarms, err := watch.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNamePrefix: aws.String(a.Name + "-"), MaxRecords: aws.Int32(100)})
	must(err, err == nil && len(alarms.MetricAlarms) > 30 && *alarms.MetricAlarms[0].ActionsEnabled && len(alarms.MetricAlarms[0].AlarmActions) == 1)
	told, err := sns.NewFromConfig(c).ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: aws.String(a.Outputs["AlarmTopic"])})
	must(err, err == nil && len(told.Subscriptions) == 1)
	tags, err := costexplorer.NewFromConfig(c).ListCostAllocationTags(ctx, &costexplorer.ListCostAllocationTagsInput{
		TagKeys: []string{"loch"}, Type: bill.CostAllocationTagTypeUserDefined,
	})
	must(err, err == nil && len(tags.CostAllocationTags) == 1 && tags.CostAllocationTags[0].Status == "Active")

	asked := map[string]stacktest.Request{}
	for _, r := range a.Requests()[before:] {
		if _, ok := asked[r.Operation]; !ok {
			asked[r.Operation] = r
		}
	}
	return asked
}

// address is a path with its query, without the name of the operation that some clients
// add for their own logs.
func address(t *testing.T, uri string) [2]any {
	t.Helper()
	u, err := url.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Del("x-id")
	return [2]any{u.Path, q}
}

// body is what a body means: a document, a form, or nothing.
func body(t *testing.T, text string) any {
	t.Helper()
	var document any
	if json.Unmarshal([]byte(text), &document) == nil {
		return document
	}
	form, err := url.ParseQuery(text)
	if err != nil {
		t.Fatal(err)
	}
	return form
}
