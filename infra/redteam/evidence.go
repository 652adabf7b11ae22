package main

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// evidence is one thing that was stolen, taken apart: every text in it, where it
// stood, and the rows as rows.
type evidence struct {
	name  string
	texts []text
	index map[string]int32

	binaries [][]byte // records that are not text
	rows     []row
	rowOf    map[string]int // lake id to number of rows
	rowSeen  map[string]bool
	public   map[string]bool

	files, values int
	problems      []string // what could not be opened
}

// text is a string of the evidence.
type text struct {
	s      string
	where  []string // columns or files, a few of them
	people []string // lake ids of the rows in which it stood, a few of them
	opaque bool     // only searched as it is: a whole file, a whole JSON text
	loose  bool     // out of a file of bytes, where a length or the next field touches it
}

// row is what the attacker keeps of an event to look at it as a whole.
type row struct {
	project, name, insertID, insertIDSource, requestID, batchIndex string
	user, device, properties                                       string
	country, browser, os, date, path                               string
	timeMS                                                         int64
	file                                                           string
}

// who is the lake id that a row is about.
func (r *row) who() string {
	if r.user != "" {
		return r.user
	}
	return r.device
}

// field is where a column's text is kept, nil if it is not.
func (r *row) field(column string) *string {
	switch column {
	case "project":
		return &r.project
	case "event":
		return &r.name
	case "insert_id":
		return &r.insertID
	case "insert_id_source":
		return &r.insertIDSource
	case "request_id":
		return &r.requestID
	case "user_id":
		return &r.user
	case "device_id":
		return &r.device
	case "properties":
		return &r.properties
	case "country":
		return &r.country
	case "browser":
		return &r.browser
	case "os":
		return &r.os
	case "page_path":
		return &r.path
	}
	return nil
}

func newEvidence(name string) *evidence {
	return &evidence{name: name, index: map[string]int32{}, rowOf: map[string]int{}, rowSeen: map[string]bool{}, public: map[string]bool{}}
}

const (
	maxPlaces = 6
	maxPeople = 4
)

// add keeps a text. The same text at many places is looked at once.
func (e *evidence) add(where, s, who string, opaque bool) {
	if len(s) < minNeedle {
		return
	}
	e.values++
	at, ok := e.index[s]
	if !ok {
		at = int32(len(e.texts))
		s = strings.Clone(s)
		e.index[s] = at
		e.texts = append(e.texts, text{s: s, opaque: opaque})
	}
	t := &e.texts[at]
	t.opaque = t.opaque && opaque
	t.loose = false
	t.where = addFew(t.where, where, maxPlaces)
	if who != "" {
		t.people = addFew(t.people, who, maxPeople)
	}
}

func addFew(list []string, s string, limit int) []string {
	if len(list) >= limit {
		return list
	}
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// addRow keeps a row and what it tells of the world: names that are no secret.
func (e *evidence) addRow(r row) {
	// A file of before a compaction and one of after it hold the same row.
	key := r.requestID + " " + r.batchIndex + " " + r.insertID
	if e.rowSeen[key] {
		return
	}
	e.rowSeen[key] = true
	e.rows = append(e.rows, r)
	for _, id := range []string{r.user, r.device} {
		if id != "" {
			e.rowOf[id]++
		}
	}
	if r.project != "" {
		e.public[r.project] = true
	}
}

// addBinary keeps a record of bytes, and the texts inside it.
func (e *evidence) addBinary(where string, b []byte) {
	if utf8.Valid(b) && printable(b) == len(b) {
		e.add(where, string(b), "", false)
		return
	}
	e.binaries = append(e.binaries, b)
	for start := 0; start < len(b); { // as the Unix program strings does
		end := start
		for end < len(b) && isText(b[end]) {
			end++
		}
		e.addLoose(where, string(b[start:end]), false)
		start = end + 1
	}
}

// addLoose keeps a text whose neighbours are not its own.
func (e *evidence) addLoose(where, s string, opaque bool) {
	if _, ok := e.index[s]; ok || len(s) < minNeedle {
		return
	}
	e.add(where, s, "", opaque)
	e.texts[len(e.texts)-1].loose = true
}

// isText tells a byte of a text, or of a letter beyond ASCII.
func isText(c byte) bool { return c >= 0x20 && c != 0x7f || c == '\t' || c == '\n' || c == '\r' }

func printable(b []byte) int {
	n := 0
	for _, c := range b {
		if isText(c) {
			n++
		}
	}
	return n
}
