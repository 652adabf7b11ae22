package event

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
)

// maxInsertID is how long an insert id may be to be used as it is.
const maxInsertID = 255

// FillInsertIDs gives each event that was sent without a usable insert id one
// made of its content. It comes after sealing and cleaning: a hash of anything in
// clear would let whoever holds the lake try names until one fits.
func FillInsertIDs(events []Event) {
	for i := range events {
		row := &events[i].Row
		switch {
		case row.InsertID == "" || len(row.InsertID) > maxInsertID:
			row.InsertID, row.InsertIDSource = hashID(row), InsertIDHash
		case row.TimeSource == TimeOfReceipt:
			// Sent again, such an event has another time of receipt, so that time must
			// not tell it from its first copy.
			row.InsertIDSource = InsertIDUntimed
		}
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
