package local_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"

	"loch/infra/aws/dynamo"
	"loch/shared/audit"
	"loch/shared/audit/audittest"
	"loch/shared/fault"
	"loch/shared/profile"
	"loch/shared/profile/profiletest"
	"loch/shared/vault"
	"loch/shared/vault/vaulttest"
)

// faults stands between a client and DynamoDB Local, and has calls fail as DynamoDB's
// do: throttled, failing inside, never answered, or answered after they were done and
// the answer lost; and batches of which a part is left over.
type faults struct {
	mu    sync.Mutex
	r     *rand.Rand
	every int            // one call in so many fails
	kinds map[string]int // how often each fault was made
}

func newFaults(t *testing.T, every int) *faults {
	seed := rand.Uint64()
	f := &faults{r: rand.New(rand.NewPCG(seed, 3)), every: every, kinds: map[string]int{}}
	t.Cleanup(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		t.Logf("seed %d, faults %v", seed, f.kinds)
		for _, kind := range []string{"throttled", "failed", "dropped", "answer lost", "failed after"} {
			if f.kinds[kind] == 0 {
				t.Errorf("no call was ever %s", kind)
			}
		}
	})
	return f
}

// draw decides what becomes of a call.
func (f *faults) draw() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.r.IntN(f.every) != 0 {
		return ""
	}
	kind := [...]string{"throttled", "failed", "dropped", "answer lost", "failed after"}[f.r.IntN(5)]
	f.kinds[kind]++
	return kind
}

func (f *faults) coin() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.r.IntN(2) == 0
}

var errDropped = errors.New("the connection was lost")

func (f *faults) RoundTrip(r *http.Request) (*http.Response, error) {
	switch f.draw() {
	case "throttled":
		return answer(r, http.StatusBadRequest, "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"), nil
	case "failed":
		return answer(r, http.StatusInternalServerError, "com.amazonaws.dynamodb.v20120810#InternalServerError"), nil
	case "dropped":
		return nil, errDropped
	case "answer lost":
		if out, err := transport.RoundTrip(r); err == nil {
			out.Body.Close()
		}
		return nil, errDropped
	case "failed after":
		if out, err := transport.RoundTrip(r); err == nil {
			out.Body.Close()
		}
		return answer(r, http.StatusServiceUnavailable, "com.amazonaws.dynamodb.v20120810#ServiceUnavailable"), nil
	}
	if strings.Contains(r.Header.Get("X-Amz-Target"), ".Batch") && f.coin() {
		return f.part(r)
	}
	return transport.RoundTrip(r)
}

// answer is one of DynamoDB's errors.
func answer(r *http.Request, status int, kind string) *http.Response {
	body := fmt.Sprintf(`{"__type":%q,"message":"made by the test"}`, kind)
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

const oneInSoMany = 12

// The contracts hold whatever happens to the calls: nothing is lost, and nothing counts
// twice.
func TestProfilesThroughFaults(t *testing.T) {
	t.Parallel()
	f := newFaults(t, oneInSoMany)
	profiletest.Run(t, func(t *testing.T) profiletest.Store {
		api := account(t, f)
		return store{dynamo.NewProfiles(api, options()), api}
	}, reopenProfiles)
}

func TestVaultThroughFaults(t *testing.T) {
	t.Parallel()
	f := newFaults(t, oneInSoMany)
	vaulttest.Run(t, func(t *testing.T) vault.Store {
		api := account(t, f)
		return vaultStore{dynamo.NewVault(api, options()), api}
	}, reopenVault)
}

func TestLedgerThroughFaults(t *testing.T) {
	t.Parallel()
	f := newFaults(t, oneInSoMany)
	audittest.Run(t, func(t *testing.T) audit.Store {
		api := account(t, f)
		return ledger{dynamo.NewLedger(api, options()), api}
	}, reopenLedger)
}

// A table that throttles for good is told of in time, in words that say what to do.
func TestThrottledForGood(t *testing.T) {
	t.Parallel()
	f := &faults{r: rand.New(rand.NewPCG(1, 1)), every: 1, kinds: map[string]int{}}
	s := dynamo.NewProfiles(account(t, f), options())
	ctx, cancel := context.WithTimeout(t.Context(), 300_000_000)
	defer cancel()
	_, err := s.Apply(ctx, profile.Changes{Updates: []profile.Update{{Project: "shop", ID: "ann", TimeMS: 1, Empty: true}}})
	if fault.CodeOf(err) != fault.Unavailable || strings.Contains(fault.From(err).Error(), "made by") {
		t.Errorf("%v", err)
	}
}

// An account without the tables is told of at once.
func TestNoTables(t *testing.T) {
	t.Parallel()
	o := options()
	o.Prefix = "another"
	_, err := dynamo.NewProfiles(account(t, nil), o).Get(t.Context(), "shop", "ann")
	if fault.CodeOf(err) != fault.Forbidden || !strings.Contains(err.Error(), "prefix") {
		t.Errorf("%v", err)
	}
}

// part lets a batch do half of what it says, as DynamoDB does under load.
func (f *faults) part(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	half, rest, ok := halve(body)
	if !ok {
		half = body
	}
	// The signature is of the whole; DynamoDB Local does not look at it.
	r = r.Clone(r.Context())
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(half)), int64(len(half))
	out, err := transport.RoundTrip(r)
	if err != nil || out.StatusCode != http.StatusOK || !ok {
		return out, err
	}
	answered, err := io.ReadAll(out.Body)
	out.Body.Close()
	if err != nil {
		return nil, err
	}
	if answered, err = leftOver(answered, rest); err != nil {
		return nil, err
	}
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(answered)), int64(len(answered))
	out.Header.Del("Content-Length")
	out.Header.Del("X-Amz-Crc32")
	return out, nil
}
