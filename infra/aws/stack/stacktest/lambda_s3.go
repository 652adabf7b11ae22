package stacktest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"loch/infra/aws/template"
)

func (a *Account) function(in map[string]any) *template.Resource {
	return a.find("AWS::Lambda::Function", "FunctionName", in["FunctionName"])
}

func notFound() (int, string) {
	return http.StatusNotFound, failure(false, "ResourceNotFoundException", "Function not found")
}

func (a *Account) describeFunction(in map[string]any) (int, string) {
	r := a.function(in)
	if r == nil || in["Qualifier"] != "live" {
		return notFound()
	}
	is := object{"FunctionName": in["FunctionName"], "Runtime": r.At("Runtime"), "Architectures": r.At("Architectures"), "State": "Active",
		"LastUpdateStatus": "Successful", "Version": "7"}
	for name, value := range a.Functions[fmt.Sprint(in["FunctionName"])] {
		is[name] = value
	}
	return document(is)
}

func (a *Account) describeAlias(in map[string]any) (int, string) {
	if a.function(in) == nil || in["Name"] != "live" {
		return notFound()
	}
	is := object{"Name": "live", "FunctionVersion": "7"}
	if weight, ok := a.Weights[fmt.Sprint(in["FunctionName"])]; ok {
		is["RoutingConfig"] = object{"AdditionalVersionWeights": object{"8": weight}}
	}
	return document(is)
}

func (a *Account) describeLimits(map[string]any) (int, string) {
	return document(object{"AccountLimit": object{"ConcurrentExecutions": a.Concurrency, "UnreservedConcurrentExecutions": a.Concurrency}, "AccountUsage": object{}})
}

// bucket finds a bucket by the name that CloudFormation would give it.
func (a *Account) bucket(in map[string]any) *template.Resource {
	for _, r := range template.Of(a.Resources, "AWS::S3::Bucket") {
		if strings.ToLower(r.Stack.Name+"-"+r.Name) == in["Bucket"] {
			return &r
		}
	}
	return nil
}

func noBucket(code string) (int, string) {
	return http.StatusNotFound, tag("Error", elements(tag("Code", code)+tag("Message", "it is not there")))
}

func (a *Account) describePublicAccess(in map[string]any) (int, string) {
	r := a.bucket(in)
	if r == nil {
		return noBucket("NoSuchBucket")
	}
	is, ok := r.At("PublicAccessBlockConfiguration").(map[string]any)
	if !ok {
		return noBucket("NoSuchPublicAccessBlockConfiguration")
	}
	var list strings.Builder
	for _, name := range slices.Sorted(maps.Keys(is)) {
		list.WriteString(tag(name, is[name]))
	}
	return http.StatusOK, tag("PublicAccessBlockConfiguration", elements(list.String()))
}

func (a *Account) describeEncryption(in map[string]any) (int, string) {
	r := a.bucket(in)
	if r == nil {
		return noBucket("NoSuchBucket")
	}
	const at = "BucketEncryption.ServerSideEncryptionConfiguration.0."
	if r.At(at+"ServerSideEncryptionByDefault") == nil {
		return noBucket("ServerSideEncryptionConfigurationNotFoundError")
	}
	return http.StatusOK, tag("ServerSideEncryptionConfiguration", elements(tag("Rule", elements(
		tag("ApplyServerSideEncryptionByDefault", elements(tag("SSEAlgorithm", r.At(at+"ServerSideEncryptionByDefault.SSEAlgorithm"))))+
			tag("BucketKeyEnabled", r.At(at+"BucketKeyEnabled"))))))
}

func (a *Account) describeVersioning(in map[string]any) (int, string) {
	r := a.bucket(in)
	switch {
	case r == nil:
		return noBucket("NoSuchBucket")
	case r.At("VersioningConfiguration.Status") == nil:
		return http.StatusOK, "<VersioningConfiguration/>"
	}
	return http.StatusOK, tag("VersioningConfiguration", elements(tag("Status", r.At("VersioningConfiguration.Status"))))
}

func (a *Account) listObjects(in map[string]any) (int, string) {
	if in["Bucket"] != a.Outputs["Lake"] {
		return noBucket("NoSuchBucket")
	}
	prefix, _ := in["prefix"].(string)
	var list strings.Builder
	count := 0
	for _, key := range slices.Sorted(maps.Keys(a.Objects)) {
		if strings.HasPrefix(key, prefix) {
			count++
			list.WriteString(tag("Contents", elements(tag("Key", key)+tag("LastModified", a.Objects[key])+tag("Size", 1))))
		}
	}
	return http.StatusOK, tag("ListBucketResult", elements(tag("Name", in["Bucket"])+tag("KeyCount", count)+tag("IsTruncated", false)+list.String()))
}
