// Package wire is what every decoder returns, whatever the protocol: the events
// and profile updates of one request, the records that could not be read, and
// the client that sent them.
//
// A decoder never fails a request because of one record: each record becomes an
// event, an update or a rejection, and Received counts all three.
package wire

import (
	"loch/shared/event"
	"loch/shared/profile"
)

// Batch is one decoded request.
type Batch struct {
	Protocol string // "mixpanel"
	Events   []event.Event
	Updates  []profile.Update
	Rejected []event.Rejection
	Client   event.Client
}

// Received is the number of records that the request held.
func (b *Batch) Received() int {
	return len(b.Events) + len(b.Updates) + len(b.Rejected)
}
