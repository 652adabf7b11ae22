package wal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"loch/shared/event"
	"loch/shared/fault"
)

// candidate is a file of the folder on its way to become a segment.
type candidate struct {
	segment
	size  int64
	empty bool // it ends before any parcel could begin
}

// recover reads the whole folder, cuts what was never acknowledged, and sets
// l.segments to the segments that hold parcels. It returns the numbers of the
// files that hold none, for the caller to remove.
func (l *Log) recover() (found Recovery, litter []uint64, err error) {
	files, err := l.candidates()
	if err != nil {
		return Recovery{}, nil, err
	}

	// From the newest to the oldest: what a file's end must be is known from
	// the header of the next.
	var next *candidate
	newest := true // no younger file holds parcels
	for _, c := range slices.Backward(files) {
		cut, err := l.examine(c, next, newest)
		if err != nil {
			return Recovery{}, nil, err
		}
		if cut > 0 {
			found.CutBytes += cut
			found.CutSegment = max(found.CutSegment, c.Seq)
		}
		if !c.empty {
			next = c
		}
		l.floor = max(l.floor, c.Seq)
		if c.Parcels == 0 {
			litter = append(litter, c.Seq)
			continue
		}
		newest = false
		found.Segments++
		found.Parcels += int(c.Parcels)
		c.Closed = true
		l.segments = append(l.segments, new(c.segment))
	}
	slices.Reverse(l.segments)
	if n := len(l.segments); n > 0 {
		// It becomes closed once there is a next one to count on from.
		l.segments[n-1].Closed = false
	}
	return found, litter, nil
}

// candidates lists the files of the log, in ascending order, with their
// headers.
func (l *Log) candidates() ([]*candidate, error) {
	names, err := l.dir.names()
	if err != nil {
		return nil, unusable(err)
	}
	var files []*candidate
	slices.Sort(names) // the numbers have a fixed width
	for _, name := range names {
		seq, ok := parseName(name)
		if !ok {
			continue
		}
		c := new(candidate)
		c.Seq = seq
		files = append(files, c)
		if err := l.with(c, c.readHeader); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// with opens a candidate's file for as long as do runs. There may be more files
// than can be open at once, after a long time without roll-overs. An error of
// the disk becomes a fault.
func (l *Log) with(c *candidate, do func(file) error) error {
	f, err := l.dir.open(fileName(c.Seq))
	if err != nil {
		return unusable(err)
	}
	err = do(f)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if _, ok := errors.AsType[*fault.Error](err); err == nil || ok {
		return err
	}
	return unusable(err)
}

// readHeader fills in what the front of the file says.
func (c *candidate) readHeader(f file) error {
	var err error
	if c.size, err = f.size(); err != nil {
		return err
	}
	b := make([]byte, min(c.size, maxHeader))
	if n, err := f.ReadAt(b, 0); n < len(b) {
		return err
	}
	if c.header, err = decodeHeader(b); err != nil {
		empty, readErr := halfHeader(f, b, c.size)
		if empty || readErr != nil {
			c.empty = empty
			return readErr
		}
		if errors.Is(err, errFormat) || errors.Is(err, errColumns) {
			return foreign(fileName(c.Seq), err)
		}
		return corrupt(fileName(c.Seq), &damage{0, err})
	}
	if c.header.seq != c.Seq {
		return corrupt(fileName(c.Seq), &damage{0, fmt.Errorf("it is a copy of %s", fileName(c.header.seq))})
	}
	if c.layout, err = layoutOf(c.header.columns, event.Columns); err != nil {
		return foreign(fileName(c.Seq), err)
	}
	c.Bytes, c.OpenedAt = c.header.size, c.header.openedAt
	return nil
}

// halfHeader tells whether a file was cut off while it was made, before it could
// take a parcel: it holds a part of a header and then, as some file systems
// leave them after a power cut, zeros. A header that is merely damaged has
// parcels behind it. front is the beginning of the file.
func halfHeader(f file, front []byte, size int64) (bool, error) {
	some := bytes.TrimRight(front, "\x00")
	n := min(len(some), len(magic))
	if string(some[:n]) != magic[:n] || bytes.Contains(some, []byte(mark[:len(mark)-1])) {
		return false, nil
	}
	rest := make([]byte, readAhead)
	for at := int64(len(front)); at < size; {
		n, err := f.ReadAt(rest[:min(int64(len(rest)), size-at)], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		if len(bytes.TrimRight(rest[:n], "\x00")) > 0 || n == 0 {
			return false, nil
		}
		at += int64(n)
	}
	return true, nil
}
