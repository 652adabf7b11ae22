package firehosetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// The limits of one call, which no quota raises.
const (
	maxRecords     = 500
	maxRecordBytes = 1000 << 10 // before base64
	maxCallBytes   = 4 << 20    // taken for the whole body, base64 and all
)

// billedStep is what each record is rounded up to on the bill.
const billedStep = 5 << 10

// refusal is an error of the API.
type refusal struct {
	status        int
	code, message string
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

func invalid(format string, args ...any) error {
	return &refusal{http.StatusBadRequest, "InvalidArgumentException", fmt.Sprintf(format, args...)}
}

type call struct {
	DeliveryStreamName string
	Records            []entry // of PutRecordBatch
	Record             *entry  // of PutRecord
}

type entry struct{ Data []byte }

type outcome struct {
	RecordId     string `json:",omitempty"` //nolint:revive // Firehose's own spelling
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

// ServeHTTP answers PutRecord and PutRecordBatch in the protocol JSON 1.1.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCallBytes+1))
	if err != nil && !errors.As(err, new(*http.MaxBytesError)) {
		return // the client went away
	}
	s.mu.Lock()
	answer, forget, err := s.take(r, body)
	for _, to := range s.streams {
		if s.isDue(to) {
			s.deliverSoon(r.Context())
			break
		}
	}
	s.mu.Unlock()
	if forget {
		hangUp(w)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if refused, ok := errors.AsType[*refusal](err); ok {
		w.WriteHeader(refused.status)
		answer = map[string]string{"__type": refused.code, "message": refused.message}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// hangUp ends a call without an answer.
func hangUp(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}

// take does a call, as far as the faults let it. s.mu is held.
func (s *Server) take(r *http.Request, body []byte) (answer any, forget bool, err error) {
	if s.now().Before(s.faults.AwayUntil) {
		return nil, true, nil
	}
	single := false
	switch target := r.Header.Get("X-Amz-Target"); {
	case r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-amz-json-1.1":
		return nil, false, &refusal{http.StatusBadRequest, "SerializationException", "not a call in JSON 1.1"}
	case !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential="):
		return nil, false, &refusal{http.StatusForbidden, "MissingAuthenticationTokenException", "the call is not signed"}
	case target == "Firehose_20150804.PutRecord":
		single = true
	case target != "Firehose_20150804.PutRecordBatch":
		return nil, false, &refusal{http.StatusBadRequest, "UnknownOperationException", target}
	}
	to, records, err := s.read(body, single)
	if err != nil {
		return nil, false, err
	}
	switch {
	case s.chance(s.faults.Refuse) || to.overCalls(s.now()):
		return nil, false, &refusal{http.StatusServiceUnavailable, "ServiceUnavailableException", "Slow down."}
	case s.chance(s.faults.Fail):
		if s.rng.IntN(2) == 0 {
			s.accept(to, records)
		}
		return nil, false, &refusal{http.StatusInternalServerError, "InternalFailure", "something went wrong"}
	case s.chance(s.faults.Forget):
		s.accept(to, records)
		return nil, true, nil
	}
	outcomes, failed := s.accept(to, records)
	if !single {
		return map[string]any{"FailedPutCount": failed, "Encrypted": true, "RequestResponses": outcomes}, false, nil
	}
	if failed > 0 {
		return nil, false, &refusal{http.StatusServiceUnavailable, "ServiceUnavailableException", "Slow down."}
	}
	return map[string]any{"RecordId": outcomes[0].RecordId, "Encrypted": true}, false, nil
}

// read checks a call against the limits.
func (s *Server) read(body []byte, single bool) (*stream, []entry, error) {
	if len(body) > maxCallBytes {
		return nil, nil, invalid("a call has at most 4 MiB")
	}
	var in call
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return nil, nil, &refusal{http.StatusBadRequest, "SerializationException", "the call cannot be read"}
	}
	if single != (in.Record != nil) || single == (in.Records != nil) {
		return nil, nil, invalid("the call has Record or Records, as its operation asks")
	}
	if single {
		in.Records = []entry{*in.Record}
	}
	to, ok := s.streams[in.DeliveryStreamName]
	switch {
	case !ok:
		return nil, nil, &refusal{http.StatusBadRequest, "ResourceNotFoundException", "no such stream"}
	case len(in.Records) == 0 || len(in.Records) > maxRecords:
		return nil, nil, invalid("%d records; a call has 1 to 500", len(in.Records))
	}
	for i := range in.Records {
		if n := len(in.Records[i].Data); n > maxRecordBytes {
			return nil, nil, invalid("record %d has %d bytes; at most 1000 KiB are allowed", i, n)
		}
	}
	return to, in.Records, nil
}

// accept puts records into the buffer, but for those that a fault or a quota
// takes, and tells the outcome of each.
func (s *Server) accept(to *stream, records []entry) (outcomes []outcome, failed int) {
	s.totals.Calls++
	for _, r := range records {
		if s.chance(s.faults.Record) || to.overRecords(len(r.Data)) {
			failed++
			code := []string{"ServiceUnavailableException", "InternalFailure"}[s.rng.IntN(2)]
			outcomes = append(outcomes, outcome{ErrorCode: code, ErrorMessage: "Slow down."})
			continue
		}
		to.buffer = append(to.buffer, record{r.Data, s.now()})
		to.bytes += len(r.Data)
		s.totals.Records++
		s.totals.Bytes += int64(len(r.Data))
		s.totals.BilledBytes += int64((len(r.Data) + billedStep - 1) / billedStep * billedStep)
		outcomes = append(outcomes, outcome{RecordId: random(s.rng, 40)})
	}
	return outcomes, failed
}

// overCalls counts a call against the quota of its second.
func (to *stream) overCalls(now time.Time) bool {
	if second := now.Truncate(time.Second); !second.Equal(to.window) {
		to.window, to.used = second, struct{ records, calls, bytes int }{}
	}
	to.used.calls++
	return to.QuotaCalls > 0 && to.used.calls > to.QuotaCalls
}

func (to *stream) overRecords(bytes int) bool {
	if to.QuotaRecords > 0 && to.used.records >= to.QuotaRecords || to.QuotaBytes > 0 && to.used.bytes+bytes > to.QuotaBytes {
		return true
	}
	to.used.records++
	to.used.bytes += bytes
	return false
}
