package tiers

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"io"
	"time"

	"loch/infra/aws/s3"
	"loch/shared/fault"
	"loch/shared/manifest"
)

// stored is a manifest as it lies in the bucket. The mark tells whose it is.
type stored struct {
	Mark     string            `json:"mark"`
	Manifest manifest.Manifest `json:"manifest"`
}

// Save puts the manifest that follows a version. Putting says nothing of who was
// first, so what is there then is read back.
func (s *State) Save(ctx context.Context, m manifest.Manifest, follows int64) error {
	mark := make([]byte, 16)
	_, _ = rand.Read(mark) // never fails
	mine := stored{hex.EncodeToString(mark), m}
	text, err := json.Marshal(mine)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "the manifest cannot be written")
	}
	key := stateKey(follows + 1)
	if err := s.bucket.PutNew(ctx, key, text); err != nil {
		return err
	}
	there, err := s.read(ctx, key)
	if err != nil {
		return err
	}
	if there.Mark != mine.Mark {
		return fault.New(fault.Conflict, "another compaction has changed the manifest")
	}
	if old := follows + 1 - keptVersions; old > 0 {
		return s.bucket.Delete(ctx, stateKey(old))
	}
	return nil
}

func (s *State) read(ctx context.Context, key string) (m stored, err error) {
	text, err := get(ctx, s.bucket, key)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fault.Wrap(err, fault.Internal, "a manifest cannot be read")
	}
	return m, nil
}

func get(ctx context.Context, bucket *s3.Bucket, key string) ([]byte, error) {
	body, err := bucket.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, 16<<20))
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "an object cannot be read to its end")
	}
	return text, nil
}

// Files is the bucket as compaction sees it.
type Files struct{ bucket *s3.Bucket }

// NewFiles returns a bucket's files.
func NewFiles(bucket *s3.Bucket) *Files { return &Files{bucket} }

// List calls fn for each file whose key begins with prefix.
func (f *Files) List(ctx context.Context, prefix string, fn func(key string, bytes int64)) error {
	return f.bucket.List(ctx, prefix, func(key string, bytes int64, _ time.Time) error {
		fn(key, bytes)
		return nil
	})
}

// Copy makes to a copy of from.
func (f *Files) Copy(ctx context.Context, from, to string) error { return f.bucket.Copy(ctx, from, to) }

// Delete deletes a file.
func (f *Files) Delete(ctx context.Context, key string) error { return f.bucket.Delete(ctx, key) }

// Get reads a small file.
func (f *Files) Get(ctx context.Context, key string) ([]byte, error) { return get(ctx, f.bucket, key) }
