package stack

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"loch/infra/aws/stack/stacktest"
	"loch/infra/aws/template"
	"loch/infra/aws/template/templatetest"
	"loch/shared/fault"
)

var testCredentials = credentials.NewStaticCredentialsProvider("AK", "SK", "")

// transformed are the templates, which take a second to transform: they are opened
// anew for each account, since tests change what they say.
var transformed struct {
	once   sync.Once
	folder string
}

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "loch-stack-")
	if err != nil {
		panic(err)
	}
	transformed.folder = folder
	code := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

// account deploys the stack loch, with all well.
func account(t *testing.T) *stacktest.Account {
	t.Helper()
	transformed.once.Do(func() {
		if err := os.CopyFS(transformed.folder, os.DirFS(templatetest.Folder(t))); err != nil {
			t.Fatal(err)
		}
	})
	return stacktest.Start(t, templatetest.Opened(t, transformed.folder, "loch", nil))
}

// to is access to a server, as its own region.
func to(address string) *Access {
	return &Access{
		Region: template.Region, Credentials: testCredentials, Endpoint: func(string) string { return address }, HTTP: http.DefaultClient, Now: time.Now,
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
}

func found(t *testing.T, a *stacktest.Account) *Stack {
	t.Helper()
	s, err := Find(t.Context(), to(a.URL), a.Name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestFind holds what is known of a stack that is there.
func TestFind(t *testing.T) {
	a := account(t)
	a.Parameters["FlushSeconds"], a.Parameters["CloudFront"] = "60", "yes"
	s := found(t, a)
	if s.URL != a.Outputs["Url"] || !strings.HasPrefix(s.URL, "https://") || s.Region != template.Region || s.FlushTime() != time.Minute || !s.CloudFront() {
		t.Errorf("%+v", s)
	}
	delete(a.Parameters, "FlushSeconds")
	if s := found(t, a); s.FlushTime() != 15*time.Minute {
		t.Errorf("without a parameter events are waited for for %v", s.FlushTime())
	}
}

// TestFindSaysWhatIsWrong holds the words for a stack that is not found.
func TestFindSaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		change func(a *stacktest.Account, to *Access) (stack string)
		code   fault.Code
		words  string
	}{
		"none": {func(*stacktest.Account, *Access) string { return "shop" }, fault.NotFound, "there is no stack shop in us-east-1"},
		"denied": {func(a *stacktest.Account, _ *Access) string { a.Denied["DescribeStacks"] = true; return a.Name }, fault.Forbidden,
			"cloudformation:DescribeStacks"},
		"strangers": {func(a *stacktest.Account, to *Access) string {
			to.Credentials = credentials.NewStaticCredentialsProvider("OTHER", "SK", "")
			return a.Name
		}, fault.Unauthorized, "no credentials for AWS that work"},
		"no credentials": {func(a *stacktest.Account, to *Access) string {
			to.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, errors.New("none") })
			return a.Name
		}, fault.Unauthorized, "aws sso login"},
		"being made": {func(a *stacktest.Account, _ *Access) string {
			clear(a.Outputs)
			a.Status = "CREATE_IN_PROGRESS"
			return a.Name
		}, fault.Unavailable,
			"CREATE_IN_PROGRESS"},
		"another's": {func(a *stacktest.Account, _ *Access) string { delete(a.Outputs, "Url"); return a.Name }, fault.Invalid, "not Loch's"},
		"unreachable": {func(a *stacktest.Account, to *Access) string {
			to.Endpoint = func(string) string { return "http://127.0.0.1:1" }
			return a.Name
		}, fault.Unavailable, "CloudFormation cannot be reached in us-east-1"},
	} {
		t.Run(name, func(t *testing.T) {
			a := account(t)
			access := to(a.URL)
			_, err := Find(t.Context(), access, c.change(a, access))
			if err == nil || fault.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.words) {
				t.Errorf("%v, of code %s", err, fault.CodeOf(err))
			}
		})
	}
}

// TestBusyServicesAreAskedAgain holds that a throttle is waited out, and a no is not.
func TestBusyServicesAreAskedAgain(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		asked  int
	}{
		{503, "", tries}, {429, `{"__type":"com.amazonaws.x#TooManyRequestsException"}`, tries}, {400, `{"__type":"ThrottlingException"}`, tries},
		{400, "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>", tries},
		{400, `{"__type":"AccessDeniedException"}`, 1}, {404, "<Error><Code>NoSuchBucket</Code></Error>", 1},
	} {
		asked := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked++
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		}))
		err := to(server.URL).json(t.Context(), keys, "1.1", "X", nil, nil)
		server.Close()
		if _, ok := errors.AsType[*Refused](err); !ok || asked != c.asked {
			t.Errorf("%d %s: asked %d times, want %d; %v", c.status, c.body, asked, c.asked, err)
		}
	}
}

// TestAddresses holds where services are asked.
func TestAddresses(t *testing.T) {
	for region, want := range map[string]string{
		"eu-north-1": "https://firehose.eu-north-1.amazonaws.com", "cn-north-1": "https://firehose.cn-north-1.amazonaws.com.cn",
		"us-gov-west-1": "https://firehose.us-gov-west-1.amazonaws.com",
	} {
		a := &Access{Region: region}
		if got := a.address(deliveries); got != want {
			t.Errorf("%s: %s", region, got)
		}
	}
	a := &Access{Region: "eu-north-1"}
	if a.address(cloudWatch) != "https://monitoring.eu-north-1.amazonaws.com" || a.address(bills) != "https://ce.us-east-1.amazonaws.com" {
		t.Errorf("%s, %s", a.address(cloudWatch), a.address(bills))
	}
}

// TestLoad holds that the environment and AWS's files say region, keys and endpoints.
func TestLoad(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK", "AWS_REGION": "eu-north-1", "AWS_ENDPOINT_URL_CLOUDFORMATION": "http://127.0.0.1:1",
		"AWS_CONFIG_FILE": t.TempDir() + "/none", "AWS_SHARED_CREDENTIALS_FILE": t.TempDir() + "/none", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_PROFILE": "",
	} {
		t.Setenv(name, value)
	}
	a, err := Load(t.Context(), "", "")
	if err != nil || a.Region != "eu-north-1" || a.address(cloudFormation) != "http://127.0.0.1:1" || a.address(keys) != "https://kms.eu-north-1.amazonaws.com" {
		t.Fatalf("%v, %+v", err, a)
	}
	if who, err := a.Credentials.Retrieve(t.Context()); err != nil || who.AccessKeyID != "AK" {
		t.Errorf("%v", err)
	}
	if a, err := Load(t.Context(), "us-west-2", ""); err != nil || a.Region != "us-west-2" {
		t.Errorf("--region must win: %v", err)
	}
	if _, err := Load(t.Context(), "", "nobody"); err == nil || !strings.Contains(err.Error(), "--profile") {
		t.Errorf("a profile that is not there: %v", err)
	}
	t.Setenv("AWS_REGION", "")
	if _, err := Load(t.Context(), "", ""); err == nil || !strings.Contains(err.Error(), "--region") {
		t.Errorf("no region: %v", err)
	}
}
