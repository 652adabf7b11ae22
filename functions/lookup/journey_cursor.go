package lookup

import (
	"encoding/base64"
	"encoding/binary"

	"loch/shared/event"
	"loch/shared/fault"
)

// The cursor of a journey is the place of the last event of a page, written so that
// nobody is tempted to make one: what it holds may change. The first byte is its
// version.
const cursorVersion = 1

func momentCursor(m event.Moment) string {
	b := []byte{cursorVersion}
	b = binary.AppendVarint(b, m.TimeMS)
	b = binary.AppendVarint(b, m.ReceivedTimeMS)
	b = binary.AppendVarint(b, m.BatchIndex)
	return base64.RawURLEncoding.EncodeToString(append(b, m.RequestID...))
}

// readMoment is the inverse; no cursor is the beginning.
func readMoment(text string) (*event.Moment, error) {
	if text == "" {
		return nil, nil
	}
	wrong := fault.New(fault.Invalid, "this is no cursor; pass on the value of next as it was, or leave it out to begin with the newest event").At("cursor")
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) == 0 || b[0] != cursorVersion || len(text) > event.MaxIDBytes {
		return nil, wrong
	}
	b = b[1:]
	var m event.Moment
	for _, to := range []*int64{&m.TimeMS, &m.ReceivedTimeMS, &m.BatchIndex} {
		v, n := binary.Varint(b)
		if n <= 0 {
			return nil, wrong
		}
		*to, b = v, b[n:]
	}
	m.RequestID = string(b)
	return &m, nil
}
