package redrive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"path"
	"strings"

	"loch/shared/fault"
)

// maxSpillBytes bounds what is read of a spill, which holds one request: 10 MiB of
// body become at most some 40 MiB of documents.
const maxSpillBytes = 128 << 20

// spill brings one spilled object back. It holds whole documents only, as the name
// proves, which is the content's hash.
func (j *job) spill(ctx context.Context, kind, key string) error {
	body, err := j.read(ctx, key)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	if strings.TrimSuffix(path.Base(key), ".ndjson") != hex.EncodeToString(sum[:]) || !bytes.HasSuffix(body, []byte("\n")) {
		j.result.Damaged++
		j.Logger.Error("a spill is not what its name says; it stays where it is", "kind", kind, "bytes", len(body))
		return nil
	}
	documents := bytes.SplitAfter(body, []byte("\n"))
	documents = documents[:len(documents)-1] // what follows the last newline: nothing
	if err := j.Stream.Resend(ctx, kind, documents); err != nil {
		return err
	}
	if err := j.Objects.Delete(ctx, key); err != nil {
		return err
	}
	j.result.SpillObjects++
	j.result.SpillDocuments += int64(len(documents))
	return nil
}

func (j *job) read(ctx context.Context, key string) ([]byte, error) {
	r, err := j.Objects.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	body, err := io.ReadAll(io.LimitReader(r, maxSpillBytes+1))
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "a spilled object cannot be read to its end")
	}
	return body, nil
}
