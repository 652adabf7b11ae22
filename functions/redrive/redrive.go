// Package redrive brings events back into the delivery stream: what ingestion
// spilled while the stream took nothing, and what the stream could not convert.
//
// Ingestion leaves the documents of a request, one a line, in an object that is
// named after its content. The stream leaves what it could not convert as a line
// of JSON with the whole record in base64, and since one bad document takes its
// record along, most of it is good. Either object is deleted when all that was in
// it is durable elsewhere: in the stream, or set aside with the reason.
//
//	spill/<kind>/…       whole again into the stream
//	errors/<kind>/…      what fits the columns into the stream, the rest:
//	unreadable/<kind>/…  for people; Again tries these once more
//
// A run that is killed leaves objects of which a part is in the stream. The next
// one sends the same rows again, alike in every column, and the relation events
// shows each of them once. It is a job, run by a clock, one run at a time: two
// would do no harm, only twice the work.
package redrive

import (
	"context"
	"io"
	"log/slog"
	"time"

	"loch/shared/fault"
)

// Objects is the bucket.
type Objects interface {
	// List calls fn for each object under a prefix, in the order of their keys, until
	// fn returns an error.
	List(ctx context.Context, prefix string, fn func(key string, bytes int64, at time.Time) error) error
	// Get opens an object; a fault of code NotFound says that there is none.
	Get(ctx context.Context, key string) (io.ReadCloser, error)
	// PutNew puts an object unless there is one of its name.
	PutNew(ctx context.Context, key string, body []byte) error
	// Delete deletes an object, which may be gone already.
	Delete(ctx context.Context, key string) error
}

// Stream is where documents go back to.
type Stream interface {
	// Resend makes documents, each with its newline, durable in the stream of a kind:
	// "events" or "rejected". It must not put them into the bucket in place of that,
	// since a spill of the same content has the same name and is deleted next.
	Resend(ctx context.Context, kind string, documents [][]byte) error
}

// Deps are what a run needs from outside.
type Deps struct {
	Objects Objects
	Stream  Stream
	Logger  *slog.Logger

	// MaxTries is how often a document comes back that the stream does not convert
	// although it fits the columns; 20 when 0. At one run in a quarter of an hour that
	// is five hours in which the table can be mended.
	MaxTries int

	// Again has what was set aside tried once more, after the cause was mended.
	Again bool
}

// Result says what a run has done, and is what its progress tells as well.
type Result struct {
	SpillObjects   int64 `json:"spill_objects"` // brought back and deleted
	SpillDocuments int64 `json:"spill_documents"`

	ErrorObjects   int64 `json:"error_objects"` // of the stream's own, dealt with and deleted
	ErrorRecords   int64 `json:"error_records"`
	ErrorDocuments int64 `json:"error_documents"` // of those, brought back

	SetAside int64 `json:"set_aside"` // documents that cannot be brought back; somebody has to look
	Damaged  int64 `json:"damaged"`   // spills that are not what their name says, and stay

	Waiting       int64     `json:"waiting"` // objects that this run has not come to
	WaitingBytes  int64     `json:"waiting_bytes"`
	OldestWaiting time.Time `json:"oldest_waiting,omitzero"`
}

// The folders of the bucket. The delivery streams' error prefixes must begin with
// ErrorFolder and the kind: "errors/events/!{firehose:error-output-type}/".
const (
	SpillFolder      = "spill/"
	ErrorFolder      = "errors/"
	UnreadableFolder = "unreadable/"
)

// Kinds are the two streams: of rows and of rejected input.
var Kinds = []string{"events", "rejected"}

// job is one run.
type job struct {
	Deps
	result   Result
	progress func(Result)
	stopped  bool // the stream takes nothing now, or the time is over
}

// New returns a job.
func New(d Deps) func(ctx context.Context, progress func(Result)) (Result, error) {
	if d.MaxTries <= 0 {
		d.MaxTries = 20
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	return func(ctx context.Context, progress func(Result)) (Result, error) {
		if progress == nil {
			progress = func(Result) {}
		}
		j := &job{Deps: d, progress: progress}
		err := j.run(ctx)
		return j.result, err
	}
}

// run walks the folders. When the stream takes nothing or the time is over it
// counts what waits, and that is no error: the clock starts the next run.
func (j *job) run(ctx context.Context) error {
	for _, kind := range Kinds {
		if err := j.walk(ctx, SpillFolder+kind+"/", kind, j.spill); err != nil {
			return err
		}
	}
	for _, kind := range Kinds {
		if err := j.walk(ctx, ErrorFolder+kind+"/", kind, j.failure); err != nil {
			return err
		}
		if !j.Again {
			continue
		}
		if err := j.walk(ctx, UnreadableFolder+kind+"/", kind, j.failure); err != nil {
			return err
		}
	}
	return nil
}

type found struct {
	key   string
	bytes int64
	at    time.Time
}

// walk gives each object under a prefix to do. The list is taken first, so that
// what do itself puts under the prefix is left for the next run.
func (j *job) walk(ctx context.Context, prefix, kind string, do func(ctx context.Context, kind, key string) error) error {
	var list []found
	err := j.Objects.List(ctx, prefix, func(key string, bytes int64, at time.Time) error {
		list = append(list, found{key, bytes, at})
		return nil
	})
	if err != nil {
		return err
	}
	for _, o := range list {
		if !j.stopped {
			switch err := do(ctx, kind, o.key); {
			case err == nil || fault.CodeOf(err) == fault.NotFound: // gone: another run was here
				j.progress(j.result)
				continue
			case ctx.Err() != nil || fault.CodeOf(err) == fault.Unavailable:
				j.stopped = true
				j.Logger.Warn("redrive stops early", "kind", kind, "code", fault.CodeOf(err))
			default:
				return err
			}
		}
		j.result.Waiting++
		j.result.WaitingBytes += o.bytes
		if j.result.OldestWaiting.IsZero() || o.at.Before(j.result.OldestWaiting) {
			j.result.OldestWaiting = o.at
		}
	}
	j.progress(j.result)
	return nil
}
