package e2e

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// seals remembers which lake id stands for which identifier, and sees that it
// is one to one.
type seals struct {
	byClear map[identifier]string
	byLake  map[string]identifier
	cleaned bool // the project's policy cleans URLs and personal values
}

// identifier is what a client sent: a user "ann" is not the group "ann".
type identifier struct{ kind, value string }

func newSeals() *seals {
	return &seals{byClear: map[identifier]string{}, byLake: map[string]identifier{}}
}

var lakeID = regexp.MustCompile(`^[0-9a-f]{32}$`)

// The members of recorded events that name a person, name a group, or are not
// stored at all.
var (
	personMembers  = []string{"distinct_id", "$user_id", "$device_id", "$anon_distinct_id", "alias", "$distinct_ids"}
	groupMembers   = []string{"company"}
	droppedMembers = []string{"token", "ip", "$insert_id"}
)

// checkProperties holds the stored properties against the sent ones.
func (s *seals) checkProperties(t *testing.T, sent map[string]any, r row) {
	t.Helper()
	stored := properties(t, r)
	for name, value := range sent {
		if slices.Contains(droppedMembers, name) {
			if _, there := stored[name]; there {
				t.Errorf("%s must not be stored", name)
			}
			continue
		}
		got, there := stored[name]
		delete(stored, name)
		switch {
		case !there:
			t.Errorf("%s is missing", name)
		case slices.Contains(personMembers, name):
			s.checkSealed(t, name, person(name), value, got)
		case slices.Contains(groupMembers, name):
			s.checkSealed(t, name, "group "+name, value, got)
		default:
			if a, b := canonical(value), canonical(got); a != b && !(s.cleaned && mayBeCleaned(a)) {
				t.Errorf("%s is %s, was sent as %s", name, b, a)
			}
		}
	}
	for name := range stored {
		t.Errorf("%s is stored, but was not sent", name)
	}
	s.checkColumn(t, r, "device_id", sent["$device_id"], "device")
	s.checkColumn(t, r, "user_id", sent["$user_id"], "user")
}

// mayBeCleaned tells a value that the default policy may change.
func mayBeCleaned(value string) bool {
	return strings.Contains(value, "://") || strings.HasPrefix(value, `"?`) || strings.HasPrefix(value, `"/`) || strings.Contains(value, "@")
}

func person(member string) string {
	if member == "$device_id" {
		return "device"
	}
	return "user"
}

// checkSealed sees that got is value with every identifier replaced.
func (s *seals) checkSealed(t *testing.T, name, kind string, value, got any) {
	t.Helper()
	switch value := value.(type) {
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(value) {
			t.Errorf("%s is %v, was sent with %d items", name, got, len(value))
			return
		}
		for i := range value {
			s.checkSealed(t, name, kind, value[i], list[i])
		}
	case string:
		text, ok := got.(string)
		if !ok {
			t.Errorf("%s is %T, was sent as text", name, got)
			return
		}
		if rest, device := strings.CutPrefix(value, "$device:"); device && kind == "user" {
			text, ok = strings.CutPrefix(text, "$device:")
			if !ok {
				t.Errorf("%s lost its prefix $device:", name)
			}
			kind, value = "device", rest
		}
		if value == "" {
			if text != "" {
				t.Errorf("%s is %q, was sent empty", name, text)
			}
			return
		}
		s.pair(t, name, identifier{kind, value}, text)
	default:
		if value != nil || got != nil {
			t.Errorf("%s is %v, was sent as %T", name, got, value)
		}
	}
}

// checkColumn sees that a typed column holds the lake id of what was sent.
func (s *seals) checkColumn(t *testing.T, r row, column string, sent any, kind string) {
	t.Helper()
	clear, ok := sent.(string)
	if !ok || clear == "" {
		return
	}
	if got, ok := r[column].(string); ok {
		s.pair(t, column, identifier{kind, clear}, got)
	} else {
		t.Errorf("%s is %v, the event carries one", column, r[column])
	}
}

func (s *seals) pair(t *testing.T, where string, clear identifier, lake string) {
	t.Helper()
	if !lakeID.MatchString(lake) {
		t.Errorf("%s holds %q, which is no lake id", where, lake)
		return
	}
	if before, ok := s.byClear[clear]; ok && before != lake {
		t.Errorf("%s: one identifier has two lake ids", where)
	}
	if before, ok := s.byLake[lake]; ok && before != clear {
		t.Errorf("%s: one lake id stands for two identifiers, a %s and a %s", where, before.kind, clear.kind)
	}
	s.byClear[clear], s.byLake[lake] = lake, clear
}

// checkNobodyNamed searches the data folder for every identifier that was sent.
func (s *seals) checkNobodyNamed(t *testing.T, srv *server) {
	t.Helper()
	var clear []string
	for id := range s.byClear {
		// Words as short as "acme" stand in ordinary properties too.
		if len(id.value) >= 6 {
			clear = append(clear, id.value)
		}
	}
	if len(clear) < 10 {
		t.Fatalf("only %d identifiers to search for", len(clear))
	}
	searchFolder(t, srv.data, clear)
}
