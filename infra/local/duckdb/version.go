package duckdb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"loch/shared/fault"
)

// Version names the state of a project's data: two moments of one version give the
// same answers. It is made of the last commit, of how far the log is written, and
// of whose rows are not to be shown.
func (e *Engine) Version(_ context.Context, project string) (string, error) {
	state := struct {
		Commit   uint64
		Log      [][2]int64 // segments that are not rolled over, and their lengths
		Removals []any
	}{}
	if e.hot.log != nil {
		// Before the lake is looked at, as in freeze: what is rolled over in between
		// counts twice and makes one version more, where the other order would miss it.
		for _, s := range e.hot.log.Segments() {
			state.Log = append(state.Log, [2]int64{int64(s.Seq), s.Bytes})
		}
	}
	snapshot := e.lake.Snapshot()
	defer snapshot.Release()
	state.Commit = snapshot.Version
	for _, r := range snapshot.Removals {
		if r.Project == project {
			state.Removals = append(state.Removals, r)
		}
	}
	text, err := json.Marshal(state)
	if err != nil {
		return "", fault.Wrap(err, fault.Internal, "the state of the data cannot be named")
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}
