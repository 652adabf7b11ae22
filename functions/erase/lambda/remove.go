package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"loch/infra/aws/glue"
	"loch/shared/fault"
)

// bucket is where orders are put.
type bucket interface {
	PutNew(ctx context.Context, key string, body []byte) error
}

// remover orders the removal of rows by an object that SQL reads as a table: from the
// moment that it is there no relation shows the rows, and the next compaction writes
// them no more. It implements erase.RowRemover.
type remover struct {
	bucket bucket
	now    func() time.Time
}

// removal is a row of the table glue.Removals.
type removal struct {
	Project string   `json:"project"`
	IDs     []string `json:"ids"`
	TimeMS  int64    `json:"time_ms"`
}

// RemoveRows orders it. Each order is an object of its own: compaction counts an
// order's time from the last one that was given.
func (r remover) RemoveRows(ctx context.Context, projectID string, ids []string) error {
	body, err := json.Marshal(removal{projectID, ids, r.now().UnixMilli()})
	if err != nil {
		return fault.Wrap(err, fault.Internal, "an order to remove rows cannot be written")
	}
	body = append(body, '\n')
	sum := sha256.Sum256(body)
	return r.bucket.PutNew(ctx, folder()+hex.EncodeToString(sum[:])+".json", body)
}

// folder is where the table lies in the bucket.
func folder() string {
	for i := range glue.Tables {
		if glue.Tables[i].Name == glue.Removals {
			return glue.Tables[i].Folder
		}
	}
	panic("glue has no table of removals")
}
