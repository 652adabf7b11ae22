package wal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"loch/shared/event"
	"loch/shared/fault"
)

// written is a log that was closed in good order: a closed segment and an open
// one, with one group for each inner list.
type written struct {
	disk   *memDisk
	closed string     // file name
	open   string     // file name
	groups [][]string // of the open segment
	ends   []int64    // offset behind each parcel of the open segment
	ids    []string   // of all segments
}

func writeLog(t testing.TB) *written {
	t.Helper()
	w := &written{disk: newMemDisk(1), closed: fileName(1), open: fileName(2)}
	l, _, err := open(w.disk, Options{Now: func() time.Time { return time.UnixMilli(1_795_000_000_000) }})
	if err != nil {
		t.Fatal(err)
	}
	put := func(names ...string) {
		var group []*event.Parcel
		for _, id := range names {
			group = append(group, &event.Parcel{
				Receipt: event.Receipt{RequestID: id, Received: 1},
				Rows:    []event.Row{{Name: "seen", InsertID: id, Revenue: event.NoRevenue}},
			})
		}
		for _, err := range putGroup(l, group) {
			if err != nil {
				t.Fatal(err)
			}
		}
		w.ids = append(w.ids, names...)
	}
	put("a")
	put("b", "c")
	if err := l.Rotate(); err != nil {
		t.Fatal(err)
	}
	w.groups = [][]string{{"d"}, {"e", "f"}, {"g", "h", "i"}}
	for _, names := range w.groups {
		put(names...)
	}
	f := frames{file: w.disk.seen[w.open], salt: l.last().header.crc, at: l.last().header.size, end: l.last().Bytes}
	for f.at < f.end {
		if _, _, err := f.next(); err != nil {
			t.Fatal(err)
		}
		w.ends = append(w.ends, f.at)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return w
}

// reopened opens a copy of the disk after change has damaged it.
func (w *written) reopened(t *testing.T, change func(d *memDisk)) ([]string, Recovery, error) {
	t.Helper()
	d := w.disk.clone()
	change(d)
	before := d.clone()
	l, found, err := open(d, Options{})
	if err != nil {
		for name, f := range before.seen {
			if !bytes.Equal(f.seen, d.seen[name].seen) {
				t.Errorf("Open failed (%v) and yet changed %s", err, name)
			}
		}
		return nil, found, err
	}
	got := ids(readAll(t, l))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, s := range l.Segments() {
		if size := len(d.seen[fileName(s.Seq)].seen); int64(size) != s.Bytes {
			t.Errorf("segment %d ends at %d, its file at %d", s.Seq, s.Bytes, size)
		}
	}
	// What was repaired once is whole.
	again, found2, err := open(d, Options{})
	if err != nil || found2.CutBytes != 0 || found2.Parcels != len(got) {
		t.Errorf("opened once more: %+v, %v; want %d parcels and no cut", found2, err, len(got))
	} else if got2 := ids(readAll(t, again)); !slices.Equal(got, got2) {
		t.Errorf("opened once more: %v, want %v", got2, got)
	}
	return got, found, nil
}

func TestTornTailIsCutAtAnyByte(t *testing.T) {
	w := writeLog(t)
	whole := w.disk.seen[w.open].seen
	for size := range len(whole) + 1 {
		for _, zeros := range []int{0, 1, 600} {
			got, found, err := w.reopened(t, func(d *memDisk) {
				d.put(w.open, append(slices.Clone(whole[:size]), make([]byte, zeros)...))
			})
			if err != nil {
				t.Fatalf("cut to %d bytes and %d zeros: %v (cause %v)", size, zeros, err, cause(err))
			}
			want := slices.Clone(w.ids[:3])
			end := int64(0)
			if header := w.disk.seen[w.open].headerSize(t); int64(size) >= header {
				end = header
			}
			for i, e := range w.ends {
				if e <= int64(size) {
					want, end = append(want, w.ids[3+i]), e
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("cut to %d bytes and %d zeros: %v, want %v", size, zeros, got, want)
			}
			if cut := int64(size+zeros) - end; found.CutBytes != cut || (cut > 0) != (found.CutSegment == 2) {
				t.Fatalf("cut to %d bytes and %d zeros: %+v, want %d bytes cut from segment 2", size, zeros, found, cut)
			}
		}
	}
}

func (f *memFile) headerSize(t *testing.T) int64 {
	t.Helper()
	h, err := decodeHeader(f.seen)
	if err != nil {
		t.Fatal(err)
	}
	return h.size
}

func TestDamageIsRefusedOrCutButNeverSkipped(t *testing.T) {
	w := writeLog(t)
	size := int64(len(w.disk.seen[w.open].seen))
	lastGroup := w.ends[2] // where g, h and i begin
	for _, name := range []string{w.closed, w.open} {
		for at := range len(w.disk.seen[name].seen) {
			for _, bit := range []byte{1, 0x80} {
				got, found, err := w.reopened(t, func(d *memDisk) { d.seen[name].seen[at] ^= bit })
				where := fmt.Sprintf("bit %#x at offset %d of %s flipped", bit, at, name)
				if name == w.open && int64(at) >= lastGroup {
					// Nothing was written after the last group, so nothing
					// proves that it had been acknowledged.
					keep := 3 + 3
					for _, e := range w.ends[3:] {
						if e <= int64(at) {
							keep++
						}
					}
					if err != nil || !slices.Equal(got, w.ids[:keep]) {
						t.Fatalf("%s: %v, %v; want %v", where, got, err, w.ids[:keep])
					}
					if want := size - w.ends[keep-3-1]; found.CutBytes != want {
						t.Fatalf("%s: %d bytes reported as cut, want %d", where, found.CutBytes, want)
					}
					continue
				}
				if err == nil {
					t.Fatalf("%s: opened with %v", where, got)
				}
				if fault.CodeOf(err) != fault.Internal || !strings.Contains(err.Error(), "wal/"+name) {
					t.Fatalf("%s: %v, want a fault that names the file", where, err)
				}
			}
		}
	}
}

func TestDamageIsNamedWithFileAndOffset(t *testing.T) {
	w := writeLog(t)
	_, _, err := w.reopened(t, func(d *memDisk) { d.seen[w.open].seen[w.ends[0]+frameHead+2] ^= 1 })
	if !errors.Is(err, ErrCorrupt) {
		t.Fatalf("Open = %v, want ErrCorrupt in its chain", err)
	}
	for _, want := range []string{"wal/" + w.open, fmt.Sprintf("offset %d", w.ends[0]), "Bring the file back from a backup", "move it out of the folder"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("Open says %q, want %q in it", err, want)
		}
	}

	// What the message advises works: the other segment is taken in.
	got, _, err := w.reopened(t, func(d *memDisk) { delete(d.seen, w.open) })
	if err != nil || !slices.Equal(got, w.ids[:3]) {
		t.Errorf("without the file: %v, %v; want %v", got, err, w.ids[:3])
	}
}

func TestFilesThatNeedSorting(t *testing.T) {
	w := writeLog(t)
	content := func(name string) []byte { return slices.Clone(w.disk.seen[name].seen) }
	headerOnly := func(seq uint64) []byte {
		h := header{seq: seq, prevSeq: 2, prevEnd: int64(len(content(w.open))), columns: storedColumns(event.Columns)}
		return h.encode()
	}
	later := content(w.open)
	later[len(magic)-1]++
	codec := content(w.open)
	at := int(w.ends[3])
	codec[at+len(mark)-1]++
	// A newer program would have written a head that checks.
	h, err := decodeHeader(codec)
	if err != nil {
		t.Fatal(err)
	}
	sum := headSum(codec[at:], h.crc, int64(at))
	for i := range 4 {
		codec[at+16+i] = byte(sum >> (8 * i))
	}

	for _, test := range []struct {
		name   string
		change func(d *memDisk)
		want   []string // what is read back
		cut    int64
		fault  string // or what Open says
	}{
		{"nothing wrong", func(*memDisk) {}, w.ids, 0, ""},
		{"an empty file behind", func(d *memDisk) { d.put(fileName(3), nil) }, w.ids, 0, ""},
		{"a file of zeros behind", func(d *memDisk) { d.put(fileName(3), make([]byte, 200_000)) }, w.ids, 200_000, ""},
		{"half a header behind", func(d *memDisk) { d.put(fileName(3), headerOnly(3)[:60]) }, w.ids, 60, ""},
		{"a header behind", func(d *memDisk) { d.put(fileName(3), headerOnly(3)) }, w.ids, 0, ""},
		{"a header and zeros behind", func(d *memDisk) { d.put(fileName(3), append(headerOnly(3), make([]byte, 5000)...)) }, w.ids, 5000, ""},
		{"two empty files behind", func(d *memDisk) { d.put(fileName(3), nil); d.put(fileName(4), nil) }, w.ids, 0, ""},
		{"an empty file in front", func(d *memDisk) { d.put(fileName(2), content(w.open)); d.put(fileName(1), nil) }, nil, 0, "held"},
		{"litter of a crash", func(d *memDisk) { d.put(making, []byte("half")) }, w.ids, 0, ""},
		{"files of others", func(d *memDisk) { d.put("notes.txt", []byte("x")); d.put("1.wal", []byte("x")) }, w.ids, 0, ""},
		{"the closed one is gone", func(d *memDisk) { delete(d.seen, w.closed) }, w.ids[3:], 0, ""},
		{"the closed one is too short", func(d *memDisk) { d.put(w.closed, content(w.closed)[:len(content(w.closed))-1]) }, nil, 0, "held"},
		{"the closed one has litter behind its end", func(d *memDisk) { d.put(w.closed, append(content(w.closed), "litter"...)) }, w.ids, 6, ""},
		{"a copy under another number", func(d *memDisk) { d.put(fileName(3), content(w.closed)) }, nil, 0, "a copy of " + w.closed},
		{"not a log", func(d *memDisk) { d.put(w.open, []byte("this is somebody's diary, not a log")) }, nil, 0, "does not begin like"},
		{"a later format", func(d *memDisk) { d.put(w.open, later) }, nil, 0, "another version of Loch"},
		{"a later codec", func(d *memDisk) { d.put(w.open, codec) }, nil, 0, "another version of Loch"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, found, err := w.reopened(t, test.change)
			if test.fault != "" {
				if fault.CodeOf(err) != fault.Internal || !strings.Contains(err.Error(), test.fault) {
					t.Errorf("Open = %v, want an internal fault with %q", err, test.fault)
				}
				return
			}
			if err != nil {
				t.Fatalf("Open: %v (cause %v)", err, cause(err))
			}
			if !slices.Equal(got, test.want) || found.CutBytes != test.cut {
				t.Errorf("%v with %d bytes cut, want %v with %d", got, found.CutBytes, test.want, test.cut)
			}
		})
	}
}

// FuzzOpen opens a folder whose only file holds anything at all, from the
// header on or behind a good one. Open must not panic, and what it takes must
// stay the same when it is opened again.
func FuzzOpen(f *testing.F) {
	w := writeLog(f)
	whole := w.disk.seen[w.open].seen
	h, err := decodeHeader(whole)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole[h.size:], true)
	f.Add(whole, false)
	f.Add([]byte(mark+"\xff\xff\xff\xff"), true)
	f.Fuzz(func(t *testing.T, content []byte, afterHeader bool) {
		if afterHeader {
			content = append(slices.Clone(whole[:h.size]), content...)
		}
		d := newMemDisk(1)
		d.put(fileName(2), content)
		l, found, err := open(d, Options{})
		if err != nil {
			if _, ok := errors.AsType[*fault.Error](err); !ok {
				t.Errorf("Open returns %T, want a fault", err)
			}
			return
		}
		all := readAllLenient(l)
		again, found2, err := open(d, Options{})
		if err != nil || found2.Parcels != found.Parcels || readAllLenient(again) != all {
			t.Errorf("opened once more: %+v, %v; want %+v", found2, err, found)
		}
	})
}

// readAllLenient counts what can be read; a parcel with a good checksum may
// still not be one.
func readAllLenient(l *Log) (n int) {
	for _, s := range l.Segments() {
		_, _ = l.Read(s.Seq, 0, func(*event.Parcel) error { n++; return nil })
	}
	return n
}

// FuzzFrames walks over any bytes as over the frames of a file.
func FuzzFrames(f *testing.F) {
	rng := rand.New(rand.NewPCG(8, 8))
	var file []byte
	for i := range 3 {
		frame := appendParcel(make([]byte, frameHead), event.Columns, randomParcel(rng, fmt.Sprint(i)))
		stamp(frame, 7, bodySum(frame[frameHead:]), 0, int64(len(file)))
		file = append(file, frame...)
	}
	f.Add(file)
	f.Add(file[:len(file)-3])
	f.Fuzz(func(t *testing.T, content []byte) {
		fr := frames{file: bytes.NewReader(content), salt: 7, end: int64(len(content))}
		for {
			before := fr.at
			h, body, err := fr.next()
			if err != nil {
				break
			}
			if int64(len(body)) != h.length || fr.at != before+frameHead+h.length {
				t.Fatalf("frame at %d of %d bytes: %d bytes, next at %d", before, h.length, len(body), fr.at)
			}
		}
		if cap(fr.buf) > len(content) {
			t.Errorf("%d bytes took a buffer of %d", len(content), cap(fr.buf))
		}
	})
}
