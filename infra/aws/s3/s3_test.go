package s3_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"loch/infra/aws/s3"
	"loch/infra/aws/s3/s3test"
	"loch/shared/fault"
)

func read(t *testing.T, b *s3.Bucket, key string) string {
	t.Helper()
	body, err := b.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestObjects(t *testing.T) {
	b := s3test.Start(t).Bucket
	if _, err := b.Get(t.Context(), "a/1"); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("Get of nothing: %v", err)
	}
	for _, text := range []string{"first", "second"} {
		if err := b.PutNew(t.Context(), "a/1", []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, b, "a/1"); got != "first" {
		t.Errorf("the second put replaced the first: %q", got)
	}
	if err := b.Delete(t.Context(), "a/1"); err != nil {
		t.Fatal(err)
	}
	if err := b.Delete(t.Context(), "a/1"); err != nil {
		t.Errorf("deleting nothing: %v", err)
	}
	if _, err := b.Get(t.Context(), "a/1"); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("Get of what was deleted: %v", err)
	}
}

func TestListsAllPagesInOrder(t *testing.T) {
	b := s3test.Start(t).Bucket
	var want []string
	for i := range 1100 { // a page has 1000
		key := fmt.Sprintf("a/%04d", i)
		want = append(want, key)
		if err := b.PutNew(t.Context(), key, []byte{1, 2}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.PutNew(t.Context(), "b/1", nil); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := b.List(t.Context(), "a/", func(key string, bytes int64, at time.Time) error {
		if bytes != 2 || at.IsZero() {
			t.Errorf("%s: %d bytes, %v", key, bytes, at)
		}
		got = append(got, key)
		return nil
	})
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%d of %d keys, %v", len(got), len(want), err)
	}
	stop := errors.New("stop")
	calls := 0
	if err := b.List(t.Context(), "", func(string, int64, time.Time) error { calls++; return stop }); !errors.Is(err, stop) || calls != 1 {
		t.Errorf("List = %v after %d calls, want the caller's error after the first", err, calls)
	}
}

// A put that was done and not answered is repeated, and finds its own object.
func TestForgottenPut(t *testing.T) {
	s := s3test.Start(t)
	puts := 0
	s.Fail(func(r *http.Request) s3test.Failure {
		if puts++; puts == 1 {
			return s3test.Forgets
		}
		return s3test.None
	})
	if err := s.Bucket.PutNew(t.Context(), "a", []byte("x")); err != nil || puts != 2 {
		t.Errorf("PutNew = %v after %d requests, want nil after 2", err, puts)
	}
}

// Each answer becomes a fault that says what to do, and none repeats S3's words.
func TestErrors(t *testing.T) {
	s := s3test.Start(t)
	for failure, want := range map[s3test.Failure]fault.Code{s3test.Refused: fault.Unavailable, s3test.Rejected: fault.Forbidden} {
		s.Fail(func(*http.Request) s3test.Failure { return failure })
		_, getErr := s.Bucket.Get(t.Context(), "a")
		for what, err := range map[string]error{
			"put": s.Bucket.PutNew(t.Context(), "a", nil), "get": getErr, "delete": s.Bucket.Delete(t.Context(), "a"),
			"list": s.Bucket.List(t.Context(), "", func(string, int64, time.Time) error { return nil }),
		} {
			if fault.CodeOf(err) != want || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v, want a fault of code %s", what, err, want)
			}
		}
	}
	away := s3.New(s3.Options{Region: "eu-north-1", Bucket: "b", Endpoint: "http://127.0.0.1:1", Credentials: credentials.NewStaticCredentialsProvider("AK", "SK", "")})
	if err := away.PutNew(t.Context(), "a", nil); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("nobody there: %v", err)
	}
}
