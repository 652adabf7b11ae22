package stack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	signer "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"loch/shared/fault"
)

const (
	tries     = 4
	firstWait = 300 * time.Millisecond
	maxAnswer = 16 << 20
)

// request is one call of AWS.
type request struct {
	of      service
	method  string
	path    string // with a slash before it, and with its query
	headers map[string]string
	body    []byte
}

// json calls an operation by the protocol in which a header names it. in and out are
// JSON documents with AWS's own names.
func (a *Access) json(ctx context.Context, of service, version, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	answer, err := a.call(ctx, &request{of: of, method: http.MethodPost, path: "/", body: body, headers: map[string]string{
		"Content-Type": "application/x-amz-json-" + version, "X-Amz-Target": operation,
	}})
	if err != nil {
		return err
	}
	return understand(json.Unmarshal(answer, out))
}

// query calls an operation by the protocol in which a form names it, which answers in
// XML.
func (a *Access) query(ctx context.Context, of service, version, operation string, in url.Values, out any) error {
	in.Set("Action", operation)
	in.Set("Version", version)
	answer, err := a.call(ctx, &request{of: of, method: http.MethodPost, path: "/", body: []byte(in.Encode()), headers: map[string]string{
		"Content-Type": "application/x-www-form-urlencoded",
	}})
	if err != nil {
		return err
	}
	return understand(xml.Unmarshal(answer, out))
}

// get reads a resource by its path.
func (a *Access) get(ctx context.Context, of service, path string, decode func([]byte, any) error, out any) error {
	answer, err := a.call(ctx, &request{of: of, method: http.MethodGet, path: path})
	if err != nil {
		return err
	}
	return understand(decode(answer, out))
}

func understand(err error) error {
	if err != nil {
		return fault.Wrap(err, fault.Internal, "AWS's answer cannot be read; a newer loch may")
	}
	return nil
}

// call signs a request, and makes it again where AWS is busy. All that are made here
// only read.
func (a *Access) call(ctx context.Context, r *request) ([]byte, error) {
	wait := firstWait
	for try := 1; ; try++ {
		answer, err := a.once(ctx, r)
		if err == nil || try == tries || !passing(err) {
			return answer, err
		}
		if err := a.Sleep(ctx, wait); err != nil {
			return nil, err
		}
		wait *= 2
	}
}

func (a *Access) once(ctx context.Context, r *request) ([]byte, error) {
	q, err := http.NewRequestWithContext(ctx, r.method, a.address(r.of)+r.path, bytes.NewReader(r.body))
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "the address of "+r.of.id+" is none")
	}
	for name, value := range r.headers {
		q.Header.Set(name, value)
	}
	sum := sha256.Sum256(r.body)
	hash := hex.EncodeToString(sum[:])
	who, err := a.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, noCredentials(err)
	}
	s3 := r.of == objects
	if s3 {
		q.Header.Set("X-Amz-Content-Sha256", hash)
	}
	// S3 alone wants a path as it is sent.
	err = signer.NewSigner().SignHTTP(ctx, who, q, hash, r.of.signed, a.regionOf(r.of), a.Now(), func(o *signer.SignerOptions) { o.DisableURIPathEscaping = s3 })
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "a request to "+r.of.id+" cannot be signed")
	}
	response, err := a.HTTP.Do(q)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fault.Wrap(err, fault.Unavailable, r.of.id+" cannot be reached in "+a.regionOf(r.of)+"; is the region right, and the network there?")
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "an answer of "+r.of.id+" broke off")
	}
	if response.StatusCode/100 != 2 {
		return nil, refusal(r, response, answer)
	}
	return answer, nil
}

// Refused is AWS's no.
type Refused struct {
	Service string // "Firehose"
	Status  int
	Code    string // AWS's: "AccessDeniedException"
	Message string // AWS's own words, which may name resources and roles of the account
}

// Error returns the code, and AWS's words where they say more.
func (r *Refused) Error() string {
	words := r.Service + " answers " + r.Code
	if r.Message != "" {
		words += ": " + r.Message
	}
	return words
}

// refusal reads an error by the protocol in which it came.
func refusal(r *request, response *http.Response, answer []byte) error {
	out := &Refused{Service: r.of.id, Status: response.StatusCode, Code: response.Header.Get("X-Amzn-Errortype")}
	var inJSON struct {
		Type     string `json:"__type"`
		Code     string `json:"code"`
		Message  string `json:"message"`
		Message2 string `json:"Message"`
	}
	var inXML struct {
		Code    string `xml:"Code"`
		Message string `xml:"Message"`
		Error   struct {
			Code    string `xml:"Code"`
			Message string `xml:"Message"`
		} `xml:"Error"`
	}
	switch {
	case json.Unmarshal(answer, &inJSON) == nil:
		out.Code = first(out.Code, inJSON.Type, inJSON.Code)
		out.Message = first(inJSON.Message, inJSON.Message2)
	case xml.Unmarshal(answer, &inXML) == nil:
		out.Code = first(out.Code, inXML.Error.Code, inXML.Code)
		out.Message = first(inXML.Error.Message, inXML.Message)
	}
	// "com.amazonaws.dynamodb#ResourceNotFoundException" and "X:http://…" are X.
	if _, name, ok := strings.Cut(out.Code, "#"); ok {
		out.Code = name
	}
	out.Code, _, _ = strings.Cut(out.Code, ":")
	out.Code = first(out.Code, http.StatusText(response.StatusCode))
	return out
}

func first(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

// passing says whether the same call may fare better in a moment.
func passing(err error) bool {
	if r, ok := errors.AsType[*Refused](err); ok {
		return r.Status >= 500 || r.Status == http.StatusTooManyRequests ||
			strings.Contains(r.Code, "Throttl") || r.Code == "RequestLimitExceeded" || r.Code == "SlowDown"
	}
	return fault.CodeOf(err) == fault.Unavailable
}

// denied says that AWS knows who asks, and that they may not.
func denied(err error) bool {
	r, ok := errors.AsType[*Refused](err)
	return ok && (strings.HasPrefix(r.Code, "AccessDenied") || strings.HasPrefix(r.Code, "AuthorizationError") ||
		r.Code == "UnauthorizedOperation" || r.Code == "Forbidden")
}

// absent says that there is no such thing in the account.
func absent(err error) bool {
	r, ok := errors.AsType[*Refused](err)
	return ok && (r.Status == http.StatusNotFound || strings.Contains(r.Code, "NotFound") || strings.HasPrefix(r.Code, "NoSuch") ||
		r.Code == "EntityNotFoundException" || r.Code == "MetadataException" && strings.Contains(r.Message, "EntityNotFound"))
}

// stranger says that AWS does not take the credentials at all.
func stranger(err error) bool {
	r, ok := errors.AsType[*Refused](err)
	if !ok {
		return false
	}
	switch r.Code {
	case "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "InvalidAccessKeyId", "UnrecognizedClientException", "SignatureDoesNotMatch",
		"InvalidSignatureException", "MissingAuthenticationToken", "IncompleteSignature", "RequestExpired", "AuthFailure":
		return true
	}
	return false
}

func noCredentials(err error) error {
	return fault.Wrap(err, fault.Unauthorized, "there are no credentials for AWS that work; see aws configure, or aws sso login, or choose others with --profile")
}
