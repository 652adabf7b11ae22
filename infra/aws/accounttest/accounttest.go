// Package accounttest is an AWS account on this machine with the stack deployed in it,
// for tests: the real function binaries behind an HTTP API, with routes, rights,
// environments, streams and tables from the transformed template, and engines that
// stand for AWS's.
//
// What a function calls goes past its role first: a call that template.yaml does not
// allow it is refused as AWS would refuse it. So a test that passes shows that the
// rights suffice, and which of them were used.
//
//	HTTP API     infra/aws/httpapi            S3        gofakes3
//	Lambda       infra/aws/lambdaruntime      DynamoDB  infra/aws/dynamo/dynamotest
//	Firehose     infra/aws/firehose/firehosetest
//	Athena       infra/aws/athena/athenatest, over what the test gives
//	KMS          here
package accounttest

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"loch/infra/aws/athena/athenatest"
	"loch/infra/aws/dynamo"
	"loch/infra/aws/dynamo/dynamotest"
	"loch/infra/aws/firehose/firehosetest"
	"loch/infra/aws/httpapi"
	"loch/infra/aws/lambdaruntime"
	"loch/infra/aws/s3/s3test"
	"loch/infra/aws/template"
	"loch/infra/aws/template/templatetest"
	"loch/shared/project"
)

// Options say what is deployed.
type Options struct {
	Parameters map[string]string // of the template
	Functions  []string          // by logical id, "Ingest"; those that are not named are left out, with their routes
	Athena     athenatest.Run    // runs statements; nil refuses them
	Settings   project.Settings  // of the project
	Log        io.Writer         // what functions print
	// DieBeforeAnswer is asked for each answer of a function; see lambdaruntime.Config.
	DieBeforeAnswer func(function string) bool
}

// Account is the account, with one project in it.
type Account struct {
	URL       string // of the API
	API       *httpapi.API
	Functions map[string]*lambdaruntime.Function
	Guards    map[string]*Guard
	Athena    map[string]*athenatest.Server // each function's own
	Streams   *firehosetest.Server
	Lake      *s3test.Server
	KMS       *KMS
	Stores    dynamo.Options // for a client of the test's own
	Project   dynamo.Credentials
	Resources []template.Resource

	endpoint string       // DynamoDB's
	ahead    atomic.Int64 // nanoseconds by which Firehose's clock goes before ours
}

// Keys are credentials that every engine takes.
var Keys = credentials.NewStaticCredentialsProvider("AK", "SK", "")

// Deploy deploys the stack under a name of its own, and takes it down when the test ends.
func Deploy(t testing.TB, o Options) *Account {
	t.Helper()
	if o.Log != nil {
		o.Log = lambdaruntime.OneWriter(o.Log)
	}
	name := "loch-" + strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))
	all, err := templatetest.Open(t, name, o.Parameters).All()
	if err != nil {
		t.Fatal(err)
	}
	a := &Account{
		Resources: all, Functions: map[string]*lambdaruntime.Function{}, Guards: map[string]*Guard{}, Athena: map[string]*athenatest.Server{}, Lake: s3test.Start(t), KMS: startKMS(t),
		endpoint: dynamotest.New().Listen(t), // On a busy machine an engine answers late.
		Stores:   dynamo.Options{Prefix: name, Now: time.Now, Rand: random, Patience: 15 * time.Second, CallTime: 10 * time.Second},
	}
	a.startStreams(t)
	client := dynamo.NewClient(dynamo.ClientOptions{Region: template.Region, Endpoint: a.endpoint, Credentials: Keys})
	if err := dynamo.CreateTables(t.Context(), client, name); err != nil {
		t.Fatal(err)
	}
	if a.Project, err = dynamo.NewProjects(client, a.Stores).Create(t.Context(), "default", "", o.Settings); err != nil {
		t.Fatal(err)
	}
	a.startFunctions(t, o)
	a.startAPI(t, o)
	return a
}

// Create makes another project.
func (a *Account) Create(t testing.TB, name string) dynamo.Credentials {
	t.Helper()
	client := dynamo.NewClient(dynamo.ClientOptions{Region: template.Region, Endpoint: a.endpoint, Credentials: Keys})
	made, err := dynamo.NewProjects(client, a.Stores).Create(t.Context(), name, "", project.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// startStreams makes the stack's delivery streams, as the template says they are.
func (a *Account) startStreams(t testing.TB) {
	t.Helper()
	var list []firehosetest.Stream
	for _, r := range template.Of(a.Resources, "AWS::KinesisFirehose::DeliveryStream") {
		s, err := template.StreamOf(a.Resources, r)
		if err != nil {
			t.Fatal(err)
		}
		made := firehosetest.Stream{
			Name: s.Name, Prefix: s.Prefix, ErrorPrefix: s.ErrorPrefix, BufferBytes: s.BufferMB << 20, BufferInterval: s.BufferInterval,
		}
		for _, c := range s.Columns {
			made.Columns = append(made.Columns, firehosetest.Column(c))
		}
		list = append(list, made)
	}
	var err error
	if a.Streams, err = firehosetest.New(a.Lake.Bucket, func() time.Time { return time.Now().Add(time.Duration(a.ahead.Load())) }, 1, list...); err != nil {
		t.Fatal(err)
	}
}

// startFunctions builds the binaries and readies a function for each, without
// instances yet. Each has addresses of its own for every service, by which the guard
// knows who calls.
func (a *Account) startFunctions(t testing.TB, o Options) {
	t.Helper()
	functions, err := template.Functions(a.Resources)
	if err != nil {
		t.Fatal(err)
	}
	binaries := Build(t, o.Functions...)
	streams := httptest.NewServer(a.Streams)
	t.Cleanup(streams.Close)
	run := o.Athena
	if run == nil {
		run = func(context.Context, string, string) (athenatest.Answer, error) {
			return athenatest.Answer{}, &athenatest.Failure{Reason: "this test has no Athena", Category: 2}
		}
	}
	for _, f := range functions {
		binary, wanted := binaries[f.Name]
		if !wanted {
			continue
		}
		engine := athenatest.Start(t, run)
		engine.Workgroup = f.Environment["LOCH_WORKGROUP"]
		a.Athena[f.Name] = engine
		lake := f.Environment["LOCH_BUCKET"]
		guard := &Guard{function: f.Name, rights: f.Rights, lake: lake, stack: a.Stores.Prefix, used: map[string]int{}}
		a.Guards[f.Name] = guard
		env := maps.Clone(f.Environment)
		env["AWS_REGION"], env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"] = template.Region, "AK", "SK"
		env["LOCH_BUCKET"] = s3test.BucketName
		for service, address := range map[string]string{
			"DYNAMODB": a.endpoint, "S3": a.Lake.URL, "FIREHOSE": streams.URL, "KMS": a.KMS.url, "ATHENA": engine.URL,
		} {
			env["AWS_ENDPOINT_URL_"+service] = guard.before(t, address)
		}
		var dies func() bool
		if o.DieBeforeAnswer != nil {
			dies = func() bool { return o.DieBeforeAnswer(f.Name) }
		}
		made := lambdaruntime.New(lambdaruntime.Config{
			Name: f.Deployed, Bootstrap: binary, Env: env, MemoryMB: f.MemoryMB, Timeout: f.Timeout, Log: o.Log, DieBeforeAnswer: dies,
		})
		t.Cleanup(made.Close)
		a.Functions[f.Name] = made
	}
}

// startAPI puts the HTTP API before the functions that there are.
func (a *Account) startAPI(t testing.TB, o Options) {
	t.Helper()
	routes, err := template.Routes(a.Resources)
	if err != nil {
		t.Fatal(err)
	}
	var list []httpapi.Route
	for _, r := range routes {
		if f, ok := a.Functions[r.Function]; ok {
			list = append(list, httpapi.Route{Key: r.Key, Function: f})
		}
	}
	if a.API, err = httpapi.New(list, httpapi.Options{}); err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(a.API)
	t.Cleanup(front.Close)
	a.URL = front.URL
}

// longestWait is the most that a stream may be told to wait until it writes.
const longestWait = 15 * time.Minute

// Deliver has the streams write what they hold: their clock goes on until it is time.
func (a *Account) Deliver(t testing.TB) {
	t.Helper()
	a.ahead.Add(int64(longestWait))
	if err := a.Streams.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Run starts a function as the clock does.
func (a *Account) Run(t testing.TB, function, payload string) string {
	t.Helper()
	answer, err := a.Functions[function].Invoke(t.Context(), []byte(payload))
	if err != nil {
		t.Fatalf("%s: %v", function, err)
	}
	return string(answer)
}

// built are the binaries that this process has built already.
var (
	building sync.Mutex
	built    = map[string]string{}
)

// Build builds the functions for this machine, as .ci/lambdas does for Lambda, and
// returns the path of each by logical id.
func Build(t testing.TB, functions ...string) map[string]string {
	t.Helper()
	building.Lock()
	defer building.Unlock()
	root := templatetest.Root(t)
	folder := filepath.Join("build", "lambda-test")
	out := map[string]string{}
	var missing []string
	for _, f := range functions {
		name := strings.ToLower(f)
		if built[f] == "" {
			missing = append(missing, name)
		}
		out[f] = filepath.Join(root, folder, name, "bootstrap")
	}
	if len(missing) > 0 {
		c := exec.CommandContext(t.Context(), filepath.Join(root, ".ci/lambdas"), append([]string{runtime.GOARCH, folder}, missing...)...)
		c.Dir = root
		if text, err := c.CombinedOutput(); err != nil {
			t.Fatalf("the functions cannot be built: %v\n%s", err, text)
		}
	}
	maps.Copy(built, out)
	return out
}

// Post sends what an SDK does, and fails the test unless the answer is 200.
func (a *Account) Post(t testing.TB, path, contentType, body string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	return ask(t, r, http.StatusOK)
}

// Ask asks with a key of the project, and fails the test unless the answer has the status.
func (a *Account) Ask(t testing.TB, method, path string, scope project.Scope, status int) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, a.URL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+a.Project.Keys[scope])
	return ask(t, r, status)
}

func ask(t testing.TB, r *http.Request, status int) string {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != status {
		t.Fatalf("%s %s: %d, want %d\n%s", r.Method, r.URL.Path, response.StatusCode, status, text)
	}
	return string(text)
}
