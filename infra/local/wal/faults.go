package wal

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"loch/shared/fault"
)

// ErrGone is what Read returns for a segment that is not there any more: its
// parcels are in the lake.
var ErrGone error = fault.New(fault.NotFound,
	"this segment of the event log is gone; its events are in the lake")

// ErrCorrupt is in the chain of every error about a damaged file. The fault
// around it names the file and the offset.
var ErrCorrupt = errors.New("the event log is damaged")

var (
	errClosed = fault.New(fault.Unavailable,
		"the event log is closed, since the server is stopping; nothing was kept, send again later")
	errTooLarge = fault.Newf(fault.TooLarge,
		"the request is larger than the event log can keep in one piece (%d MiB); nothing was kept, send less at a time", maxBody>>20)
	errStillOpen = fault.New(fault.Internal,
		"a segment of the event log that is still open cannot be removed; rotate first")
	errNoSuchOffset = fault.New(fault.Internal,
		"the event log was asked for an offset at which no parcel begins")
)

func givenUp(cause error) error {
	return fault.Wrap(cause, fault.Unavailable, "the request was given up before its events were written; nothing was kept")
}

// unwritable turns an error of the disk into what Put returns. The system's
// own words are constants, so they may be shown; paths stay in the cause.
func unwritable(cause error) error {
	if isFull(cause) {
		return fault.Wrap(cause, fault.Unavailable,
			"the disk that holds the event log is full; nothing was kept, free some room and send again")
	}
	return fault.Wrap(cause, fault.Unavailable,
		"the event log cannot be written"+systemSays(cause)+"; nothing was kept, send again later")
}

func unreadable(cause error) error {
	return fault.Wrap(cause, fault.Unavailable, "the event log cannot be read"+systemSays(cause))
}

// unusable is what Open returns when the folder does not let the log do its
// work.
func unusable(cause error) error {
	if errors.Is(cause, fs.ErrPermission) || errors.Is(cause, syscall.EROFS) {
		return fault.Wrap(cause, fault.Unavailable,
			"the folder of the event log cannot be written"+systemSays(cause)+
				"; see that it belongs to the user who runs loch and is not mounted read-only")
	}
	return fault.Wrap(cause, fault.Unavailable,
		"the folder of the event log cannot be used"+systemSays(cause))
}

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

func systemSays(err error) string {
	if no, ok := errors.AsType[syscall.Errno](err); ok {
		return " (" + no.Error() + ")"
	}
	return ""
}

// corrupt says which acknowledged data cannot be read, and what to do.
func corrupt(name string, d *damage) error {
	return fault.Wrap(errors.Join(ErrCorrupt, d), fault.Internal, fmt.Sprintf(
		"the event log is damaged in wal/%s at offset %d: %v. "+
			"Events that were acknowledged are affected, so nothing was cut and nothing is skipped. "+
			"Bring the file back from a backup; or, to go on without what it holds, move it out of the folder and start again",
		name, d.offset, d.why))
}

// foreign says that a file is whole but not one that this program can read.
func foreign(name string, why error) error {
	return fault.Wrap(why, fault.Internal, fmt.Sprintf(
		"wal/%s cannot be read: %v. Nothing was changed. "+
			"Start the version of Loch that wrote it, let it roll the log over, and come back",
		name, why))
}
