package main

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// rowsOfAFile is how many rows of each file are attacked by rebuilding: each
// costs a hash for every value of the lists.
const rowsOfAFile = 24

// puzzle is a row whose insert id may have been computed of clear content.
type puzzle struct {
	row    row
	source []int // the evidence that holds it
}

// puzzles are the rows of all evidence for which want is true, a few of each file,
// each once.
func puzzles(sources []*evidence, want func(*row) bool) []puzzle {
	var list []puzzle
	at := map[string]int{}
	for i, e := range sources {
		taken := map[string]int{}
		for j := range e.rows {
			r := &e.rows[j]
			if taken[r.file] >= rowsOfAFile || !want(r) {
				continue
			}
			taken[r.file]++
			key := r.insertID + "\x00" + r.requestID + "\x00" + r.batchIndex
			if k, ok := at[key]; ok {
				if !slices.Contains(list[k].source, i) {
					list[k].source = append(list[k].source, i)
				}
				continue
			}
			at[key] = len(list)
			list = append(list, puzzle{*r, []int{i}})
		}
	}
	return list
}

// solve tries every value on every puzzle. solver returns, for a puzzle, what
// tells whether a value fits, and why; nil where there is nothing to try.
func solve(l *lists, list []puzzle, attack string, solver func(*row) func(kind, string) string) map[int32][]claim {
	claims := map[int32][]claim{}
	entries := l.all()
	var mu sync.Mutex
	share(func(worker, workers int) {
		for i := worker; i < len(list); i += workers {
			fits := solver(&list[i].row)
			if fits == nil {
				continue
			}
			for _, e := range entries {
				how := fits(e.kind, l.value(e))
				if how == "" {
					continue
				}
				mu.Lock()
				for _, s := range list[i].source {
					claims[int32(s)] = append(claims[int32(s)], claim{e, attack, how, "insert_id", []string{list[i].row.who()}})
				}
				mu.Unlock()
			}
		}
	})
	return claims
}

var (
	standIn = regexp.MustCompile(`"(\$device:)?((?:email|phone|ip|card|iban)_)?([0-9a-f]{32})"`)
	hashed  = regexp.MustCompile(`^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$`)
)

// rebuild puts each value back where a lake id or a token stands and hashes the
// event as shared/event does. It fits if Loch had made the insert id before it
// sealed the event.
func rebuild(l *lists, sources []*evidence) map[int32][]claim {
	list := puzzles(sources, func(r *row) bool { return r.insertIDSource == "hash" && oneStandIn(r.properties) != "" })
	return solve(l, list, byRebuilding, func(r *row) func(kind, string) string {
		stand := oneStandIn(r.properties)
		want, err := hex.DecodeString(r.insertID)
		if err != nil || len(want) < 8 {
			return nil
		}
		pieces := strings.Split(r.properties, stand)
		head := r.requestID + "\x00" + r.batchIndex + "\x00" + r.name + "\x00"
		var buf []byte
		return func(_ kind, v string) string {
			buf = append(append(buf[:0], head...), pieces[0]...)
			for _, p := range pieces[1:] {
				buf = append(append(buf, v...), p...)
			}
			sum := sha256.Sum256(buf)
			if string(sum[:min(len(want), len(sum))]) != string(want) {
				return ""
			}
			return "sha256 of the event with the value in it"
		}
	})
}

// oneStandIn is the lake id or token in a row's properties, if it is the only
// one.
func oneStandIn(properties string) string {
	found := standIn.FindAllStringSubmatch(properties, -1)
	one := ""
	for _, m := range found {
		if one != "" && one != m[2]+m[3] {
			return ""
		}
		one = m[2] + m[3]
	}
	return one
}

// recipes tries how SDKs and import scripts make an insert id that is the same
// when the event is sent again: a hash of who, what and when.
func recipes(l *lists, sources []*evidence) map[int32][]claim {
	list := puzzles(sources, func(r *row) bool {
		return r.insertIDSource != "hash" && hashed.MatchString(r.insertID) && !randomUUID(r.insertID)
	})
	return solve(l, list, byRecipe, func(r *row) func(kind, string) string {
		want, err := hex.DecodeString(r.insertID)
		if err != nil {
			return nil
		}
		sum := map[int]func([]byte) []byte{16: md5Sum, 20: sha1Sum, 32: sha256Sum}[len(want)]
		var layouts [][3]string // before, after the value, and in words
		for _, at := range []string{strconv.FormatInt(r.timeMS/1000, 10), strconv.FormatInt(r.timeMS, 10)} {
			for _, glue := range []string{"", "-", "_", ":", "|", ",", " "} {
				layouts = append(layouts,
					[3]string{"", glue + r.name + glue + at, "who, event, time"},
					[3]string{r.name + glue, glue + at, "event, who, time"},
					[3]string{"", glue + at, "who, time"},
					[3]string{"", glue + at + glue + r.name, "who, time, event"})
			}
		}
		var buf []byte
		return func(_ kind, v string) string {
			for _, layout := range layouts {
				buf = append(append(append(buf[:0], layout[0]...), v...), layout[1]...)
				if string(sum(buf)) == string(want) {
					return "a hash of " + layout[2]
				}
			}
			return ""
		}
	})
}

// randomUUID tells a version 4 UUID without its dashes, which is no hash.
func randomUUID(s string) bool {
	return len(s) == 32 && s[12] == '4' && strings.IndexByte("89ab", s[16]) >= 0
}
