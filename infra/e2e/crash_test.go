package e2e

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// crashes is how often the server is killed in one run.
const crashes = 22

// TestCrash kills the server with SIGKILL at random moments, while clients
// post to it and the log becomes Parquet and Parquet is compacted, and starts
// it again on the same folder. Each time `loch verify` must say that the folder
// adds up; in the end every acknowledged event is there once, nothing is there
// that was never sent, and every acknowledged profile update was applied once, as
// was every one that was sent again until it was acknowledged.
func TestCrash(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("the moments are random with seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	data := t.TempDir()
	flags := []string{"--rollover-every", "200ms", "--compact-every", "500ms", "--addr", freeAddress(t)}

	c := newCrowd(t)
	defer c.stop()
	for round := range crashes {
		s := start(t, data, flags...)
		c.open(s.url)
		life := time.Duration(100+random.IntN(900)) * time.Millisecond
		time.Sleep(life) // the one wait that is for a while and not for a condition: the moment of death
		workers := childrenOf(t, s.cmd.Process.Pid)
		s.kill()
		c.closeDoor()
		s.check()
		await(t, "no process of the killed server is left", func() bool { return !anyRuns(workers) })
		verify(t, data)
		if t.Failed() {
			t.Fatalf("round %d, after %v of life", round+1, life)
		}
	}
	c.stop()

	s := start(t, data, flags...)
	c.sendAgain(s.url)
	c.check(s)
	if _, code := loch(t, "compact", "--data", data); code != 0 {
		t.Errorf("loch compact ended with %d", code)
	}
	c.check(s)
	s.stop()
	a := verify(t, data)
	if a.Duplicates == 0 {
		t.Error("compaction found no duplicate, though batches were sent again: it did not run")
	}
	t.Logf("received %d = stored %d + rejected %d + duplicates %d", a.Received, a.Stored, a.Rejected, a.Duplicates)
}

// account is what `loch verify --json` prints.
type account struct {
	OK                                              bool
	Received, Stored, Rejected, Duplicates, Removed int64
	Problems, Warnings                              []string
}

// verify runs `loch verify` on a folder that no server has, and fails the test
// unless it adds up.
func verify(t *testing.T, data string) account {
	t.Helper()
	out, code := loch(t, "verify", "--data", data, "--json")
	var a account
	decode(t, out, &a)
	if code != 0 || !a.OK || len(a.Problems) > 0 || a.Received != a.Stored+a.Rejected+a.Duplicates+a.Removed {
		t.Errorf("loch verify ended with %d and says: %s", code, out)
	}
	return a
}

// anyRuns says whether one of the processes is still there.
func anyRuns(pids []int) bool {
	for _, pid := range pids {
		if _, err := os.Stat(fmt.Sprintf("/proc/%d/exe", pid)); err == nil {
			return true
		}
	}
	return false
}

// freeAddress is an address that nobody listens on, so that a server can come
// back to where its clients know it.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// crowd is a number of clients that post without rest, and remember what they
// were told.
type crowd struct {
	t       *testing.T
	door    atomic.Pointer[door]
	over    chan struct{}
	end     sync.Once
	clients []*poster
	wg      sync.WaitGroup
}

// door is where the clients wait while no server is there.
type door struct {
	open chan struct{}
	url  string
}

// poster is one client. Its maps are read once it has stopped.
type poster struct {
	name    string
	sent    map[string]bool // true once acknowledged
	updates []update
}

// update is a profile update: it adds 1 to a counter, appends its number to a list
// and sets it as the last.
type update struct {
	first        int // the number of the first in its request
	posted       int // how often
	acknowledged bool
}

const posters = 6

func newCrowd(t *testing.T) *crowd {
	c := &crowd{t: t, over: make(chan struct{})}
	c.door.Store(&door{open: make(chan struct{})})
	for i := range posters {
		p := &poster{name: fmt.Sprintf("c%d", i), sent: map[string]bool{}}
		c.clients = append(c.clients, p)
		c.wg.Go(func() { c.post(p, rand.New(rand.NewPCG(uint64(i), 2))) })
	}
	return c
}

// open lets the clients go on with a server.
func (c *crowd) open(url string) {
	d := c.door.Load()
	d.url = url
	close(d.open)
}

// closeDoor makes them wait for the next one.
func (c *crowd) closeDoor() { c.door.Store(&door{open: make(chan struct{})}) }

func (c *crowd) stop() {
	c.end.Do(func() { close(c.over) })
	c.wg.Wait()
}

// post sends batch after batch. A batch that was not acknowledged is sent again
// half of the time, as SDKs do, and given up for good else.
func (c *crowd) post(p *poster, random *rand.Rand) {
	var again []string
	for next := 0; ; {
		d := c.door.Load()
		select {
		case <-c.over:
			return
		case <-d.open:
		}
		ids := again
		if ids == nil {
			for range 1 + random.IntN(20) {
				ids = append(ids, fmt.Sprintf("%s-%d", p.name, next))
				next++
			}
		}
		for _, id := range ids {
			p.sent[id] = false
		}
		again = nil
		if c.postEvents(d.url, p, ids) {
			for _, id := range ids {
				p.sent[id] = true
			}
		} else if random.IntN(2) == 0 {
			again = ids
		}
		if random.IntN(4) == 0 {
			c.postUpdates(d.url, p, random)
		}
	}
}

// postUpdates sends a few updates of one person in one request. If there is no
// answer, they are sent again half of the time, under the same names.
func (c *crowd) postUpdates(url string, p *poster, random *rand.Rand) {
	first := len(p.updates)
	if last := first - 1; last >= 0 && !p.updates[last].acknowledged && random.IntN(2) == 0 {
		first = p.updates[last].first
	} else {
		for range 1 + random.IntN(3) {
			p.updates = append(p.updates, update{first: first})
		}
	}
	var records []any
	for n := first; n < len(p.updates); n++ {
		p.updates[n].posted++
		records = append(records, map[string]any{
			"$token": token, "$distinct_id": p.user(), "$insert_id": fmt.Sprintf("%s-update-%d", p.name, n),
			"$add": map[string]any{"n": 1}, "$append": map[string]any{"list": n}, "$set": map[string]any{"last": n},
		})
	}
	if c.accepted(url+"/engage?verbose=1", records) {
		for n := first; n < len(p.updates); n++ {
			p.updates[n].acknowledged = true
		}
	}
}

func (p *poster) user() string { return p.name + "-user" }

// postEvents sends events with the given insert ids. An event keeps its time, as
// an SDK's does, so that the same id is the same event.
func (c *crowd) postEvents(url string, p *poster, ids []string) bool {
	events := make([]any, len(ids))
	for i, id := range ids {
		n, err := strconv.Atoi(strings.TrimPrefix(id, p.name+"-"))
		if err != nil {
			c.t.Error(err)
		}
		events[i] = newEvent("Crash", p.user(), map[string]any{
			"$insert_id": id, "number": id, "time": 1795000000 + n, "filler": strings.Repeat("x", 200),
		})
	}
	return c.accepted(url+"/track?verbose=1", events)
}

// sendAgain sends a batch that was acknowledged once more, should none of those that
// were sent again during the kills have been kept the first time.
func (c *crowd) sendAgain(url string) {
	c.t.Helper()
	p := c.clients[0]
	for id, acknowledged := range p.sent {
		if acknowledged && !c.postEvents(url, p, []string{id}) {
			c.t.Errorf("event %s was not accepted again", id)
		}
		if acknowledged {
			return
		}
	}
}

// accepted posts JSON and says whether the server took it. Anything else must be
// a broken connection or a 503.
func (c *crowd) accepted(url string, body any) bool {
	r, err := http.NewRequest("POST", url, strings.NewReader(string(encode(c.t, body))))
	if err != nil {
		c.t.Error(err)
		return false
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := client.Do(r)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	text := make([]byte, 512)
	n, _ := response.Body.Read(text) // a broken answer is no acknowledgement
	switch {
	case response.StatusCode == http.StatusOK && string(text[:n]) == `{"error":null,"status":1}`:
		return true
	case response.StatusCode == http.StatusOK && n < 20, response.StatusCode == http.StatusServiceUnavailable:
	default:
		c.t.Errorf("%s was answered %d %s", url, response.StatusCode, text[:n])
	}
	return false
}

// check holds what the clients were told against what the server has.
func (c *crowd) check(s *server) {
	s.t.Helper()
	acknowledged, unsure, updated, again := 0, 0, 0, 0
	found := map[string]string{}
	for _, r := range s.all("select properties->>'number' as number, count(*)::varchar as n from events group by 1 order by 1") {
		id, _ := r["number"].(string)
		found[id], _ = r["n"].(string)
	}
	for _, p := range c.clients {
		for id, acked := range p.sent {
			switch n := found[id]; {
			case acked && n != "1":
				s.t.Errorf("event %s was acknowledged and is there %q times", id, n)
			case !acked && n != "" && n != "1":
				s.t.Errorf("event %s is there %s times", id, n)
			}
			if acked {
				acknowledged++
			} else {
				unsure++
			}
			delete(found, id)
		}
		updated += c.checkProfile(s, p)
		for _, u := range p.updates {
			if u.posted > 1 {
				again++
			}
		}
	}
	for id := range found {
		s.t.Errorf("event %q is there and was never sent", id)
	}
	s.t.Logf("%d kills; %d events acknowledged, all there once; %d more sent without an answer", crashes, acknowledged, unsure)
	s.t.Logf("%d profile updates acknowledged, each there once; %d were sent again", updated, again)
	if acknowledged < 500 || updated < 50 {
		s.t.Errorf("only %d events and %d updates were acknowledged: this was no load", acknowledged, updated)
	}
}

// checkProfile sees that every acknowledged update is there once, and that no other
// is there twice, or in part.
func (c *crowd) checkProfile(s *server, p *poster) (acknowledged int) {
	s.t.Helper()
	if !slices.ContainsFunc(p.updates, func(u update) bool { return u.acknowledged }) {
		return 0
	}
	a := s.profile("pii", p.user())
	var profile struct {
		Properties struct {
			N, Last int
			List    []int
		}
	}
	decode(s.t, a.body, &profile)
	found := profile.Properties
	if found.N != len(found.List) || len(found.List) == 0 || found.Last != found.List[len(found.List)-1] || !slices.IsSorted(found.List) {
		s.t.Errorf("the profile of %s is torn: n %d, last %d, list of %d: %v", p.name, found.N, found.Last, len(found.List), found.List)
	}
	for n, u := range p.updates {
		times := 0
		for _, m := range found.List {
			if m == n {
				times++
			}
		}
		if u.acknowledged {
			acknowledged++
		}
		if times > 1 || u.acknowledged && times != 1 {
			s.t.Errorf("update %d of %s was posted %d times, acknowledged: %v; it is there %d times", n, p.name, u.posted, u.acknowledged, times)
		}
	}
	return acknowledged
}
