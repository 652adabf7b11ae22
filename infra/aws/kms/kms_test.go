package kms_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"

	"loch/infra/aws/kms"
	"loch/shared/fault"
	"loch/shared/profile"
	"loch/shared/vault"
	"loch/shared/vault/vaulttest"
)

// server stands in for KMS: it speaks its protocol (JSON 1.1), locks with a key for
// each id, and answers with the errors that KMS documents.
type server struct {
	t    *testing.T
	keys map[string]cipher.AEAD
	fail string // an error that it answers with instead
	asks int
}

type ask struct {
	KeyId             string //nolint:revive // KMS's own spelling
	Plaintext         []byte
	CiphertextBlob    []byte
	EncryptionContext map[string]string
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asks++
	var in ask
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		s.t.Error(err)
	}
	if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AK/") {
		s.t.Error("the request is not signed")
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	out, problem := s.answer(r.Header.Get("X-Amz-Target"), &in)
	if s.fail != "" {
		problem = s.fail
	}
	if problem != "" {
		w.WriteHeader(http.StatusBadRequest)
		out = map[string]any{"__type": problem, "message": "arn:aws:kms:secret-arn"}
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (s *server) answer(target string, in *ask) (out map[string]any, problem string) {
	var context []byte
	for _, name := range slices.Sorted(maps.Keys(in.EncryptionContext)) {
		context = fmt.Appendf(context, "%q=%q;", name, in.EncryptionContext[name])
	}
	key, known := s.keys[in.KeyId]
	if !known {
		return nil, "NotFoundException"
	}
	switch target {
	case "TrentService.Encrypt":
		return map[string]any{"KeyId": in.KeyId, "CiphertextBlob": key.Seal([]byte(in.KeyId), nil, in.Plaintext, context)}, ""
	case "TrentService.Decrypt":
		id := ""
		for known := range s.keys {
			if strings.HasPrefix(string(in.CiphertextBlob), known) {
				id = known
			}
		}
		if id == "" {
			return nil, "InvalidCiphertextException"
		}
		if id != in.KeyId {
			return nil, "IncorrectKeyException"
		}
		text, err := key.Open(nil, nil, in.CiphertextBlob[len(id):], context)
		if err != nil {
			return nil, "InvalidCiphertextException"
		}
		return map[string]any{"KeyId": in.KeyId, "Plaintext": text}, ""
	}
	s.t.Errorf("asked for %s", target)
	return nil, "UnknownOperationException"
}

func aead(t *testing.T) cipher.AEAD {
	t.Helper()
	key := make([]byte, 32)
	_, _ = io.ReadFull(rand.Reader, key)
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		t.Fatal(err)
	}
	return gcm
}

const arn, otherARN = "arn:aws:kms:eu-north-1:1:key/a", "arn:aws:kms:eu-north-1:1:key/b"

func open(t *testing.T) (*server, *sdk.Client) {
	t.Helper()
	s := &server{t: t, keys: map[string]cipher.AEAD{arn: aead(t), otherARN: aead(t)}}
	front := httptest.NewServer(s)
	t.Cleanup(front.Close)
	return s, sdk.New(sdk.Options{
		Region: "eu-north-1", BaseEndpoint: aws.String(front.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AK", "SK", ""),
	})
}

func TestWrapper(t *testing.T) {
	_, client := open(t)
	vaulttest.RunWrapper(t, kms.New(client, arn), kms.New(client, otherARN))
}

// Each answer of KMS's becomes a fault that says what to do, and none of them
// repeats KMS's own words.
func TestErrors(t *testing.T) {
	s, client := open(t)
	for problem, want := range map[string]fault.Code{
		"AccessDeniedException": fault.Internal, "NotFoundException": fault.Internal, "DisabledException": fault.Internal,
		"KMSInvalidStateException": fault.Internal, "IncorrectKeyException": fault.Forbidden, "ExpiredTokenException": fault.Internal,
		"ThrottlingException": fault.Unavailable, "KMSInternalException": fault.Unavailable, "DependencyTimeoutException": fault.Unavailable,
		"KeyUnavailableException": fault.Unavailable, "SomethingNewException": fault.Unavailable, "InvalidCiphertextException": fault.Internal,
	} {
		s.fail = problem
		for _, err := range []error{
			func() error { _, err := kms.New(client, arn).Wrap(t.Context(), []byte("k"), nil); return err }(),
			func() error { _, err := kms.New(client, arn).Unwrap(t.Context(), []byte("k"), nil); return err }(),
		} {
			if err == nil || fault.CodeOf(err) != want || strings.Contains(fault.From(err).Error(), "secret-arn") {
				t.Errorf("%s: %v, want %s", problem, err, want)
			}
		}
	}
	dead := sdk.New(sdk.Options{Region: "eu-north-1", BaseEndpoint: aws.String("http://127.0.0.1:1"), RetryMaxAttempts: 1, Credentials: credentials.NewStaticCredentialsProvider("AK", "SK", "")})
	if _, err := kms.New(dead, arn).Wrap(t.Context(), []byte("k"), nil); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("nobody there: %v", err)
	}
}

// Calls grow with instances and projects, not with people or events.
func TestCallsAreFew(t *testing.T) {
	s, client := open(t)
	now := time.Unix(1_795_465_200, 0)
	v, err := vault.Open(t.Context(), vaulttest.NewMemory(), kms.New(client, arn), vault.Options{Rand: rand.Reader, Now: func() time.Time { return now }, CacheFor: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	seal := func() {
		for i := range 200 {
			u := []profile.Update{{Project: "shop", ID: fmt.Sprintf("%032x", i), Ops: []profile.Op{{Kind: profile.Set, Name: "$email", Value: []byte(`"a@example.com"`), Personal: true}}}}
			if err := v.SealUpdates(t.Context(), u); err != nil {
				t.Fatal(err)
			}
		}
	}
	before := s.asks
	seal()
	if n := s.asks - before; n > 2 {
		t.Errorf("%d calls to make and open one project's key", n)
	}
	now = now.Add(2 * time.Minute)
	before = s.asks
	seal()
	if n := s.asks - before; n != 1 {
		t.Errorf("%d calls two minutes later, want 1", n)
	}
}
