// Package apigw turns the requests of API Gateway's HTTP API (payload format 2.0)
// into ordinary HTTP requests, and the answers back.
//
// The handlers of functions/ do not know where they run: on one machine net/http
// calls them, on AWS this package does. Where the two differ is written here, once:
// bodies come as text or as base64, repeated headers as one line with commas,
// cookies apart, the path with its escapes undone.
//
// Source of the rules: API Gateway's developer guide, "Working with AWS Lambda
// proxy integrations for HTTP APIs", and the payloads that it really sends.
package apigw

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"loch/shared/fault"
	"loch/shared/web"
)

// Options say what to believe of what stands before API Gateway.
type Options struct {
	// OriginSecret is what a CloudFront distribution sends in the header
	// X-Loch-Origin of each request. Only where it is equal are CloudFront's
	// headers believed: the viewer's address, and what it tells of the viewer's
	// place. Anybody who finds API Gateway's own address could write them else.
	// Empty believes none.
	OriginSecret string
}

// originHeader is the header of Options.OriginSecret. No handler ever sees it.
const originHeader = "x-loch-origin"

// Handler is what aws-lambda-go calls for each request.
type Handler func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error)

// Adapt returns the Lambda handler that serves requests by h. It never returns an
// error: a request that cannot be read is answered, like all others. The context's
// deadline is the function's.
func Adapt(h http.Handler, o Options) Handler {
	return func(ctx context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		w := newAnswer()
		r, err := request(ctx, &e, o)
		if err != nil {
			web.WriteError(w, &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/"}}, err)
		} else {
			h.ServeHTTP(w, r)
		}
		return w.event(r), nil
	}
}

// request makes an HTTP request of an event.
func request(ctx context.Context, e *events.APIGatewayV2HTTPRequest, o Options) (*http.Request, error) {
	var body io.ReadCloser = http.NoBody
	length := int64(len(e.Body))
	switch {
	case e.Body == "":
	case e.IsBase64Encoded:
		decoded, err := base64.StdEncoding.DecodeString(e.Body)
		if err != nil {
			return nil, fault.New(fault.Invalid, "the body is marked as base64 and is none; the integration of the API is not payload format 2.0")
		}
		body, length = io.NopCloser(bytes.NewReader(decoded)), int64(len(decoded))
	default:
		body = io.NopCloser(strings.NewReader(e.Body))
	}
	path := pathOf(e)
	target := &url.URL{RawQuery: e.RawQueryString}
	var err error
	if target.Path, err = url.PathUnescape(path); err != nil {
		return nil, fault.New(fault.Invalid, "the path is not escaped as a URL's")
	}
	target.RawPath = path
	header := headers(e)
	address, trusted := fromCloudFront(header, o)
	r := &http.Request{
		Method: e.RequestContext.HTTP.Method, URL: target, RequestURI: target.RequestURI(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Host: host(e, header), Body: body, ContentLength: length,
		RemoteAddr: remote(e, header, address, trusted),
	}
	return r.WithContext(ctx), nil
}

// pathOf is the path as a client escaped it, as far as that can be told. An HTTP
// API hands on the path decoded once (REST APIs and function URLs do not), so what
// can stand in a path decoded only is escaped again: a blank, a letter beyond
// ASCII, a percent sign without digits. A slash or question mark that was escaped
// cannot be told from one that was not; routes that take such ids take them in the
// query as well, which comes untouched.
func pathOf(e *events.APIGatewayV2HTTPRequest) string {
	path := e.RawPath
	// A stage other than $default stands before the path.
	if s := e.RequestContext.Stage; s != "" && s != "$default" {
		if rest, ok := strings.CutPrefix(path, "/"+s); ok && (rest == "" || rest[0] == '/') {
			path = rest
		}
	}
	if path == "" {
		return "/"
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		if c > ' ' && c < 0x7f && c != '?' && c != '#' && (c != '%' || isEscape(path[i:])) {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', hex[c>>4], hex[c&15]})
	}
	return b.String()
}

func isEscape(s string) bool { return len(s) >= 3 && isHex(s[1]) && isHex(s[2]) }

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }

// headers are the headers as net/http has them. API Gateway joins repeated ones
// with commas, as HTTP allows for all but cookies, which come apart.
func headers(e *events.APIGatewayV2HTTPRequest) http.Header {
	h := make(http.Header, len(e.Headers)+1)
	for name, value := range e.Headers {
		h.Set(name, value)
	}
	if len(e.Cookies) > 0 {
		h.Set("Cookie", strings.Join(e.Cookies, "; "))
	}
	return h
}

func host(e *events.APIGatewayV2HTTPRequest, h http.Header) string {
	if named := h.Get("Host"); named != "" {
		h.Del("Host") // net/http keeps it apart
		return named
	}
	return e.RequestContext.DomainName
}

// remote is the address that the request came from, in the form of net/http.
func remote(e *events.APIGatewayV2HTTPRequest, h http.Header, address string, trusted bool) string {
	if at, err := netip.ParseAddr(address); err == nil {
		return net.JoinHostPort(at.String(), "0")
	}
	if trusted {
		if at, ok := viewer(h.Get("Cloudfront-Viewer-Address")); ok {
			return at
		}
	}
	at, err := netip.ParseAddr(e.RequestContext.HTTP.SourceIP)
	if err != nil {
		return ""
	}
	return net.JoinHostPort(at.String(), "0")
}

// viewer reads CloudFront-Viewer-Address: address, colon, port, with no brackets
// around an IPv6 address.
func viewer(s string) (string, bool) {
	colon := strings.LastIndexByte(s, ':')
	if colon < 0 {
		return "", false
	}
	at, err := netip.ParseAddr(strings.Trim(s[:colon], "[]"))
	if err != nil {
		return "", false
	}
	return net.JoinHostPort(at.String(), s[colon+1:]), true
}
