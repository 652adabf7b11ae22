package query

import (
	"net/http"
	"sync"

	"loch/shared/fault"
	"loch/shared/project"
	"loch/shared/web"
)

// admit lets a question in whose key was looked for, with what came of that: it takes
// a turn of the key, or answers with the error and says false.
func (h *handler) admit(w http.ResponseWriter, r *http.Request, key project.Key, err error) (giveBack func(), ok bool) {
	if err == nil {
		giveBack, err = h.turns.take(key)
	}
	if err != nil {
		web.WriteError(w, r, err)
		return nil, false
	}
	return giveBack, true
}

// turns bounds how many questions of one key are worked on at once, so that one
// script cannot take all of an engine's time. It counts in this process: on Lambda
// each instance takes one request at a time, and the API's throttles bound the rest.
type turns struct {
	most int

	mu      sync.Mutex
	running map[turnKey]int // keys without any are not in it
}

type turnKey struct{ project, name string }

func newTurns(most int) *turns { return &turns{most: most, running: map[turnKey]int{}} }

// take takes a turn, which whoever has it gives back, or returns fault.TooMany.
func (t *turns) take(key project.Key) (giveBack func(), err error) {
	of := turnKey{key.Project.ID, key.Name}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running[of] >= t.most {
		return nil, fault.Newf(fault.TooMany, "this key has %d questions under way already; send it again when one is answered", t.most)
	}
	t.running[of]++
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.running[of]--; t.running[of] == 0 {
			delete(t.running, of)
		}
	}, nil
}
