package e2e

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// recorded are requests that unmodified SDKs sent. The decoder's own tests use
// the same files.
const recorded = "../../shared/wire/mixpanel/testdata/captures"

// capture is one recorded request and the answer that its SDK was happy with.
type capture struct {
	name    string
	Method  string
	URL     string
	Headers map[string]string
	Body    []byte `json:"body_base64"`
	Decoded *struct{ Data json.RawMessage }
	Given   struct {
		Status int
		Body   string
	} `json:"response_given"`
}

// captures reads all of them. Those that name groups come first: a project
// learns its kinds of group from them, and seals a group's id in events from
// then on.
func captures(t *testing.T) []capture {
	t.Helper()
	files, err := filepath.Glob(recorded + "/*.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 100 {
		t.Fatalf("only %d recorded requests in %s", len(files), recorded)
	}
	var all []capture
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		c := capture{name: strings.TrimSuffix(filepath.Base(f), ".json")}
		if err := json.Unmarshal(text, &c); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		all = append(all, c)
	}
	slices.SortStableFunc(all, func(a, b capture) int {
		switch groupsA, groupsB := a.route() == "groups", b.route() == "groups"; {
		case groupsA == groupsB:
			return 0
		case groupsA:
			return -1
		}
		return 1
	})
	return all
}

// route is what the path ends in, without a prefix or a slash at the end.
func (c *capture) route() string {
	u, err := url.Parse(c.URL)
	if err != nil {
		return ""
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	last := parts[len(parts)-1]
	if last == "definitions" {
		return "flags/definitions"
	}
	return last
}

// writes says whether the route takes events or updates.
func (c *capture) writes() bool {
	return slices.Contains([]string{"track", "t", "engage", "groups", "import"}, c.route())
}

// events are the properties and names of the events that the request holds, as
// the recording tool decoded them.
func (c *capture) events(t *testing.T) []recordedEvent {
	t.Helper()
	if c.Decoded == nil || !slices.Contains([]string{"track", "t", "import"}, c.route()) {
		return nil
	}
	var list []recordedEvent
	if strings.HasPrefix(strings.TrimSpace(string(c.Decoded.Data)), "[") {
		decode(t, c.Decoded.Data, &list)
		return list
	}
	var one recordedEvent
	decode(t, c.Decoded.Data, &one)
	return []recordedEvent{one}
}

// recordedEvent is an event as an SDK sent it.
type recordedEvent struct {
	Event      string
	Properties map[string]any
}

func (c *capture) header(name string) string {
	for k, v := range c.Headers {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}
