package httpapi

import (
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

const domain = "loch0test0.execute-api.us-east-1.amazonaws.com"

// eventOf is the event of payload format 2.0 that a function gets.
func eventOf(r *http.Request, found *route, values map[string]string, body []byte, id string) events.APIGatewayV2HTTPRequest {
	now := time.Now().UTC()
	source, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		source = r.RemoteAddr
	}
	// What a client says of others stands before what API Gateway saw itself.
	forwarded := source
	if said := r.Header.Values("X-Forwarded-For"); len(said) > 0 {
		forwarded = strings.Join(said, ",") + ", " + source
	}
	e := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: found.Key, RawPath: r.URL.Path, RawQueryString: r.URL.RawQuery,
		Headers: map[string]string{}, PathParameters: values, QueryStringParameters: query(r.URL.RawQuery),
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: found.Key, AccountID: "123456789012", APIID: "loch0test0", Stage: "$default", RequestID: id,
			DomainName: domain, DomainPrefix: "loch0test0",
			Time: now.Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method: r.Method, Path: r.URL.Path, Protocol: r.Proto, SourceIP: source, UserAgent: r.UserAgent(),
			},
		},
	}
	for name, given := range r.Header {
		switch name {
		case "Cookie":
			for _, line := range given {
				for c := range strings.SplitSeq(line, ";") {
					e.Cookies = append(e.Cookies, strings.TrimSpace(c))
				}
			}
		case "Connection", "Transfer-Encoding", "Upgrade", "Keep-Alive", "Te", "Trailer":
			// They end at API Gateway.
		default:
			e.Headers[strings.ToLower(name)] = strings.Join(given, ",")
		}
	}
	e.Headers["host"] = domain
	e.Headers["x-forwarded-for"] = forwarded
	e.Headers["x-forwarded-proto"] = "https"
	e.Headers["x-forwarded-port"] = "443"
	e.Headers["x-amzn-trace-id"] = "Root=1-00000000-000000000000000000000000"
	e.Headers["content-length"] = strconv.Itoa(len(body))
	if len(body) > 0 {
		if isText(r.Header) && utf8.Valid(body) {
			e.Body = string(body)
		} else {
			e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
		}
	}
	return e
}

// isText tells which bodies come as they are: text, JSON, JavaScript and XML that
// is not compressed. Forms come as base64.
func isText(h http.Header) bool {
	if h.Get("Content-Encoding") != "" {
		return false
	}
	mime, _, _ := strings.Cut(strings.ToLower(h.Get("Content-Type")), ";")
	mime = strings.TrimSpace(mime)
	switch mime {
	case "application/json", "application/javascript", "application/xml":
		return true
	}
	return strings.HasPrefix(mime, "text/") || strings.HasSuffix(mime, "+json") || strings.HasSuffix(mime, "+xml")
}

// query joins the values of a parameter that is there several times with commas.
func query(raw string) map[string]string {
	values, _ := url.ParseQuery(raw) // what cannot be read is left out
	if len(values) == 0 {
		return nil
	}
	out := map[string]string{}
	for name, v := range values {
		out[name] = strings.Join(v, ",")
	}
	return out
}

// write turns a function's answer into an HTTP answer. One without a status code
// is, by format 2.0, a body of JSON; one that is no JSON is a mistake.
func write(w http.ResponseWriter, r *http.Request, answer []byte) {
	var a struct {
		StatusCode      *int              `json:"statusCode"`
		Headers         map[string]string `json:"headers"`
		Body            string            `json:"body"`
		IsBase64Encoded bool              `json:"isBase64Encoded"`
		Cookies         []string          `json:"cookies"`
	}
	if err := json.Unmarshal(answer, &a); err != nil || a.StatusCode == nil {
		if !json.Valid(answer) || a.StatusCode != nil {
			say(w, http.StatusInternalServerError, "Internal Server Error")
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer)
		return
	}
	body := []byte(a.Body)
	if a.IsBase64Encoded {
		decoded, err := base64.StdEncoding.DecodeString(a.Body)
		if err != nil {
			say(w, http.StatusInternalServerError, "Internal Server Error")
			return
		}
		body = decoded
	}
	h := w.Header()
	for name, value := range a.Headers {
		h.Set(name, value)
	}
	for _, c := range a.Cookies {
		h.Add("Set-Cookie", c)
	}
	if h.Get("Content-Type") == "" && len(body) > 0 {
		h.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	h.Set("Apigw-Requestid", "r")
	if r.Method != http.MethodHead {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(*a.StatusCode)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that went away is nobody's error
	}
}
