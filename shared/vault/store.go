package vault

import (
	"context"
	"errors"
)

// Entry ties a key to a lake id. Owner is the person (or group, or device) with
// whose erasure the entry goes: an identifier's own lake id, and for the token of
// a personal value the lake id of whoever sent it. Project is the one in which the
// identifier was sent.
type Entry struct {
	Key     Key
	ID      ID
	Owner   ID
	Project string
}

// Owned says that a key belongs to an owner, too.
type Owned struct {
	Owner ID
	Key   Key
}

// PersonKey is a person's own key, wrapped by the project's.
type PersonKey struct {
	Owner   ID
	Project string
	Wrapped []byte
}

// Suppressed is the lake id of an identifier whose person asked never to be
// recorded again. No identifier gets it by chance: it is all zeroes.
var Suppressed ID

// ErrErased is the cause of a call that failed because one of its owners was
// erased.
var ErrErased = errors.New("vault: an owner was erased")

// ErrOtherProject is the cause of a call that failed because one of its owners
// belongs to another project.
var ErrOtherProject = errors.New("vault: an owner belongs to another project")

// Store keeps the vault's records. Its methods may be called from many
// goroutines. They return only when what they wrote is durable, and
// fault.Unavailable, having kept nothing, when the store cannot be reached or has
// no room.
//
// An owner that was erased leaves a gravestone: its lake id, which names nobody.
// Nothing can be made for it again, so that a request which read the id a moment
// before the erasure cannot bring the person back; such a call fails as a whole
// with fault.Unavailable: sent again, the request gets a new id.
//
// An owner belongs to one project: that of the entry that was made under its own lake
// id, else that of the key that was made for it first. It stays so until the owner is
// erased. Builds before 2026-11-28 noted none; an owner of theirs has none until its
// key is made.
type Store interface {
	// Find returns the lake id of each key, in order, and whether it exists. A
	// suppressed key exists and has the id Suppressed.
	Find(ctx context.Context, keys []Key) ([]ID, []bool, error)
	// Create keeps each entry whose key is not there yet, and returns for every
	// entry the id that the store holds now: the given one, or the one that was
	// there first. An id that was handed out is the same after a crash, until its
	// owner is erased.
	Create(ctx context.Context, entries []Entry) ([]ID, error)
	// Own adds owners to keys. Doing it twice changes nothing.
	Own(ctx context.Context, owned []Owned) error

	// Known tells of each owner, in order, whether a key belongs to it: whether an
	// identifier ever led to that lake id, and it was not erased since. projects are
	// theirs, empty where none was noted.
	Known(ctx context.Context, owners []ID) (known []bool, projects []string, err error)

	// FindPersonKeys returns the wrapped key of each owner, in order, nil for none.
	FindPersonKeys(ctx context.Context, owners []ID) ([][]byte, error)
	// CreatePersonKeys keeps each key whose owner has none yet, and returns for
	// each the one that the store holds now. An owner of another project than the key's
	// fails the call with fault.Internal and ErrOtherProject.
	CreatePersonKeys(ctx context.Context, keys []PersonKey) ([][]byte, error)

	// AddIndex puts owners under blind index keys. Doing it twice changes nothing.
	AddIndex(ctx context.Context, entries []Owned) error
	// FindIndex returns the owners under a blind index key, at most limit, in no
	// particular order.
	FindIndex(ctx context.Context, key Key, limit int) ([]ID, error)

	// Secret returns a small wrapped secret of the vault itself, such as a
	// project's key, by its name.
	Secret(ctx context.Context, name string) (value []byte, ok bool, err error)
	// Secrets calls fn for every secret whose name begins with prefix, in the
	// order of their names.
	Secrets(ctx context.Context, prefix string, fn func(name string, value []byte) error) error
	// CreateSecret keeps the value if the name has none, and returns the one that
	// the store holds now.
	CreateSecret(ctx context.Context, name string, value []byte) ([]byte, error)
	// ReplaceSecrets writes all of the values or none; nil deletes.
	ReplaceSecrets(ctx context.Context, values map[string][]byte) error

	// Erase takes away, at once and as a whole, all that belongs to the owners:
	// their identifiers' entries and value tokens, their keys, their places in the
	// blind index; and leaves gravestones. With suppress, the identifiers' own
	// entries (whose id is the owner's) stay as Suppressed. It returns the keys it
	// took away or suppressed, so that caches can forget them. Erasing twice is no
	// error. Owners of another project than the given one are left as they are. Where
	// the store can, the bytes are gone from its files when it returns.
	Erase(ctx context.Context, project string, owners []ID, suppress bool) ([]Key, error)
}
