package redrive

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strconv"

	"loch/shared/event/rowjson"
	"loch/shared/fault"
)

// failedRecord is a line of what a stream could not convert, and of what was set
// aside: what is needed of it.
type failedRecord struct {
	RawData []byte `json:"rawData"`
	Code    string `json:"lastErrorCode,omitempty"`
	OldCode string `json:"errorCode,omitempty"` // as transformations spell it
	Reason  string `json:"reason,omitempty"`    // ours, for what is set aside
	Tries   int    `json:"tries,omitempty"`     // of the document that is set aside
}

// chunkBytes is how many bytes of documents are sent at a time.
const chunkBytes = 2 << 20

// failure deals with one object of failed records. They are read a line at a time,
// since a stream puts up to a whole buffer into one object.
func (j *job) failure(ctx context.Context, kind, key string) error {
	r, err := j.Objects.Get(ctx, key)
	if err != nil {
		return err
	}
	defer r.Close()
	s := &sorter{job: j, kind: kind}
	lines := bufio.NewReaderSize(r, 1<<20)
	for {
		line, readErr := lines.ReadBytes('\n')
		if readErr != nil && !errors.Is(readErr, io.EOF) {
			return fault.Wrap(readErr, fault.Unavailable, "an object of failed records cannot be read to its end")
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			s.record(line)
		}
		if errors.Is(readErr, io.EOF) {
			break
		}
		if s.bytes >= chunkBytes {
			if err := s.send(ctx); err != nil {
				return err
			}
		}
	}
	if err := s.send(ctx); err != nil {
		return err
	}
	if len(s.aside) > 0 {
		sum := sha256.Sum256(s.aside)
		name := UnreadableFolder + kind + "/" + hex.EncodeToString(sum[:]) + ".ndjson"
		if name == key { // tried again, and nothing has changed
			j.result.SetAside += s.asideCount
			return nil
		}
		if err := j.Objects.PutNew(ctx, name, s.aside); err != nil {
			return err
		}
		j.Logger.Error("documents were set aside", "kind", kind, "documents", s.asideCount)
	}
	if err := j.Objects.Delete(ctx, key); err != nil {
		return err
	}
	j.result.ErrorObjects++
	j.result.ErrorRecords += s.records
	j.result.ErrorDocuments += s.sent
	j.result.SetAside += s.asideCount
	return nil
}

// sorter tells the documents that can come back from the others.
type sorter struct {
	*job
	kind       string
	documents  [][]byte
	bytes      int
	records    int64
	sent       int64
	aside      []byte // lines of failedRecord
	asideCount int64
}

// record sorts the documents of one failed record. Each of them stands on a line
// of its own, as ingestion wrote it.
func (s *sorter) record(line []byte) {
	s.records++
	var f failedRecord
	if err := json.Unmarshal(line, &f); err != nil || len(f.RawData) == 0 {
		s.setAside(line, "none", "this is no line of failed records", 0)
		return
	}
	for doc := range bytes.Lines(f.RawData) {
		if doc = bytes.TrimSpace(doc); len(doc) > 0 {
			s.document(doc, cmp.Or(f.Code, f.OldCode, "none"), f.Reason != "")
		}
	}
}

func (s *sorter) document(doc []byte, code string, again bool) {
	tries, err := s.check(doc)
	switch {
	case err != nil:
		s.setAside(doc, code, fault.From(err).Error(), 0)
		return
	case again:
		tries = 0
	case tries >= s.MaxTries:
		s.setAside(doc, code, "the stream refuses it although it fits the columns; look at the stream's table and role, then redrive again", tries)
		return
	}
	counted := strconv.AppendInt([]byte(`{"`+rowjson.TriesKey+`":`), int64(tries+1), 10)
	counted = append(append(append(counted, ','), withoutTries(doc)[1:]...), '\n')
	s.documents = append(s.documents, counted)
	s.bytes += len(counted)
}

// check holds a document against the columns of its kind.
func (s *sorter) check(doc []byte) (tries int, err error) {
	if s.kind == "events" {
		_, tries, err = rowjson.ParseRow(doc)
		return tries, err
	}
	return rowjson.CheckRejected(doc)
}

// withoutTries takes the count from the front of a document, where document put it.
func withoutTries(doc []byte) []byte {
	if rest, counted := bytes.CutPrefix(doc, []byte(`{"`+rowjson.TriesKey+`":`)); counted {
		if _, others, more := bytes.Cut(rest, []byte{','}); more {
			return append([]byte{'{'}, others...)
		}
	}
	return doc
}

// setAside keeps what cannot come back, with the reason, in the form of a failed
// record, so that it can be tried again.
func (s *sorter) setAside(doc []byte, code, reason string, tries int) {
	line, _ := json.Marshal(failedRecord{RawData: doc, Code: code, Reason: reason, Tries: tries}) // texts and a number always encode
	s.aside = append(append(s.aside, line...), '\n')
	s.asideCount++
}

// send brings the sorted documents back.
func (s *sorter) send(ctx context.Context) error {
	if len(s.documents) == 0 {
		return nil
	}
	if err := s.Stream.Resend(ctx, s.kind, s.documents); err != nil {
		return err
	}
	s.sent += int64(len(s.documents))
	s.documents, s.bytes = nil, 0
	return nil
}
