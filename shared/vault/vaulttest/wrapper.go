package vaulttest

import (
	"bytes"
	"testing"

	"loch/shared/fault"
	"loch/shared/vault"
)

// RunWrapper holds a wrapper to its contract. other is one with another key, in the
// same home where there can be two.
func RunWrapper(t *testing.T, w, other vault.Wrapper) {
	t.Helper()
	key := bytes.Repeat([]byte{7}, 32)
	context := map[string]string{"loch": "project", "project": "shop"}
	wrapped, err := w.Wrap(t.Context(), key, context)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(wrapped, key[:8]) {
		t.Error("the key is in clear in what wraps it")
	}
	if again, err := w.Wrap(t.Context(), key, context); err != nil || bytes.Equal(again, wrapped) {
		t.Errorf("two wrappings of a key are equal (%v)", err)
	}
	if got, err := w.Unwrap(t.Context(), wrapped, map[string]string{"project": "shop", "loch": "project"}); err != nil || !bytes.Equal(got, key) {
		t.Fatalf("unwrapped %d bytes: %v", len(got), err)
	}
	for name, bad := range map[string]struct {
		w       vault.Wrapper
		wrapped []byte
		context map[string]string
		code    fault.Code
	}{
		"another context":   {w, wrapped, map[string]string{"loch": "project", "project": "bank"}, fault.Internal},
		"less of a context": {w, wrapped, map[string]string{"project": "shop"}, fault.Internal},
		"no context":        {w, wrapped, nil, fault.Internal},
		"a changed byte":    {w, append(bytes.Clone(wrapped[:len(wrapped)-1]), wrapped[len(wrapped)-1]^1), context, fault.Internal},
		"a part":            {w, wrapped[:len(wrapped)/2], context, fault.Internal},
		"another key":       {other, wrapped, context, fault.Forbidden},
	} {
		got, err := bad.w.Unwrap(t.Context(), bad.wrapped, bad.context)
		if err == nil || fault.CodeOf(err) != bad.code || got != nil {
			t.Errorf("%s: %d bytes, %v (want %s)", name, len(got), err, bad.code)
		}
	}
}
