package stacktest

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"loch/infra/aws/glue"
	"loch/infra/aws/template"
)

type object = map[string]any

func document(v any) (int, string) {
	text, err := json.Marshal(v)
	if err != nil {
		return http.StatusInternalServerError, err.Error()
	}
	return http.StatusOK, string(text)
}

func failure(inXML bool, code, words string) string {
	if inXML {
		// S3 has no ErrorResponse around it; both are read.
		return "<ErrorResponse><Error><Type>Sender</Type>" + tag("Code", code) + tag("Message", words) + "</Error></ErrorResponse>"
	}
	_, text := document(object{"__type": code, "message": words})
	return text
}

// tag writes an element with text in it, or with elements.
func tag(name string, inside ...any) string {
	var b strings.Builder
	for _, one := range inside {
		switch x := one.(type) {
		case elements:
			b.WriteString(string(x))
		case time.Time:
			b.WriteString(x.UTC().Format("2006-01-02T15:04:05Z"))
		default:
			_ = xml.EscapeText(&b, []byte(fmt.Sprint(x))) // a builder takes everything
		}
	}
	return "<" + name + ">" + b.String() + "</" + name + ">"
}

// elements are elements that are written already.
type elements string

// answer wraps a result as the protocol with forms does.
func answer(operation string, inside string) (int, string) {
	return http.StatusOK, tag(operation+"Response", elements(tag(operation+"Result", elements(inside))))
}

func (a *Account) describeStacks(in map[string]any) (int, string) {
	if in["StackName"] != a.Name {
		return http.StatusBadRequest, failure(true, "ValidationError", fmt.Sprintf("Stack with id %v does not exist", in["StackName"]))
	}
	var outputs, parameters string
	for _, name := range slices.Sorted(maps.Keys(a.Outputs)) {
		outputs += tag("member", elements(tag("OutputKey", name)+tag("OutputValue", a.Outputs[name])+tag("Description", "…")))
	}
	for _, name := range slices.Sorted(maps.Keys(a.Parameters)) {
		parameters += tag("member", elements(tag("ParameterKey", name)+tag("ParameterValue", a.Parameters[name])))
	}
	return answer("DescribeStacks", tag("Stacks", elements(tag("member", elements(tag("StackId", arnOf(a.Name))+tag("StackName", a.Name)+
		tag("CreationTime", a.Deployed)+tag("StackStatus", a.Status)+tag("Outputs", elements(outputs))+tag("Parameters", elements(parameters)))))))
}

func arnOf(stack string) string {
	return "arn:aws:cloudformation:" + template.Region + ":" + template.Account + ":stack/" + stack + "/1"
}

// page is how many resources one answer has: few, so that readers must turn pages.
const page = 25

func (a *Account) listResources(in map[string]any) (int, string) {
	var all []string
	for i := range a.Resources {
		r := &a.Resources[i]
		if in["StackName"] != r.Stack.Name && in["StackName"] != arnOf(r.Stack.Name) {
			continue
		}
		status := "CREATE_COMPLETE"
		if other, ok := a.Failed[r.Name]; ok {
			status = other
		}
		all = append(all, tag("member", elements(tag("LogicalResourceId", r.Name)+tag("PhysicalResourceId", physical(r))+tag("ResourceType", r.Type)+
			tag("ResourceStatus", status)+tag("LastUpdatedTimestamp", a.Deployed))))
	}
	from := 0
	if token, ok := in["NextToken"].(string); ok {
		_, _ = fmt.Sscan(token, &from) // the first page, if it is none
	}
	to := min(from+page, len(all))
	next := ""
	if to < len(all) {
		next = tag("NextToken", to)
	}
	return answer("ListStackResources", tag("StackResourceSummaries", elements(strings.Join(all[from:to], "")))+next)
}

// physical is a resource's id, where readers look at it.
func physical(r *template.Resource) string {
	switch r.Type {
	case "AWS::CloudFormation::Stack":
		return arnOf(r.Stack.Name + "-" + r.Name)
	case "AWS::CloudWatch::Alarm":
		return fmt.Sprint(r.At("AlarmName"))
	}
	return r.Stack.Name + "-" + r.Name
}

func (a *Account) describeAlarms(in map[string]any) (int, string) {
	var list strings.Builder
	for _, r := range template.Of(a.Resources, "AWS::CloudWatch::Alarm") {
		name := fmt.Sprint(r.At("AlarmName"))
		prefix, _ := in["AlarmNamePrefix"].(string)
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		if a.Alarms[name] == "GONE" {
			continue
		}
		state := "OK"
		if other, ok := a.Alarms[name]; ok {
			state = other
		}
		var actions strings.Builder
		given, _ := r.At("AlarmActions").([]any)
		for _, to := range given {
			actions.WriteString(tag("member", to))
		}
		list.WriteString(tag("member", elements(tag("AlarmName", name)+tag("StateValue", state)+tag("ActionsEnabled", !a.Silent[name])+tag("AlarmActions", elements(actions.String())))))
	}
	list.WriteString(tag("member", elements(tag("AlarmName", a.Name+"-of-another-stack")+tag("StateValue", "ALARM")+tag("ActionsEnabled", true)+"<AlarmActions/>")))
	return answer("DescribeAlarms", tag("MetricAlarms", elements(list.String())))
}

func (a *Account) listSubscriptions(in map[string]any) (int, string) {
	if in["TopicArn"] != a.Outputs["AlarmTopic"] {
		return http.StatusNotFound, failure(true, "NotFound", "Topic does not exist")
	}
	var list strings.Builder
	for _, arn := range a.Subscribers {
		list.WriteString(tag("member", elements(tag("Owner", template.Account)+tag("Protocol", "email")+tag("Endpoint", "ops@example.com")+
			tag("SubscriptionArn", arn)+tag("TopicArn", in["TopicArn"]))))
	}
	return answer("ListSubscriptionsByTopic", tag("Subscriptions", elements(list.String())))
}

// find is the resource of a type that has a value at a place.
func (a *Account) find(kind, at string, value any) *template.Resource {
	for _, r := range template.Of(a.Resources, kind) {
		if fmt.Sprint(r.At(at)) == fmt.Sprint(value) {
			return &r
		}
	}
	return nil
}

func missing() (int, string) {
	return http.StatusBadRequest, failure(false, "ResourceNotFoundException", "it is not there")
}

func (a *Account) describeStream(in map[string]any) (int, string) {
	r := a.find("AWS::KinesisFirehose::DeliveryStream", "DeliveryStreamName", in["DeliveryStreamName"])
	if r == nil {
		return missing()
	}
	const to = "ExtendedS3DestinationConfiguration."
	status := "DISABLED"
	if r.At("DeliveryStreamEncryptionConfigurationInput.KeyType") != nil {
		status = "ENABLED"
	}
	state := "ACTIVE"
	if other, ok := a.Failed[r.Name]; ok {
		state = other
	}
	return document(object{"DeliveryStreamDescription": object{
		"DeliveryStreamName": in["DeliveryStreamName"], "DeliveryStreamARN": "arn", "DeliveryStreamStatus": state, "DeliveryStreamType": "DirectPut",
		"VersionId": "1", "HasMoreDestinations": false,
		"DeliveryStreamEncryptionConfiguration": object{"Status": status, "KeyType": r.At("DeliveryStreamEncryptionConfigurationInput.KeyType")},
		"Destinations": []object{{"DestinationId": "destinationId-000000000001", "ExtendedS3DestinationDescription": object{
			"RoleARN": "arn", "BucketARN": r.At(to + "BucketARN"), "Prefix": r.At(to + "Prefix"), "CompressionFormat": "UNCOMPRESSED",
			"EncryptionConfiguration":           object{},
			"BufferingHints":                    object{"SizeInMBs": number(r.At(to + "BufferingHints.SizeInMBs")), "IntervalInSeconds": number(r.At(to + "BufferingHints.IntervalInSeconds"))},
			"DataFormatConversionConfiguration": r.At(to + "DataFormatConversionConfiguration"),
		}}},
	}})
}

// number reads what a parameter gave as text.
func number(v any) (n float64) {
	_, _ = fmt.Sscan(fmt.Sprint(v), &n) // none is 0
	return n
}

func (a *Account) describeTable(in map[string]any) (int, string) {
	r := a.find("AWS::DynamoDB::Table", "TableName", in["TableName"])
	if r == nil {
		return missing()
	}
	t := object{"TableName": in["TableName"], "TableStatus": "ACTIVE", "DeletionProtectionEnabled": r.At("DeletionProtectionEnabled") == true,
		"BillingModeSummary": object{"BillingMode": r.At("BillingMode")}}
	if r.At("SSESpecification.SSEEnabled") == true {
		t["SSEDescription"] = object{"Status": "ENABLED", "SSEType": r.At("SSESpecification.SSEType"), "KMSMasterKeyArn": "arn"}
	}
	return document(object{"Table": t})
}

func (a *Account) describeBackups(in map[string]any) (int, string) {
	r := a.find("AWS::DynamoDB::Table", "TableName", in["TableName"])
	if r == nil {
		return missing()
	}
	state := "DISABLED"
	if r.At("PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled") == true {
		state = "ENABLED"
	}
	return document(object{"ContinuousBackupsDescription": object{"ContinuousBackupsStatus": "ENABLED",
		"PointInTimeRecoveryDescription": object{"PointInTimeRecoveryStatus": state}}})
}

// key finds a key by its alias or ARN.
func (a *Account) key(in map[string]any) (word string, r *template.Resource) {
	id := fmt.Sprint(in["KeyId"])
	for word, logical := range map[string]string{"vault": "VaultKey", "data": "DataKey"} {
		if id == "alias/"+a.Name+"-"+word || strings.HasSuffix(id, ":key/"+a.Name+"-Storage-"+logical) {
			for _, r := range template.Of(a.Resources, "AWS::KMS::Key") {
				if r.Name == logical {
					return word, &r
				}
			}
		}
	}
	return "", nil
}

func (a *Account) describeKey(in map[string]any) (int, string) {
	word, r := a.key(in)
	if r == nil {
		return http.StatusBadRequest, failure(false, "NotFoundException", "Alias is not found")
	}
	state := "Enabled"
	if other, ok := a.Keys[word]; ok {
		state = other
	}
	return document(object{"KeyMetadata": object{"KeyId": "1", "Arn": "arn:aws:kms:" + template.Region + ":" + template.Account + ":key/" + a.Name + "-Storage-" + r.Name,
		"KeyState": state, "Enabled": state == "Enabled"}})
}

func (a *Account) describeRotation(in map[string]any) (int, string) {
	_, r := a.key(in)
	if r == nil || strings.HasPrefix(fmt.Sprint(in["KeyId"]), "alias/") {
		return http.StatusBadRequest, failure(false, "NotFoundException", "aliases are not taken here")
	}
	return document(object{"KeyRotationEnabled": r.At("EnableKeyRotation") == true})
}

func (a *Account) describeWorkgroup(in map[string]any) (int, string) {
	r := a.find("AWS::Athena::WorkGroup", "Name", in["WorkGroup"])
	if r == nil {
		return http.StatusBadRequest, failure(false, "InvalidRequestException", "WorkGroup is not found.")
	}
	const at = "WorkGroupConfiguration."
	return document(object{"WorkGroup": object{"Name": in["WorkGroup"], "State": r.At("State"), "Configuration": object{
		"EnforceWorkGroupConfiguration": r.At(at + "EnforceWorkGroupConfiguration"), "BytesScannedCutoffPerQuery": number(r.At(at + "BytesScannedCutoffPerQuery")),
		"EngineVersion":       object{"SelectedEngineVersion": r.At(at + "EngineVersion.SelectedEngineVersion"), "EffectiveEngineVersion": r.At(at + "EngineVersion.SelectedEngineVersion")},
		"ResultConfiguration": r.At(at + "ResultConfiguration"),
	}}})
}

func (a *Account) listTables(in map[string]any) (int, string) {
	if in["CatalogName"] != "AwsDataCatalog" || in["DatabaseName"] != a.Outputs["Database"] {
		return http.StatusBadRequest, failure(false, "MetadataException", "EntityNotFoundException: Database is not there")
	}
	var list []object
	for _, r := range template.Of(a.Resources, "AWS::Glue::Table") {
		name := fmt.Sprint(r.At("TableInput.Name"))
		columns := r.At("TableInput.StorageDescriptor.Columns")
		if other, ok := a.TableColumns[name]; ok {
			columns = other
		}
		list = append(list, object{"Name": name, "TableType": "EXTERNAL_TABLE", "Columns": columns, "PartitionKeys": r.At("TableInput.PartitionKeys")})
	}
	for _, name := range a.Views {
		list = append(list, object{"Name": name, "TableType": "VIRTUAL_VIEW", "Columns": []glue.Column{}})
	}
	const first = 3 // so that readers must turn a page
	if in["NextToken"] == nil {
		return document(object{"TableMetadataList": list[:first], "NextToken": "more"})
	}
	return document(object{"TableMetadataList": list[first:]})
}

func (a *Account) listTags(map[string]any) (int, string) {
	list := []object{}
	if a.TagStatus != "" {
		list = append(list, object{"TagKey": "loch", "Type": "UserDefined", "Status": a.TagStatus})
	}
	return document(object{"CostAllocationTags": list})
}
