package apigw

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"loch/shared/fault"
	"loch/shared/web"
)

// maxAnswerBytes is what Lambda takes as an answer (6 MB), less room for the
// headers and the JSON around them. API Gateway answers what is longer with a bare
// 500, which tells nobody how to mend it.
const maxAnswerBytes = 6<<20 - 64<<10

// answer collects what a handler writes.
type answer struct {
	header http.Header
	sent   http.Header // as it was when the answer began
	status int
	body   bytes.Buffer
}

func newAnswer() *answer { return &answer{header: http.Header{}} }

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter. What changes in the headers later
// does not count, as in net/http; hints (1xx) cannot be sent and are left out.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.status, a.sent = status, a.header.Clone()
	}
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

// event is the answer as API Gateway wants it.
func (a *answer) event(r *http.Request) events.APIGatewayV2HTTPResponse {
	a.WriteHeader(http.StatusOK)
	body, encoded := encode(a.sent, a.body.Bytes())
	if len(body) > maxAnswerBytes {
		a = tooLong(r, a.sent)
		body, encoded = encode(a.sent, a.body.Bytes())
	}
	if a.body.Len() > 0 && a.sent.Get("Content-Type") == "" {
		a.sent.Set("Content-Type", http.DetectContentType(a.body.Bytes()))
	}
	e := events.APIGatewayV2HTTPResponse{StatusCode: a.status, Headers: map[string]string{}, Cookies: a.sent["Set-Cookie"]}
	for name, values := range a.sent {
		switch name {
		case "Set-Cookie":
		case "Content-Length", "Connection", "Transfer-Encoding":
			// API Gateway writes these itself.
		default:
			e.Headers[name] = strings.Join(values, ", ")
		}
	}
	if r != nil && r.Method == http.MethodHead || !mayHaveBody(a.status) {
		return e
	}
	e.Body, e.IsBase64Encoded = body, encoded
	return e
}

func mayHaveBody(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// tooLong stands for an answer that Lambda would not take, for the same readers:
// what CORS said of the origin stays.
func tooLong(r *http.Request, sent http.Header) *answer {
	a := newAnswer()
	for name, values := range sent {
		if strings.HasPrefix(name, "Access-Control-") || name == "Vary" || name == "X-Request-Id" {
			a.header[name] = values
		}
	}
	web.WriteError(a, r, fault.Newf(fault.TooLarge,
		"the answer is over %d bytes, which is the most that Lambda hands on; ask for fewer rows, or for gzip with Accept-Encoding", maxAnswerBytes))
	return a
}

// encode tells whether the body goes as text or as base64: as text only what is
// text as a whole and not compressed.
func encode(h http.Header, body []byte) (text string, encoded bool) {
	if h.Get("Content-Encoding") == "" && isText(h.Get("Content-Type")) && utf8.Valid(body) {
		return string(body), false
	}
	return base64.StdEncoding.EncodeToString(body), len(body) > 0
}

func isText(contentType string) bool {
	mime, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	mime = strings.TrimSpace(mime)
	switch mime {
	case "", "application/json", "application/javascript", "application/x-ndjson", "application/xml", "image/svg+xml":
		return mime != ""
	}
	return strings.HasPrefix(mime, "text/")
}
