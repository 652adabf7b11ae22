package vault

import (
	"context"
	"crypto/cipher"
	"strings"
	"sync"

	"loch/shared/fault"
)

// projectKeys are the projects' keys in memory, each for a bounded time.
type projectKeys struct {
	mu   sync.Mutex
	open map[string]openProject
}

type openProject struct {
	aead  cipher.AEAD // wraps people's keys
	until int64
}

const projectPrefix = "project/"

// secret returns a 32-byte secret of the vault by its name, making it at first
// use. Of two processes that make it at once one wins.
func (v *Vault) secret(ctx context.Context, name string, context map[string]string) ([]byte, error) {
	v.wrapperMu.RLock()
	defer v.wrapperMu.RUnlock()
	wrapped, ok, err := v.store.Secret(ctx, name)
	if err != nil {
		return nil, err
	}
	if !ok {
		fresh := make([]byte, 32)
		if err := v.random(fresh, "a key of the vault"); err != nil {
			return nil, err
		}
		if wrapped, err = v.wrapper.Wrap(ctx, fresh, context); err != nil {
			return nil, err
		}
		clear(fresh)
		if wrapped, err = v.store.CreateSecret(ctx, name, wrapped); err != nil {
			return nil, err
		}
	}
	key, err := v.wrapper.Unwrap(ctx, wrapped, context)
	if err == nil && len(key) != 32 {
		return nil, fault.New(fault.Internal, "a key of the vault has the wrong length")
	}
	return key, err
}

// projectKey is the cipher that wraps the keys of a project's people. Calls to
// the wrapper are bounded by projects and time, not by people.
func (v *Vault) projectKey(ctx context.Context, projectID string) (cipher.AEAD, error) {
	v.projects.mu.Lock()
	defer v.projects.mu.Unlock()
	if p, ok := v.projects.open[projectID]; ok && v.now().UnixMilli() < p.until {
		return p.aead, nil
	}
	key, err := v.secret(ctx, projectPrefix+projectID, projectContext(projectID))
	if err != nil {
		return nil, err
	}
	defer clear(key)
	aead, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	if v.projects.open == nil {
		v.projects.open = map[string]openProject{}
	}
	v.projects.open[projectID] = openProject{aead, v.fresh()}
	return aead, nil
}

func projectContext(projectID string) map[string]string {
	return map[string]string{"loch": "project", "project": projectID}
}

// Forget drops keys from memory whose time has run out. A process that serves
// for long calls it now and then, so that an idle one holds none.
func (v *Vault) Forget() {
	nowMS := v.now().UnixMilli()
	v.projects.mu.Lock()
	for id, p := range v.projects.open {
		if nowMS >= p.until {
			delete(v.projects.open, id)
		}
	}
	v.projects.mu.Unlock()
	for _, whose := range v.people.Keys() {
		if p, ok := v.people.Peek(whose); ok && nowMS >= p.until {
			v.people.Remove(whose)
		}
	}
}

// Rotate wraps the vault's root and the projects' keys anew, all or none. When
// it returns, the old wrapping key opens nothing of this vault any more: copies
// of the vault from before can be read only with copies of the old key.
func (v *Vault) Rotate(ctx context.Context, next Wrapper) error {
	v.wrapperMu.Lock()
	defer v.wrapperMu.Unlock()
	values := map[string][]byte{}
	rewrap := func(name string, context map[string]string, wrapped []byte) error {
		key, err := v.wrapper.Unwrap(ctx, wrapped, context)
		if err != nil {
			return err
		}
		defer clear(key)
		values[name], err = next.Wrap(ctx, key, context)
		return err
	}
	err := v.store.Secrets(ctx, "", func(name string, wrapped []byte) error {
		projectID, isProject := strings.CutPrefix(name, projectPrefix)
		switch {
		case name == rootName:
			return rewrap(name, rootContext(), wrapped)
		case isProject:
			return rewrap(name, projectContext(projectID), wrapped)
		case strings.HasPrefix(name, saltPrefix):
			return rewrap(name, saltContext(name), wrapped)
		}
		return fault.New(fault.Internal, "the vault holds a secret that this version does not know; use the version that wrote it, or newer")
	})
	if err != nil {
		return err
	}
	if err := v.store.ReplaceSecrets(ctx, values); err != nil {
		return err
	}
	v.wrapper = next
	return nil
}
