package instance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"loch/infra/aws/instance"
	"loch/shared/fault"
)

func environment() map[string]string {
	return map[string]string{
		"AWS_REGION": "eu-north-1", "AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK", "AWS_SESSION_TOKEN": "T", "LOCH_PREFIX": "shop",
		"AWS_LAMBDA_FUNCTION_NAME": "shop-ingest", "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:1", "LOCH_BUCKET": "lake",
		"LAMBDA_TASK_ROOT": "/var/task", "LOCH_GEO": "country.mmdb", "LOCH_OTHER": "/opt/city.mmdb",
	}
}

func start(t testing.TB, env map[string]string, out *bytes.Buffer, now func() time.Time) *instance.Instance {
	t.Helper()
	in, err := instance.New(func(name string) string { return env[name] }, out, now)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestNew(t *testing.T) {
	var out bytes.Buffer
	in := start(t, environment(), &out, time.Now)
	keys, err := in.Credentials.Retrieve(t.Context())
	if err != nil || keys.AccessKeyID != "AK" || keys.SecretAccessKey != "SK" || keys.SessionToken != "T" {
		t.Errorf("credentials %+v, %v", keys, err)
	}
	if in.Region != "eu-north-1" || in.Prefix != "shop" || in.Endpoint("dynamodb") != "http://127.0.0.1:1" || in.Endpoint("s3") != "" {
		t.Errorf("%+v", in)
	}
	if v, err := in.Setting("LOCH_BUCKET"); err != nil || v != "lake" {
		t.Errorf("a setting: %q, %v", v, err)
	}
	if _, err := in.Setting("LOCH_VAULT_KEY"); err == nil || !strings.Contains(err.Error(), "LOCH_VAULT_KEY") {
		t.Errorf("a setting that is not there: %v", err)
	}
	if beside, elsewhere, none := in.Beside("LOCH_GEO"), in.Beside("LOCH_OTHER"), in.Beside("LOCH_NONE"); beside != "/var/task/country.mmdb" || elsewhere != "/opt/city.mmdb" || none != "" {
		t.Errorf("files: %q, %q, %q", beside, elsewhere, none)
	}
	in.Logger.Info("request")
	in.Logger.Warn("slow")
	if strings.Contains(out.String(), "request") || !strings.Contains(out.String(), `"level":"WARN","msg":"slow"`) {
		t.Errorf("the log: %s", &out)
	}
	for name, value := range map[string]string{"AWS_REGION": "", "LOCH_PREFIX": "", "AWS_ACCESS_KEY_ID": "", "LOCH_LOG_LEVEL": "LOUD"} {
		env := environment()
		env[name] = value
		if _, err := instance.New(func(n string) string { return env[n] }, &out, time.Now); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%q: %v", name, value, err)
		}
	}
}

// Counts are written with the first request, once a minute, and at once if urgent.
func TestMetrics(t *testing.T) {
	var out bytes.Buffer
	now := time.UnixMilli(1_795_413_600_000)
	m := start(t, environment(), &out, func() time.Time { return now }).Metrics
	lines := func() []map[string]any {
		var list []map[string]any
		for line := range strings.Lines(out.String()) {
			var got map[string]any
			if err := json.Unmarshal([]byte(line), &got); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			list = append(list, got)
		}
		out.Reset()
		return list
	}
	m.Flush()
	if got := lines(); len(got) != 0 {
		t.Errorf("a line without counts: %v", got)
	}
	m.Add("Stored", "Count", 3)
	m.Add("Stored", "Count", 4)
	m.Add("Rejected", "Count", 0)
	m.Flush()
	got := lines()
	if len(got) != 1 || got[0]["Stored"] != 7.0 || got[0]["Stack"] != "shop" || got[0]["Function"] != "ingest" || got[0]["Rejected"] != nil {
		t.Fatalf("the first line: %v", got)
	}
	declared, err := json.Marshal(got[0]["_aws"])
	const want = `{"CloudWatchMetrics":[{"Dimensions":[["Stack","Function"]],"Metrics":[{"Name":"Stored","Unit":"Count"}],"Namespace":"Loch"}],"Timestamp":1795413600000}`
	if err != nil || string(declared) != want {
		t.Errorf("it declares %s, want %s", declared, want)
	}
	now = now.Add(59 * time.Second)
	m.Add("Stored", "Count", 1)
	m.Flush()
	if got := lines(); len(got) != 0 {
		t.Errorf("within a minute: %v", got)
	}
	m.Urgent("Unacknowledged", "Count", 0)
	m.Flush()
	if got := lines(); len(got) != 0 {
		t.Errorf("nothing is urgent: %v", got)
	}
	m.Urgent("Unacknowledged", "Count", 2)
	m.Flush()
	if got := lines(); len(got) != 1 || got[0]["Stored"] != 1.0 || got[0]["Unacknowledged"] != 2.0 {
		t.Errorf("what is urgent: %v", got)
	}
	now = now.Add(time.Minute)
	m.Add("Stored", "Count", 1)
	m.Flush()
	if got := lines(); len(got) != 1 || got[0]["Stored"] != 1.0 {
		t.Errorf("after a minute: %v", got)
	}
}

// What cannot be made fails its request, and the next one tries again.
func TestLate(t *testing.T) {
	tries := 0
	h := instance.Handler(instance.MakeLate(func(context.Context) (http.Handler, error) {
		if tries++; tries < 3 {
			return nil, fault.New(fault.Unavailable, "KMS is away")
		}
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }), nil
	}))
	var statuses []int
	for range 5 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
		statuses = append(statuses, w.Code)
	}
	if tries != 3 || statuses[0] != 503 || statuses[1] != 503 || statuses[2] != 418 || statuses[4] != 418 {
		t.Errorf("%d tries, answers %v", tries, statuses)
	}
}
