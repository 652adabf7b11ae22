package erase

import (
	"bytes"
	"encoding/json"

	"loch/shared/audit"
	"loch/shared/profile"
)

// readJSON is a row of the ledger as the person gets to see it.
type readJSON struct {
	LedgerEntry uint64     `json:"ledger_entry"`
	Time        *string    `json:"time"`
	Kind        audit.Kind `json:"kind"`
	Key         string     `json:"key,omitempty"`
	Fields      []string   `json:"fields,omitempty"`
	Why         string     `json:"why,omitempty"`
	RequestID   string     `json:"request_id,omitempty"`
}

func readOf(e *audit.Entry) readJSON {
	return readJSON{e.Seq, profile.ShowTime(e.TimeMS), e.Kind, e.Key, e.Fields, e.Why, e.RequestID}
}

// marshal is json.Marshal that leaves <, > and & alone.
func marshal(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}
