package httpapi_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"loch/infra/aws/apigw"
	"loch/infra/aws/httpapi"
	"loch/infra/aws/lambdaruntime"
)

// inside is a function in this process.
type inside func(ctx context.Context, e events.APIGatewayV2HTTPRequest) (any, error)

func (f inside) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	answer, err := f(ctx, e)
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

func serve(t testing.TB, o httpapi.Options, routes ...httpapi.Route) *httptest.Server {
	t.Helper()
	a, err := httpapi.New(routes, o)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(a)
	t.Cleanup(s.Close)
	return s
}

// said is an answer.
type said struct {
	status int
	header http.Header
	text   string
}

func ask(t testing.TB, method, address string, body []byte, headers ...string) said {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return said{response.StatusCode, response.Header, string(text)}
}

// The event is the one that API Gateway's documentation shows.
func TestEvent(t *testing.T) {
	var got events.APIGatewayV2HTTPRequest
	s := serve(t, httpapi.Options{}, httpapi.Route{Key: "POST /a/{id}/b", Function: inside(func(_ context.Context, e events.APIGatewayV2HTTPRequest) (any, error) {
		got = e
		return map[string]any{"statusCode": 200}, nil
	})})
	ask(t, "POST", s.URL+"/a/Zo%C3%AB%20x/b?p=1&p=2&q=a%2Fb", []byte("data=1"),
		"Content-Type", "application/x-www-form-urlencoded", "X-Many", "a", "X-Many", "b", "Cookie", "c=1; d=2", "X-Forwarded-For", "192.0.2.1")
	if got.RawPath != "/a/Zoë x/b" || got.PathParameters["id"] != "Zoë x" || got.RouteKey != "POST /a/{id}/b" || got.Version != "2.0" {
		t.Errorf("path %q, parameters %v, route %q", got.RawPath, got.PathParameters, got.RouteKey)
	}
	if got.RawQueryString != "p=1&p=2&q=a%2Fb" || got.QueryStringParameters["p"] != "1,2" || got.QueryStringParameters["q"] != "a/b" {
		t.Errorf("query %q, %v", got.RawQueryString, got.QueryStringParameters)
	}
	if got.Headers["x-many"] != "a,b" || len(got.Cookies) != 2 || got.Cookies[1] != "d=2" || got.Headers["cookie"] != "" {
		t.Errorf("headers %v, cookies %q", got.Headers, got.Cookies)
	}
	if got.Body != "ZGF0YT0x" || !got.IsBase64Encoded {
		t.Errorf("a form comes as %q, base64 %t", got.Body, got.IsBase64Encoded)
	}
	if got.RequestContext.HTTP.SourceIP != "127.0.0.1" || got.Headers["x-forwarded-for"] != "192.0.2.1, 127.0.0.1" {
		t.Errorf("from %q, forwarded %q", got.RequestContext.HTTP.SourceIP, got.Headers["x-forwarded-for"])
	}
	ask(t, "POST", s.URL+"/a/1/b", []byte(`{"x":1}`), "Content-Type", "application/json; charset=utf-8")
	if got.Body != `{"x":1}` || got.IsBase64Encoded {
		t.Errorf("JSON comes as %q, base64 %t", got.Body, got.IsBase64Encoded)
	}
	ask(t, "POST", s.URL+"/a/1/b", []byte(`{"x":1}`), "Content-Type", "application/json", "Content-Encoding", "gzip")
	if !got.IsBase64Encoded {
		t.Error("a compressed body comes as text")
	}
}

func TestRoutes(t *testing.T) {
	keys := []string{
		"ANY /track", "POST /track", "ANY /track/", "ANY /{prefix}/track", "GET /api/profiles", "ANY /api/profiles/{id}", "DELETE /api/profiles/{id}",
		"ANY /api/{rest+}", "$default",
	}
	var routes []httpapi.Route
	for _, k := range keys {
		routes = append(routes, httpapi.Route{Key: k})
	}
	a, err := httpapi.New(routes, httpapi.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ method, path, want string }{
		{"POST", "/track", "POST /track"}, {"GET", "/track", "ANY /track"}, {"GET", "/track/", "ANY /track/"},
		{"GET", "/x7/track", "ANY /{prefix}/track"}, {"GET", "/api/track", "ANY /{prefix}/track"},
		{"GET", "/api/profiles", "GET /api/profiles"}, {"POST", "/api/profiles", "ANY /api/{rest+}"},
		{"GET", "/api/profiles/7", "ANY /api/profiles/{id}"}, {"DELETE", "/api/profiles/7", "DELETE /api/profiles/{id}"},
		{"GET", "/api/profiles/7/8", "ANY /api/{rest+}"}, {"GET", "/api/profiles/", "ANY /api/{rest+}"},
		{"GET", "//track/", "$default"}, {"GET", "/", "$default"},
	} {
		if got, ok := a.Match(c.method, c.path); !ok || got != c.want {
			t.Errorf("%s %s goes to %q, want %q", c.method, c.path, got, c.want)
		}
	}
	for _, bad := range [][]httpapi.Route{{{Key: "/track"}}, {{Key: "GET /{a+}/b"}}, {{Key: "GET /{a}"}, {Key: "GET /{b}"}}} {
		if _, err := httpapi.New(bad, httpapi.Options{}); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
}

// What is too large, too much, too slow or broken is answered as API Gateway does.
func TestRefusals(t *testing.T) {
	fails := func(err error) inside {
		return func(context.Context, events.APIGatewayV2HTTPRequest) (any, error) { return nil, err }
	}
	s := serve(t, httpapi.Options{Timeout: 50 * time.Millisecond},
		httpapi.Route{Key: "ANY /dies", Function: fails(&lambdaruntime.FunctionError{Type: "Runtime.ExitError"})},
		httpapi.Route{Key: "ANY /throttled", Function: fails(lambdaruntime.ErrThrottled)},
		httpapi.Route{Key: "ANY /large", Function: fails(lambdaruntime.ErrTooLarge)},
		httpapi.Route{Key: "ANY /slow", Function: inside(func(ctx context.Context, _ events.APIGatewayV2HTTPRequest) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})},
		httpapi.Route{Key: "ANY /once", Throttle: &httpapi.Throttle{Rate: 0.001, Burst: 1}, Function: inside(func(context.Context, events.APIGatewayV2HTTPRequest) (any, error) {
			return "bare", nil
		})},
		httpapi.Route{Key: "ANY /wrong", Function: inside(func(context.Context, events.APIGatewayV2HTTPRequest) (any, error) {
			return map[string]any{"statusCode": "200"}, nil
		})},
	)
	for _, c := range []struct {
		path   string
		body   int
		header string
		status int
	}{
		{"/nothing", 0, "", 404}, {"/dies", 0, "", 500}, {"/throttled", 0, "", 503}, {"/large", 0, "", 413}, {"/slow", 0, "", 503},
		{"/once", httpapi.MaxBodyBytes + 1, "", 413}, {"/once", 0, "", 429}, {"/wrong", 0, "", 500}, {"/nothing", 0, strings.Repeat("x", 10240), 431},
	} {
		if got := ask(t, "POST", s.URL+c.path, make([]byte, c.body), "X-Long", c.header); got.status != c.status || !strings.Contains(got.text, `"message"`) {
			t.Errorf("%s: %d %s, want %d", c.path, got.status, got.text, c.status)
		}
	}
}

// A handler behind the adapter hears and says the same as one behind net/http.
func TestRoundTrip(t *testing.T) {
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
		w.Header().Set("X-Said", r.Method+" "+r.URL.Path+" "+r.URL.Query().Get("q")+" "+r.Header.Get("X-Asked"))
		w.Header().Set("Content-Encoding", "gzip")
		w.WriteHeader(http.StatusTeapot)
		z := gzip.NewWriter(w)
		_, _ = z.Write(body)
		_ = z.Close()
	})
	adapted := apigw.Adapt(echo, apigw.Options{})
	s := serve(t, httpapi.Options{}, httpapi.Route{Key: "$default", Function: inside(func(ctx context.Context, e events.APIGatewayV2HTTPRequest) (any, error) {
		return adapted(ctx, e)
	})})
	plain := httptest.NewServer(echo)
	t.Cleanup(plain.Close)
	for _, body := range []string{"", "text", "\xff\x00binary", strings.Repeat("long ", 1000)} {
		target := "/some/path%20here?q=" + url.QueryEscape("a/b c")
		a := ask(t, "PUT", s.URL+target, []byte(body), "X-Asked", "yes", "Content-Type", "text/plain")
		b := ask(t, "PUT", plain.URL+target, []byte(body), "X-Asked", "yes", "Content-Type", "text/plain")
		if a.text != b.text || a.text != body || a.status != b.status || a.header.Get("X-Said") != b.header.Get("X-Said") ||
			strings.Join(a.header["Set-Cookie"], ";") != strings.Join(b.header["Set-Cookie"], ";") {
			t.Errorf("%+v, want %+v", a, b)
		}
	}
}
