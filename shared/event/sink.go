package event

import "context"

// Parcel is what one request leaves behind: the rows that are good, the inputs
// that were rejected, and the receipt that says how many came. A Sink keeps all
// of it or none, so that received = stored + rejected can be proved from the
// stores alone.
type Parcel struct {
	Rows     []Row
	Rejected []Rejected
	Receipt  Receipt
}

// Receipt counts one request. Received always equals len(Rows) plus
// len(Rejected); duplicates are found later, by compaction, and counted there.
type Receipt struct {
	RequestID      string
	ReceivedTimeMS int64
	Received       int
}

// Sink keeps events. Nil means that the whole parcel is durable: it survives
// the loss of the process and of power. An error of code fault.Unavailable means
// that the parcel was not acknowledged and the client should send again. One
// machine's log has kept nothing of it then. A delivery stream may have kept a
// part, since it takes records one by one: under another request id than that of
// the next try, so that rows with an insert id of the client's count once, and rows
// without one twice.
//
// An error of code fault.TooLarge means that nothing was kept and never will be;
// ingestion asks an engine that has such a bound before (ingest.Deps.RowFits).
// Nothing else is returned. Put may be called from many goroutines. It does not
// keep the parcel after it returns.
type Sink interface {
	Put(ctx context.Context, p *Parcel) error
}
