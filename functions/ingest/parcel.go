package ingest

import (
	"time"

	"loch/shared/event"
	"loch/shared/wire"
)

// mostUnowned is how many bytes of payload one request leaves that belongs to no
// known project: enough to see what is sent to the wrong place, and too little to
// fill a disk with, since it takes no token.
const mostUnowned = 8 << 10

// parcel makes what the sink keeps of a request: the sealed rows, and each
// rejection with its payload sealed.
func (h *handler) parcel(b *wire.Batch, events []event.Event, o *owners, received time.Time, requestID string) *event.Parcel {
	p := &event.Parcel{
		Receipt: event.Receipt{
			RequestID: requestID, ReceivedTimeMS: received.UnixMilli(), Received: len(events) + len(b.Rejected),
		},
	}
	if len(events) > 0 {
		p.Rows = make([]event.Row, len(events))
		for i := range events {
			p.Rows[i] = events[i].Row
		}
	}
	room := mostUnowned
	for _, r := range b.Rejected {
		row := event.Rejected{
			Project: o.projectOf(r.Token), ReceivedTimeMS: received.UnixMilli(), Protocol: b.Protocol, RequestID: requestID,
			BatchIndex: int64(r.Index), Reason: r.Reason, Field: r.Field, PayloadBytes: int64(len(r.Payload)),
		}
		if row.Project == "" {
			r.Payload = r.Payload[:min(len(r.Payload), room)]
			room -= len(r.Payload)
		}
		if !unheard(r.Reason) {
			row.Sealed = h.Vault.SealRejected(&row, r.Payload)
		}
		p.Rejected = append(p.Rejected, row)
	}
	return p
}
