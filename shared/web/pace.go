package web

import (
	"net/http"
	"time"
)

// MaxBodyTime is how long a body may take on its way in all. It is the time that
// the browser's SDK gives a request.
const MaxBodyTime = 90 * time.Second

// pace is how fast a body must come. Whoever is slower is given up, since a body on
// its way holds memory that others wait for.
type pace struct {
	grace          time.Duration // in which nothing need come
	bytesPerSecond int64         // on average, after that
}

// defaultPace lets the slowest of mobile networks pass, and a client that sends a
// little and then holds back for 20 seconds.
var defaultPace = pace{grace: 20 * time.Second, bytesPerSecond: 2 << 10}

// pacer moves the read deadline of one connection on as its body comes.
type pacer struct {
	conn  *http.ResponseController
	pace  pace
	start time.Time
	until time.Time // as it was set last
	came  int64     // bytes
}

// begin returns nil where there is no clock.
func (b *Budget) begin(w http.ResponseWriter) *pacer {
	if b.now == nil {
		return nil
	}
	return &pacer{conn: http.NewResponseController(w), pace: b.pace, start: b.now()}
}

// allow sets the deadline of the next read.
func (p *pacer) allow() {
	if p == nil {
		return
	}
	until := p.start.Add(p.pace.grace + time.Duration(p.came/p.pace.bytesPerSecond)*time.Second)
	if most := p.start.Add(MaxBodyTime); until.After(most) {
		until = most
	}
	p.set(until)
}

// end leaves the deadline at the longest time: what the handler does next may take
// longer than the client was given for its body.
func (p *pacer) end() {
	if p != nil {
		p.set(p.start.Add(MaxBodyTime))
	}
}

func (p *pacer) set(until time.Time) {
	if until.Equal(p.until) {
		return
	}
	p.until = until
	// Where there is no connection, as on Lambda, the body has come already.
	_ = p.conn.SetReadDeadline(until)
}
