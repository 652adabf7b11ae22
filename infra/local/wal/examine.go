package wal

import (
	"errors"
	"fmt"
	"io"
)

// examine proves the frames of a file, counts what they hold, and cuts what
// follows them if it was never acknowledged. next is the nearest younger file
// with a header, newest says that no younger file holds parcels.
func (l *Log) examine(c, next *candidate, newest bool) (cut int64, err error) {
	end, known := c.size, false
	if next != nil && next.header.prevSeq == c.Seq {
		end, known = next.header.prevEnd, true
		if c.empty || c.size < end {
			return 0, corrupt(fileName(c.Seq), &damage{c.size, fmt.Errorf("the file ends there, but held %d bytes", end)})
		}
	}
	if c.empty {
		return c.size, nil
	}
	err = l.with(c, func(f file) error {
		base, err := c.walk(f, end, known || !newest)
		if err == nil && c.size > c.Bytes {
			// No fsync: until it is durable that this file ends here, by the
			// next one's header, the tail would only be cut again.
			err = f.truncate(c.Bytes)
		}
		if err == nil && newest && c.Parcels > 0 && !l.noSync {
			err = c.harden(f, base)
		}
		return err
	})
	return c.size - c.Bytes, err
}

// walk goes over the frames up to end, counts them, and sets c.Bytes to where
// the good ones stop. It returns where the last group begins. promised says
// that everything up to end was acknowledged.
func (c *candidate) walk(f file, end int64, promised bool) (base int64, err error) {
	fr := frames{file: f, salt: c.header.crc, at: c.header.size, end: end}
	base = fr.at
	for {
		h, body, err := fr.next()
		if errors.Is(err, io.EOF) {
			return base, nil
		}
		if d, ok := errors.AsType[*damage](err); ok {
			return base, c.torn(f, d, end, promised)
		}
		if err != nil {
			return 0, err
		}
		rows, rejected, err := counts(body)
		if err != nil {
			return 0, corrupt(fileName(c.Seq), &damage{c.Bytes, err})
		}
		base = max(base, h.base)
		c.Bytes = fr.at
		c.Parcels++
		c.Rows += rows
		c.Rejected += rejected
	}
}

// torn decides what damage is. Nil means a tail that may be cut.
func (c *candidate) torn(f file, d *damage, end int64, promised bool) error {
	if errors.Is(d.why, errCodec) {
		return foreign(fileName(c.Seq), d.why)
	}
	if !promised {
		after, err := acknowledgedAfter(f, c.header.crc, d.offset, end)
		if err != nil {
			return err
		}
		promised = after
	}
	if promised {
		return corrupt(fileName(c.Seq), d)
	}
	return nil
}

// harden makes the last group durable, which was written but perhaps not
// synced when the process ended. The bytes are written once more, as they are:
// after a failed fsync the system takes pages for clean that never reached the
// disk, and a plain fsync would pass them over.
func (c *candidate) harden(f file, base int64) error {
	group := make([]byte, c.Bytes-base)
	_, err := f.ReadAt(group, base)
	if err == nil || errors.Is(err, io.EOF) {
		_, err = f.WriteAt(group, base)
	}
	if err == nil {
		err = f.sync()
	}
	return err
}
