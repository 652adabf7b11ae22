// Package stacktest is the side of an AWS account that describes what is deployed in it,
// for tests: CloudFormation, Lambda, Firehose, DynamoDB, KMS, S3, Athena, CloudWatch, SNS
// and Cost Explorer, on one address. What they tell is read from the transformed
// template, so that whoever looks at it sees the stack as template.yaml makes it. What no
// template says, such as whether an alarm rings, a test sets.
//
// Tests of this package's parent read it with AWS's own clients, and so know that what
// it writes is what AWS's clients take.
package stacktest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"loch/infra/aws/glue"
	"loch/infra/aws/template"
)

// Account is the account. Its fields may be changed until something is asked.
type Account struct {
	URL        string
	Name       string // of the stack
	Resources  []template.Resource
	Outputs    map[string]string
	Parameters map[string]string
	Status     string // of the stack
	Deployed   time.Time

	Denied       map[string]bool              // operations that are refused, "DescribeAlarms"
	Failed       map[string]string            // resources that are in another state than complete, by logical id
	Alarms       map[string]string            // states of alarms, where not OK, by name
	Silent       map[string]bool              // alarms that are not there or switched off
	Subscribers  []string                     // ARNs of subscriptions
	Objects      map[string]time.Time         // of the lake, by key
	Keys         map[string]string            // states of keys, where not Enabled: "vault", "data"
	Views        []string                     // in the catalogue
	Weights      map[string]float64           // how much of each function's traffic goes to version 8
	Functions    map[string]map[string]string // other members of a function's configuration, by name
	Concurrency  int
	TagStatus    string                   // of the cost tag; empty where AWS does not know it
	TableColumns map[string][]glue.Column // other columns of a table than the template's

	mu       sync.Mutex
	requests []Request
}

// Request is one that came.
type Request struct {
	Operation string // "DescribeStacks"
	Method    string
	URI       string
	Header    http.Header
	Body      string
}

// Start deploys a stack, with all well, and stops when the test ends.
func Start(t testing.TB, s *template.Stack) *Account {
	t.Helper()
	all, err := s.All()
	if err != nil {
		t.Fatal(err)
	}
	a := &Account{
		Name: s.Name, Resources: all, Outputs: map[string]string{}, Parameters: map[string]string{"FlushSeconds": "300", "ScanLimitGB": "100", "CloudFront": "no"},
		Status: "CREATE_COMPLETE", Deployed: time.Now().Add(-24 * time.Hour).Truncate(time.Second),
		Denied: map[string]bool{}, Failed: map[string]string{}, Alarms: map[string]string{}, Silent: map[string]bool{},
		Subscribers: []string{"arn:aws:sns:us-east-1:123456789012:loch-Alarms:0b1f7c"}, Objects: map[string]time.Time{}, Keys: map[string]string{},
		Views: append([]string{glue.Rows}, glue.Relations...), Weights: map[string]float64{}, Functions: map[string]map[string]string{},
		Concurrency: 1000, TagStatus: "Active", TableColumns: map[string][]glue.Column{},
	}
	for _, name := range []string{"Url", "Lake", "Prefix", "VaultKeyArn", "Database", "Workgroup", "AlarmTopic"} {
		if a.Outputs[name], err = s.Output(name); err != nil {
			t.Fatal(err)
		}
	}
	front := httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(front.Close)
	a.URL = front.URL
	return a
}

// Requests are those that came so far.
func (a *Account) Requests() []Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]Request(nil), a.requests...)
}

// operations answer; in is the request's document, form or query.
var operations = map[string]func(a *Account, in map[string]any) (status int, body string){
	"DescribeStacks": (*Account).describeStacks, "ListStackResources": (*Account).listResources,
	"DescribeAlarms": (*Account).describeAlarms, "ListSubscriptionsByTopic": (*Account).listSubscriptions,
	"DescribeDeliveryStream": (*Account).describeStream, "DescribeTable": (*Account).describeTable, "DescribeContinuousBackups": (*Account).describeBackups,
	"DescribeKey": (*Account).describeKey, "GetKeyRotationStatus": (*Account).describeRotation,
	"GetWorkGroup": (*Account).describeWorkgroup, "ListTableMetadata": (*Account).listTables, "ListCostAllocationTags": (*Account).listTags,
	"GetFunctionConfiguration": (*Account).describeFunction, "GetAlias": (*Account).describeAlias, "GetAccountSettings": (*Account).describeLimits,
	"GetPublicAccessBlock": (*Account).describePublicAccess, "GetBucketEncryption": (*Account).describeEncryption,
	"GetBucketVersioning": (*Account).describeVersioning, "ListObjectsV2": (*Account).listObjects,
}

// Ring gives an alarm another state, while requests may come.
func (a *Account) Ring(alarm, state string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.Alarms[alarm] = state
}

func (a *Account) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // a request that breaks off has no operation
	operation, in, inXML := read(r, body)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests = append(a.requests, Request{operation, r.Method, r.URL.RequestURI(), r.Header.Clone(), string(body)})
	answer, known := operations[operation]
	kind := "application/x-amz-json-1.1"
	if inXML {
		kind = "application/xml"
	}
	w.Header().Set("Content-Type", kind)
	status, text := http.StatusBadRequest, failure(inXML, "InvalidAction", "there is no "+operation)
	switch {
	case !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AK/"):
		status, text = http.StatusForbidden, failure(inXML, "MissingAuthenticationToken", "who are you?")
	case a.Denied[operation]:
		status, text = http.StatusBadRequest, failure(inXML, "AccessDeniedException", "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: "+operation)
	case known:
		status, text = answer(a, in)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // the asker has gone
}

// read finds out what is asked: a header names the operation, a form does, or the path.
func read(r *http.Request, body []byte) (operation string, in map[string]any, inXML bool) {
	in = map[string]any{}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		_ = json.Unmarshal(body, &in) // what is no document has no members
		_, operation, _ = strings.Cut(target, ".")
		return operation, in, false
	}
	query := r.URL.Query()
	if form, err := url.ParseQuery(string(body)); err == nil && r.Method == http.MethodPost && form.Get("Action") != "" {
		for name := range form {
			in[name] = form.Get(name)
		}
		return form.Get("Action"), in, true
	}
	for name := range query {
		in[name] = query.Get(name)
	}
	if path, ok := strings.CutPrefix(r.URL.Path, "/2015-03-31/functions/"); ok {
		name, rest, _ := strings.Cut(path, "/")
		in["FunctionName"] = name
		if alias, ok := strings.CutPrefix(rest, "aliases/"); ok {
			in["Name"] = alias
			return "GetAlias", in, false
		}
		return "GetFunctionConfiguration", in, false
	}
	if strings.HasPrefix(r.URL.Path, "/2016-08-19/account-settings") {
		return "GetAccountSettings", in, false
	}
	in["Bucket"] = strings.Trim(r.URL.Path, "/")
	for name, operation := range map[string]string{
		"publicAccessBlock": "GetPublicAccessBlock", "encryption": "GetBucketEncryption", "versioning": "GetBucketVersioning", "list-type": "ListObjectsV2",
	} {
		if query.Has(name) {
			return operation, in, true
		}
	}
	return r.Method + " " + r.URL.Path, in, true
}
