package firehosetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// object waits to be written.
type object struct {
	key  string
	body []byte
}

// Deliver writes the buffers that are full or old enough, and what could not be
// written before. What the bucket does not take waits for the next time.
func (s *Server) Deliver(ctx context.Context) error { return s.deliver(ctx, false) }

// Flush writes all that is buffered, as time would.
func (s *Server) Flush(ctx context.Context) error { return s.deliver(ctx, true) }

// deliverSoon delivers beside the calls, as the service does: no call waits for it.
// s.mu is held.
func (s *Server) deliverSoon(ctx context.Context) {
	if s.soon {
		return
	}
	s.soon = true
	ctx = context.WithoutCancel(ctx)
	go func() {
		_ = s.deliver(ctx, false) // what cannot be written waits
		s.mu.Lock()
		defer s.mu.Unlock()
		s.soon = false
	}()
}

func (s *Server) deliver(ctx context.Context, all bool) error {
	s.delivering.Lock()
	defer s.delivering.Unlock()
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(s.streams)) {
		to := s.streams[name]
		if err := s.convert(to, s.takeBuffer(to, all)); err != nil {
			return err
		}
		for len(to.pending) > 0 {
			if err := s.bucket.PutNew(ctx, to.pending[0].key, to.pending[0].body); err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", name, err))
				break
			}
			to.pending = to.pending[1:]
		}
	}
	return errors.Join(problems...)
}

// isDue tells whether a buffer is full or old enough. s.mu is held.
func (s *Server) isDue(to *stream) bool {
	return len(to.buffer) > 0 && (to.bytes >= to.BufferBytes || s.now().Sub(to.buffer[0].arrived) >= to.BufferInterval)
}

func (s *Server) takeBuffer(to *stream, all bool) []record {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !all && !s.isDue(to) {
		return nil
	}
	records := to.buffer
	to.buffer, to.bytes = nil, 0
	return records
}

// convert makes objects of what a stream has buffered.
func (s *Server) convert(to *stream, records []record) error {
	if len(records) == 0 {
		return nil
	}
	var rows [][]any
	var failed []byte
	failures := int64(0)
	for _, r := range records {
		converted, err := to.table.convert(r.data)
		if err != nil {
			failed = append(failed, s.failure(to, r, err)...)
			failures++
			continue
		}
		rows = append(rows, converted...)
	}
	var body []byte
	if len(rows) > 0 {
		var err error
		if body, err = to.table.parquet(rows); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.totals.Delivered += int64(len(rows))
	s.totals.Failed += failures
	oldest, times := records[0].arrived, 0
	if len(rows) > 0 {
		times = 1
		if s.chance(s.faults.Twice) {
			times = 2
		}
	}
	for range times {
		to.pending = append(to.pending, object{to.prefix.expand(oldest, "", s.rng) + s.objectName(to) + ".parquet", body})
	}
	if len(failed) > 0 {
		to.pending = append(to.pending, object{to.failed.expand(oldest, "format-conversion-failed", s.rng) + s.objectName(to), failed})
	}
	return nil
}

// objectName is how Firehose names what it writes. s.mu is held.
func (s *Server) objectName(to *stream) string {
	return fmt.Sprintf("%s-1-%s-%s", to.Name, s.now().UTC().Format("2006-01-02-15-04-05"), random(s.rng, 36))
}

// failure is a line of an error object.
func (s *Server) failure(to *stream, r record, why error) []byte {
	line, _ := json.Marshal(map[string]any{ // numbers and texts always encode
		"attemptsMade": 1, "arrivalTimestamp": r.arrived.UnixMilli(),
		"lastErrorCode": "DataFormatConversion.MalformedData", "lastErrorMessage": why.Error(),
		"attemptEndingTimestamp": s.now().UnixMilli(), "rawData": r.data,
		"sequenceNumber": "4959" + fmt.Sprint(r.arrived.UnixNano()), "subSequenceNumber": nil,
		"dataCatalogTable": map[string]any{
			"catalogId": nil, "databaseName": "loch", "tableName": to.Name, "region": "eu-north-1", "versionId": "LATEST", "catalogArn": nil,
		},
	})
	return append(line, '\n')
}

// Waiting says how old the oldest record is that is not in the bucket.
func (s *Server) Waiting() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var age time.Duration
	for _, to := range s.streams {
		if len(to.buffer) > 0 {
			age = max(age, s.now().Sub(to.buffer[0].arrived))
		}
	}
	return age
}
