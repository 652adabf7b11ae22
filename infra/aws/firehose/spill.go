package firehose

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"loch/shared/event"
	"loch/shared/event/rowjson"
)

// The folders of the bucket that Put writes to.
const (
	SpillFolder  = "spill/"  // spill/<kind>/dt=<date>/<SHA-256 of the object>.ndjson
	SealedFolder = "sealed/" // sealed/dt=<date>/<SHA-256 of the object>
)

// spill puts what a stream did not take into the bucket. The object holds the
// documents as the stream would have got them, which is as the lake holds them:
// sealed. It is named after its content, so that a put that is repeated makes no
// second object.
func (s *Sink) spill(ctx context.Context, k Kind, records [][]byte, receivedMS int64) error {
	body := bytes.Join(records, nil) // a copy: a put that was given up may go on reading it
	if err := s.Objects.PutNew(ctx, objectName(SpillFolder+string(k)+"/", receivedMS, body)+".ndjson", body); err != nil {
		s.Logger.Error("a spill failed", "kind", string(k), "bytes", len(body))
		return err
	}
	s.Counters.add(Counts{
		SpillObjects: 1, SpillBytes: int64(len(body)), SpillDocuments: int64(bytes.Count(body, []byte{'\n'})),
	})
	s.Logger.Warn("records were spilled", "kind", string(k), "bytes", len(body))
	return nil
}

func objectName(folder string, receivedMS int64, body []byte) string {
	sum := sha256.Sum256(body)
	return folder + "dt=" + time.UnixMilli(receivedMS).UTC().Format(time.DateOnly) + "/" + hex.EncodeToString(sum[:])
}

// addNotes writes the documents of the rejections, and a receipt where the rows
// take several records and no rejection says how many they are. A sealed payload
// that is too large for a record becomes an object of its own first.
func (s *Sink) addNotes(ctx context.Context, notes *pack, p *event.Parcel, several bool) error {
	for i := range p.Rejected {
		r := &p.Rejected[i]
		object := ""
		if len(r.Sealed) > maxSealedInside {
			object = objectName(SealedFolder, r.ReceivedTimeMS, r.Sealed)
			if err := s.Objects.PutNew(ctx, object, bytes.Clone(r.Sealed)); err != nil {
				return err
			}
			s.Counters.add(Counts{SealedObjects: 1})
		}
		notes.buf = rowjson.AppendRejected(notes.buf, p, r, object)
		if err := notes.end(); err != nil {
			return err
		}
	}
	if several && len(p.Rejected) == 0 {
		notes.buf = rowjson.AppendReceipt(notes.buf, p)
		return notes.end()
	}
	return nil
}

// maxSealedInside is how large a sealed payload may be to travel within its
// document: three quarters of a record in base64, less its other fields, which are
// short but for the protocol's and the field's names.
const maxSealedInside = 600 << 10
