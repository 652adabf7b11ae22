package event

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
)

// maxInsertID is how long an insert id may be to be used as it is.
const maxInsertID = 255

// FillInsertIDs seals the insert ids that clients sent, and gives each event that
// has no usable one an id made of its content. An insert id is no random number to
// be trusted: scripts make it of a user id, or hash it of person, event and time so
// that it is the same when the event is sent again. Whoever holds the lake could
// try names until one fits. So seal is a keyed hash, under which equal ids stay
// equal, and a hash of content is made of the sealed and cleaned event.
func FillInsertIDs(events []Event, seal func(project, insertID string) string) {
	for i := range events {
		row := &events[i].Row
		switch {
		case row.InsertID == "" || len(row.InsertID) > maxInsertID:
			row.InsertID, row.InsertIDSource = hashID(row), InsertIDHash
			continue
		case row.TimeSource == TimeOfReceipt:
			// Sent again, such an event has another time of receipt, so that time must
			// not tell it from its first copy.
			row.InsertIDSource = InsertIDUntimed
		}
		row.InsertID = seal(row.Project, row.InsertID)
	}
}

// hashID stands in for an insert id: a hash of the sealed event and of its place
// in its request.
func hashID(row *Row) string {
	h := sha256.New()
	h.Write([]byte(row.RequestID + "\x00" + strconv.FormatInt(row.BatchIndex, 10) + "\x00" + row.Name + "\x00"))
	h.Write([]byte(row.Properties))
	return hex.EncodeToString(h.Sum(nil)[:16])
}
