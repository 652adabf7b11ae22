package duckdb

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"time"

	"loch/shared/fault"
	"loch/shared/report"
)

// An order is what the engine asks of a worker, an answer what it gets back.
// Both travel as a length (4 bytes, big-endian) and JSON. A worker takes one
// order at a time; the first is always Settings.
type order struct {
	Settings *settings `json:"settings,omitempty"`
	Question *question `json:"question,omitempty"`
	Script   string    `json:"script,omitempty"` // trusted SQL, of compaction

	Facts *factsWanted `json:"facts,omitempty"`

	// Deadline is when the worker is to give up by itself. It is killed a
	// little later if it does not.
	Deadline time.Time `json:"deadline"`
}

// settings are how a worker opens its database.
type settings struct {
	Readable    []string `json:"readable"`            // folders that a statement's relations lie in
	Trusted     bool     `json:"trusted,omitempty"`   // runs scripts, which may write files
	SpillDir    string   `json:"spill_dir"`           //
	MemoryBytes int64    `json:"memory_bytes"`        //
	Threads     int      `json:"threads"`             //
	MaxSpill    int64    `json:"max_spill,omitempty"` // bytes on disk; 0 chooses by memory
}

// question is one statement of a person.
type question struct {
	Project   string `json:"project"`
	Statement string `json:"statement"`
	Rows      int    `json:"rows"`
	Bytes     int    `json:"bytes"`
	Files     files  `json:"files"`
}

// answer is what came of an order. Rows are those of the script's last
// statement, or of facts.
type answer struct {
	Result *report.Result `json:"result,omitempty"`
	Rows   [][]any        `json:"rows,omitempty"`
	Fault  *refusal       `json:"fault,omitempty"`
	Spent  bool           `json:"spent,omitempty"` // the worker is not to be used again
}

// refusal is a fault.Error on its way between processes.
type refusal struct {
	Code    fault.Code `json:"code"`
	Message string     `json:"message"`
	Cause   string     `json:"cause,omitempty"` // for the operator's log
}

func refuse(err error) *refusal {
	f := fault.From(err)
	r := &refusal{Code: f.Code, Message: f.Message}
	if f.Cause != nil {
		r.Cause = f.Cause.Error()
	}
	return r
}

func (r *refusal) fault() error {
	if r.Cause == "" {
		return fault.New(r.Code, r.Message)
	}
	return fault.Wrap(errors.New(r.Cause), r.Code, r.Message)
}

// maxFrame is far above any order or answer; a length beyond it means that the
// two sides have lost step.
const maxFrame = 1 << 30

func writeFrame(w io.Writer, v any) error {
	var b bytes.Buffer
	b.Write(make([]byte, 4))
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return err
	}
	if b.Len() > maxFrame {
		return errors.New("a message between engine and worker is too long")
	}
	binary.BigEndian.PutUint32(b.Bytes(), uint32(b.Len()-4))
	_, err := w.Write(b.Bytes())
	return err
}

// readFrame reads what writeFrame wrote. Numbers stay as they are written.
func readFrame(r io.Reader, v any) error {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(length[:])
	if n > maxFrame {
		return errors.New("a message between engine and worker is too long")
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	return decoder.Decode(v)
}
