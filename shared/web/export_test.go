package web

import "time"

// SetPace lets tests be impatient.
func (b *Budget) SetPace(grace time.Duration, bytesPerSecond int64) {
	b.pace = pace{grace, bytesPerSecond}
}

// Kept is how many bytes of buffers, and how many decompressors, wait for the next
// requests.
func (b *Budget) Kept() (bytes int64, inflaters int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.shelf.bytes, len(b.shelf.inflaters)
}
