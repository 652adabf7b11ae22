package firehosetest

import (
	"fmt"
	"regexp"
	"time"
)

const (
	defaultBufferBytes = 128 << 20
	defaultInterval    = 300 * time.Second
	longestInterval    = 900 * time.Second
)

// leastBufferBytes is the smallest buffer with format conversion. Tests lower it.
var leastBufferBytes = 64 << 20

var streamName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,64}$`)

func open(given Stream) (*stream, error) {
	s := &stream{Stream: given}
	if !streamName.MatchString(s.Name) {
		return nil, fmt.Errorf("a stream's name has 1 to 64 of a-z, A-Z, 0-9, _ . and -")
	}
	if s.BufferBytes == 0 {
		s.BufferBytes = defaultBufferBytes
	}
	if s.BufferInterval == 0 {
		s.BufferInterval = defaultInterval
	}
	if s.BufferBytes < leastBufferBytes || s.BufferInterval < 0 || s.BufferInterval > longestInterval {
		return nil, fmt.Errorf("%s: with format conversion a buffer has at least 64 MiB, and at most 900 seconds", s.Name)
	}
	var err error
	if s.table, err = newTable(s.Columns); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	if s.prefix, err = parsePrefix(s.Prefix); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	if s.failed, err = parsePrefix(s.ErrorPrefix); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	switch {
	case s.prefix.saysWhy:
		return nil, fmt.Errorf("%s: the prefix must not contain error-output-type", s.Name)
	case s.ErrorPrefix == "" && s.prefix.dynamic:
		return nil, fmt.Errorf("%s: a prefix with expressions needs an error prefix", s.Name)
	case s.failed.dynamic && !s.failed.saysWhy:
		return nil, fmt.Errorf("%s: an error prefix with expressions must contain !{firehose:error-output-type}", s.Name)
	}
	return s, nil
}
