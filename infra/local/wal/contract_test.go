package wal

import (
	"testing"

	"loch/infra/local/disk"
	"loch/shared/event"
	"loch/shared/event/eventtest"
)

// The log keeps the contract of a sink, as the delivery stream does.
func TestSink(t *testing.T) {
	eventtest.RunSink(t, func(t *testing.T) eventtest.Engine {
		dir := t.TempDir()
		l, _ := mustOpen(t, dir, Options{NoSync: true})
		return eventtest.Engine{
			Sink: l,
			Read: func(t *testing.T) (rows []event.Row, rejected []event.Rejected) {
				for _, p := range readAll(t, l) {
					rows, rejected = append(rows, p.Rows...), append(rejected, p.Rejected...)
				}
				return rows, rejected
			},
			Break: func(broken bool) {
				l.guard = nil
				if broken {
					l.guard = disk.New(dir, 1<<62, l.now)
				}
			},
		}
	})
}
