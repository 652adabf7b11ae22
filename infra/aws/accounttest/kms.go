package accounttest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

var random = rand.Reader

// KMS stands for KMS: it locks under a key of its own for each key's ARN, bound to the
// encryption context, and counts how often it is asked.
type KMS struct {
	url  string
	seal cipher.AEAD
	asks atomic.Int64
}

// Asks tells how often KMS was asked.
func (k *KMS) Asks() int64 { return k.asks.Load() }

func startKMS(t testing.TB) *KMS {
	t.Helper()
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	seal, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		t.Fatal(err)
	}
	k := &KMS{seal: seal}
	front := httptest.NewServer(k)
	t.Cleanup(front.Close)
	k.url = front.URL
	return k
}

// ServeHTTP implements http.Handler.
func (k *KMS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.asks.Add(1)
	var in struct {
		KeyId                     string //nolint:revive // KMS's own spelling
		Plaintext, CiphertextBlob []byte
		EncryptionContext         map[string]string
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	refuse := func(kind string) {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": kind})
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		refuse("ValidationException")
		return
	}
	bound := []byte(in.KeyId)
	for _, name := range slices.Sorted(maps.Keys(in.EncryptionContext)) {
		bound = fmt.Appendf(bound, ";%q=%q", name, in.EncryptionContext[name])
	}
	out := map[string]any{"KeyId": in.KeyId}
	switch _, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "."); operation {
	case "Encrypt":
		out["CiphertextBlob"] = k.seal.Seal(nil, nil, in.Plaintext, bound)
	case "Decrypt":
		text, err := k.seal.Open(nil, nil, in.CiphertextBlob, bound)
		if err != nil {
			refuse("InvalidCiphertextException")
			return
		}
		out["Plaintext"] = text
	default:
		refuse("UnknownOperationException")
		return
	}
	_ = json.NewEncoder(w).Encode(out)
}
