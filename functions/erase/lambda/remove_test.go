package main

import (
	"context"
	"strings"
	"testing"
	"time"
)

type puts map[string]string

func (p puts) PutNew(_ context.Context, key string, body []byte) error {
	p[key] = string(body)
	return nil
}

// An order is a document of the table removals. The same order again is another
// moment's, and harms nothing; sent twice at the same moment it is one object.
func TestRemoveRows(t *testing.T) {
	now := time.UnixMilli(1_795_413_600_000)
	made := puts{}
	r := remover{made, func() time.Time { return now }}
	for range 2 {
		if err := r.RemoveRows(t.Context(), "shop", []string{"a", "b"}); err != nil {
			t.Fatal(err)
		}
	}
	if len(made) != 1 {
		t.Errorf("the same order made %v", made)
	}
	now = now.Add(time.Hour)
	if err := r.RemoveRows(t.Context(), "shop", []string{"a", "b"}); err != nil || len(made) != 2 {
		t.Errorf("an hour later: %v, %v", made, err)
	}
	for key, body := range made {
		if !strings.HasPrefix(key, "removals/") || !strings.HasPrefix(body, `{"project":"shop","ids":["a","b"],"time_ms":17954`) || !strings.HasSuffix(body, "}\n") {
			t.Errorf("%s: %s", key, body)
		}
	}
}
