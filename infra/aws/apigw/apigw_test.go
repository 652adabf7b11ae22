package apigw_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"loch/infra/aws/apigw"
)

// pageView is an event as an HTTP API sends it, in its documented shape: a beacon
// of a browser's SDK through CloudFront.
const pageView = `{"version":"2.0","routeKey":"ANY /{proxy+}","rawPath":"/track/","rawQueryString":"verbose=1&ip=1&x=a%2Fb&x=c+d",
"cookies":["a=1","b=2"],
"headers":{"accept":"*/*","content-type":"application/x-www-form-urlencoded","host":"abc.execute-api.eu-north-1.amazonaws.com",
"cloudfront-viewer-address":"2001:db8::7:4711","cloudfront-viewer-country":"SE","x-loch-origin":"shared","x-forwarded-for":"203.0.113.9, 198.51.100.4",
"sec-ch-ua":"\"A\";v=\"1\", \"B\";v=\"2\"","user-agent":"Mozilla/5.0"},
"requestContext":{"accountId":"1","apiId":"abc","domainName":"abc.execute-api.eu-north-1.amazonaws.com","http":{"method":"POST","path":"/track/",
"protocol":"HTTP/1.1","sourceIp":"198.51.100.4","userAgent":"Mozilla/5.0"},"requestId":"r1","stage":"$default"},
"body":"ZGF0YT1XeTRnJTNE","isBase64Encoded":true}`

func event(t testing.TB, text string) (e events.APIGatewayV2HTTPRequest) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// served is the request that a handler gets for an event.
func served(t testing.TB, e events.APIGatewayV2HTTPRequest, o apigw.Options) (r *http.Request, body string) {
	t.Helper()
	h := apigw.Adapt(http.HandlerFunc(func(_ http.ResponseWriter, got *http.Request) {
		b, err := io.ReadAll(got.Body)
		if err != nil {
			t.Error(err)
		}
		r, body = got, string(b)
	}), o)
	if _, err := h(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	return r, body
}

func TestRequest(t *testing.T) {
	r, body := served(t, event(t, pageView), apigw.Options{OriginSecret: "shared"})
	if body != "data=Wy4g%3D" || r.ContentLength != int64(len(body)) || r.Method != "POST" || r.URL.Path != "/track/" {
		t.Errorf("%s %s with %d bytes: %s", r.Method, r.URL, r.ContentLength, body)
	}
	if q := r.URL.Query(); q.Get("verbose") != "1" || len(q["x"]) != 2 || q["x"][0] != "a/b" || q["x"][1] != "c d" {
		t.Errorf("query %v", q)
	}
	if c, err := r.Cookie("b"); err != nil || c.Value != "2" {
		t.Errorf("cookies %q", r.Header["Cookie"])
	}
	if r.RemoteAddr != "[2001:db8::7]:4711" || r.Header.Get("Cloudfront-Viewer-Country") != "SE" {
		t.Errorf("from %s, %v", r.RemoteAddr, r.Header)
	}
	if r.Host != "abc.execute-api.eu-north-1.amazonaws.com" || r.Header.Get("Host") != "" || !strings.Contains(r.Header.Get("Sec-Ch-Ua"), `"B";v="2"`) {
		t.Errorf("host %q, headers %v", r.Host, r.Header)
	}
}

// CloudFront's headers are believed with the shared secret alone, and neither the
// secret nor a forwarding address goes on to a handler.
func TestWhoIsBelieved(t *testing.T) {
	for name, c := range map[string]struct {
		secret, sent, from string
		country            string
	}{
		"the secret":          {"shared", "shared", "[2001:db8::7]:4711", "SE"},
		"another":             {"other", "shared", "198.51.100.4:0", ""},
		"none sent":           {"shared", "", "198.51.100.4:0", ""},
		"none set":            {"", "", "198.51.100.4:0", ""},
		"none set, one sent":  {"", "shared", "198.51.100.4:0", ""},
		"the beginning of it": {"shared", "share", "198.51.100.4:0", ""},
	} {
		e := event(t, pageView)
		e.Headers["x-loch-origin"] = c.sent
		r, _ := served(t, e, apigw.Options{OriginSecret: c.secret})
		if r.RemoteAddr != c.from || r.Header.Get("Cloudfront-Viewer-Country") != c.country {
			t.Errorf("%s: from %s, country %q", name, r.RemoteAddr, r.Header.Get("Cloudfront-Viewer-Country"))
		}
		if r.Header.Get("X-Loch-Origin") != "" || r.Header.Get("X-Forwarded-For") != "" {
			t.Errorf("%s: handed on %v", name, r.Header)
		}
	}
	e := event(t, pageView)
	e.Headers["cloudfront-viewer-address"] = "nonsense"
	if r, _ := served(t, e, apigw.Options{OriginSecret: "shared"}); r.RemoteAddr != "198.51.100.4:0" {
		t.Errorf("an address that is none: from %s", r.RemoteAddr)
	}

	// Behind the distribution's function, whatever else names an address is the client's.
	for sent, want := range map[string]string{"shared": "[2001:db8::99]:0", "guessed": "198.51.100.4:0"} {
		e := event(t, pageView)
		e.Headers["x-loch-origin"], e.Headers["x-loch-viewer"] = sent, "2001:db8::99"
		r, _ := served(t, e, apigw.Options{OriginSecret: "shared"})
		if r.RemoteAddr != want || r.Header.Get("X-Loch-Viewer") != "" || r.Header.Get("Cloudfront-Viewer-Country") != "" {
			t.Errorf("with the secret %s: from %s, %v", sent, r.RemoteAddr, r.Header)
		}
	}
}

// An HTTP API hands on the path decoded; what a handler reads is what was meant.
func TestPaths(t *testing.T) {
	for _, c := range []struct{ raw, stage, path string }{
		{"/track", "$default", "/track"}, {"", "$default", "/"}, {"/track/", "$default", "/track/"},
		{"/prod/track", "prod", "/track"}, {"/prod", "prod", "/"}, {"/production/x", "prod", "/production/x"}, {"/track", "", "/track"},
		{"/api/profiles/Zoë é", "$default", "/api/profiles/Zoë é"}, {"/api/profiles/100%", "$default", "/api/profiles/100%"},
		{"/api/profiles/Zo%C3%AB", "$default", "/api/profiles/Zoë"}, {"/api/profiles/a#b", "$default", "/api/profiles/a#b"},
		{"/api/profiles/%zz", "$default", "/api/profiles/%zz"},
	} {
		e := event(t, pageView)
		e.RawPath, e.RequestContext.Stage = c.raw, c.stage
		r, _ := served(t, e, apigw.Options{})
		if r == nil || r.URL.Path != c.path || r.URL.RawQuery != e.RawQueryString {
			t.Errorf("%q in stage %q: %v, want %q", c.raw, c.stage, r, c.path)
		}
	}
}

func answered(t testing.TB, e events.APIGatewayV2HTTPRequest, h http.HandlerFunc) events.APIGatewayV2HTTPResponse {
	t.Helper()
	out, err := apigw.Adapt(h, apigw.Options{})(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAnswers(t *testing.T) {
	e := event(t, pageView)
	out := answered(t, e, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Vary", "Origin")
		w.Header().Add("Vary", "Accept-Encoding")
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Content-Length", "99")
		w.WriteHeader(http.StatusAccepted)
		w.WriteHeader(http.StatusTeapot)
		w.Header().Set("Too-Late", "1")
		_, _ = io.WriteString(w, `{"ü":1}`)
	})
	if out.StatusCode != 202 || out.Body != `{"ü":1}` || out.IsBase64Encoded || out.Headers["Vary"] != "Origin, Accept-Encoding" ||
		len(out.Cookies) != 2 || out.Headers["Too-Late"] != "" || out.Headers["Content-Length"] != "" {
		t.Errorf("%+v", out)
	}
	for name, h := range map[string]http.HandlerFunc{
		"an image": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "image/gif")
			_, _ = io.WriteString(w, "GIF89a\x00")
		},
		"gzip": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, "GIF89a\x00")
		},
		"no text": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, "GIF89a\x00\xff")
		},
		"of no type": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "GIF89a\x00") },
	} {
		out := answered(t, e, h)
		if b, err := base64.StdEncoding.DecodeString(out.Body); err != nil || !out.IsBase64Encoded || !strings.HasPrefix(string(b), "GIF89a\x00") || out.StatusCode != 200 || out.Headers["Content-Type"] == "" {
			t.Errorf("%s: %+v", name, out)
		}
	}
	if out := answered(t, e, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }); out.StatusCode != 204 || out.Body != "" {
		t.Errorf("%+v", out)
	}
	e.RequestContext.HTTP.Method = http.MethodHead
	if out := answered(t, e, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x") }); out.Body != "" || out.StatusCode != 200 {
		t.Errorf("HEAD: %+v", out)
	}
}

// What cannot be handed over is said in words, not by API Gateway's bare 500.
func TestRefusals(t *testing.T) {
	e := event(t, pageView)
	out := answered(t, e, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "https://shop.example")
		w.Header().Set("Content-Type", "text/csv")
		for range 7 << 10 {
			_, _ = w.Write(make([]byte, 1<<10))
		}
	})
	if out.StatusCode != 413 || !strings.Contains(out.Body, "too_large") || out.Headers["Access-Control-Allow-Origin"] == "" ||
		!strings.HasPrefix(out.Headers["Content-Type"], "application/json") {
		t.Errorf("%d %v %.200s", out.StatusCode, out.Headers, out.Body)
	}
	e.Body = "not base64!"
	if out := answered(t, e, func(http.ResponseWriter, *http.Request) { t.Error("was handed on") }); out.StatusCode != 400 {
		t.Errorf("%+v", out)
	}
}

// FuzzPath wants any path to be served, with the query as it came.
func FuzzPath(f *testing.F) {
	f.Add("/a%2fb", "x=1")
	f.Add("//%%zz?#", "")
	f.Fuzz(func(t *testing.T, path, query string) {
		e := event(t, pageView)
		e.RawPath, e.RawQueryString = path, query
		r, _ := served(t, e, apigw.Options{})
		if r == nil || r.URL.RawQuery != query || !strings.HasPrefix(r.URL.EscapedPath(), "/") && strings.HasPrefix(path, "/") {
			t.Errorf("%q became %v", path, r)
		}
	})
}
