package accounttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"loch/infra/aws/template"
)

// Guard stands between a function and AWS and refuses what its role does not allow, as
// IAM does.
type Guard struct {
	function string
	rights   template.Rights
	lake     string // the bucket's name in the template
	stack    string

	mu      sync.Mutex
	used    map[string]int // statements, by Sid
	refused []string
}

// before puts the guard before a service, and returns the address.
func (g *Guard) before(t testing.TB, address string) string {
	t.Helper()
	to, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host // it is signed
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { panic(http.ErrAbortHandler) },
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		calls, err := g.calls(r, body)
		if err != nil {
			t.Errorf("%s calls what the guard does not know: %v", g.function, err)
		}
		for _, call := range calls {
			if !g.allow(call) {
				deny(w, call)
				return
			}
		}
		forward.ServeHTTP(w, r)
	}))
	front.Config.ErrorLog = nil
	t.Cleanup(front.Close)
	return front.URL
}

func (g *Guard) allow(call template.Request) bool {
	sid, ok := g.rights.Allow(call)
	g.mu.Lock()
	defer g.mu.Unlock()
	if !ok {
		g.refused = append(g.refused, call.Action+" "+call.Resource)
		return false
	}
	g.used[sid]++
	return true
}

// Refused lists the calls that were refused.
func (g *Guard) Refused() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.refused)
}

// Calls tells how often each statement of the role was used, by its Sid.
func (g *Guard) Calls() map[string]int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.used)
}

func deny(w http.ResponseWriter, call template.Request) {
	if strings.HasPrefix(call.Action, "s3:") {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "<Error><Code>AccessDenied</Code><Message>no right</Message></Error>")
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = fmt.Fprintf(w, `{"__type":"AccessDeniedException","message":"no right to %s"}`, call.Action)
}

// calls are what IAM checks of one HTTP request: one right, or one for each item of a
// transaction.
func (g *Guard) calls(r *http.Request, body []byte) ([]template.Request, error) {
	target := r.Header.Get("X-Amz-Target")
	if target == "" {
		return []template.Request{g.object(r)}, nil
	}
	service, operation, ok := strings.Cut(target, ".")
	if !ok {
		return nil, fmt.Errorf("the target %s", target)
	}
	var in map[string]any
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, fmt.Errorf("%s: %w", target, err)
	}
	arn := func(service, on string) string {
		return "arn:aws:" + service + ":" + template.Region + ":" + template.Account + ":" + on
	}
	switch {
	case strings.HasPrefix(service, "DynamoDB"):
		var list []template.Request
		for action, tables := range tablesOf(operation, in) {
			for _, table := range tables {
				list = append(list, template.Request{Action: "dynamodb:" + action, Resource: arn("dynamodb", "table/"+table)})
			}
		}
		return list, nil
	case strings.HasPrefix(service, "Firehose"):
		return []template.Request{{Action: "firehose:" + operation, Resource: arn("firehose", fmt.Sprint("deliverystream/", in["DeliveryStreamName"]))}}, nil
	case service == "TrentService":
		keys := map[string]string{}
		context, _ := in["EncryptionContext"].(map[string]any)
		for name, v := range context {
			keys["kms:EncryptionContext:"+name] = fmt.Sprint(v)
		}
		return []template.Request{{Action: "kms:" + operation, Resource: fmt.Sprint(in["KeyId"]), Keys: keys}}, nil
	case service == "AmazonAthena":
		return []template.Request{{Action: "athena:" + operation, Resource: arn("athena", "workgroup/"+g.stack)}}, nil
	}
	return nil, fmt.Errorf("the target %s", target)
}

// tablesOf are the actions of a call and the tables of each: a transaction needs the
// right of each of its writes.
func tablesOf(operation string, in map[string]any) map[string][]string {
	out := map[string][]string{}
	switch operation {
	case "BatchGetItem", "BatchWriteItem":
		items, _ := in["RequestItems"].(map[string]any)
		for table := range items {
			out[operation] = append(out[operation], table)
		}
	case "TransactWriteItems":
		items, _ := in["TransactItems"].([]any)
		for _, i := range items {
			for kind, action := range map[string]string{"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"} {
				if table := template.At(i, kind+".TableName"); table != nil {
					out[action] = append(out[action], fmt.Sprint(table))
				}
			}
		}
	case "TransactGetItems":
		items, _ := in["TransactItems"].([]any)
		for _, i := range items {
			out["GetItem"] = append(out["GetItem"], fmt.Sprint(template.At(i, "Get.TableName")))
		}
	default:
		out[operation] = []string{fmt.Sprint(in["TableName"])}
	}
	return out
}

// object is a request of S3's: the bucket stands first in the path.
func (g *Guard) object(r *http.Request) template.Request {
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	q := template.Request{Resource: "arn:aws:s3:::" + g.lake, Keys: map[string]string{}}
	if key == "" {
		q.Action, q.Keys["s3:prefix"] = "s3:ListBucket", r.URL.Query().Get("prefix")
		return q
	}
	q.Resource += "/" + key
	q.Action = map[string]string{
		http.MethodGet: "s3:GetObject", http.MethodHead: "s3:GetObject", http.MethodPut: "s3:PutObject", http.MethodDelete: "s3:DeleteObject",
	}[r.Method]
	return q
}
