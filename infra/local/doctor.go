package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"loch/infra/local/disk"
	"loch/shared/checkup"
	"loch/shared/enrich"
	"loch/shared/fault"
)

// examined is a data folder that is looked at. Nothing in it is opened that a server
// writes, so a running one is not disturbed, and one that does not start can be looked at.
type examined struct {
	dir string
	now func() time.Time
}

// Examine looks at a data folder, and at the server that runs on it if one does.
func (*connector) Examine(dataDir string) []checkup.Check {
	e := &examined{dataDir, time.Now}
	if _, err := os.Stat(dataDir); errors.Is(err, fs.ErrNotExist) {
		return []checkup.Check{{Name: "data folder", Look: e.lookAtFolder}} // the rest would be in it
	}
	return []checkup.Check{
		{Name: "data folder", Look: e.lookAtFolder},
		{Name: "disk", Look: e.lookAtDisk},
		{Name: "credentials", Look: e.lookAtCredentials},
		{Name: "vault's key", Look: e.lookAtKey},
		{Name: "places", Look: e.lookAtPlaces},
		{Name: "server", Look: e.lookAtServer},
		{Name: "version", Look: e.lookAtVersion},
		{Name: "log", Look: e.lookAtLog},
	}
}

// private looks whether others on this machine can read something.
func private(path string) (words, do string) {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return "", ""
	}
	mode := "600"
	if info.IsDir() {
		mode = "700"
	}
	return fmt.Sprintf("others on this machine may read it (%04o)", info.Mode().Perm()), "chmod " + mode + " " + path
}

func (e *examined) lookAtFolder(context.Context) checkup.Finding {
	info, err := os.Stat(e.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return checkup.Bad("there is none at "+e.dir, "`loch serve` makes it at its first start; or name another with --data")
	case err != nil:
		return checkup.Bad("it cannot be looked at: "+err.Error(), "run this as the user whose it is")
	case !info.IsDir():
		return checkup.Bad(e.dir+" is a file", "name another folder with --data")
	}
	probe, err := os.CreateTemp(e.dir, ".doctor-")
	if err != nil {
		return checkup.Bad("it cannot be written", "run Loch as the user whose it is, or chown the folder")
	}
	_ = probe.Close() // nothing is in it
	_ = os.Remove(probe.Name())
	if words, do := private(e.dir); words != "" {
		return checkup.Warn(words, do)
	}
	return checkup.Well(absolute(e.dir))
}

const (
	// usualReserve is what `loch serve` keeps free unless it is told otherwise.
	usualReserve = 256 << 20
	// roomyTimes is how many reserves should be free: compaction writes files anew
	// before it deletes the old ones.
	roomyTimes = 8
)

func (e *examined) lookAtDisk(context.Context) checkup.Finding {
	free, err := disk.New(e.dir, 0, e.now).Free()
	if err != nil {
		return checkup.Unseen(fault.From(err).Error(), "")
	}
	reserve := uint64(usualReserve)
	if r, ok := readRunning(e.dir); ok && r.Reserve > 0 {
		reserve = r.Reserve
	}
	words := fmt.Sprintf("%.1f GB free", float64(free)/1e9)
	switch {
	case free < reserve:
		return checkup.Bad(fmt.Sprintf("%s, less than the reserve of %d MiB: writes are answered with 503", words, reserve>>20), "free some room, or move the folder to a larger disk")
	case free < roomyTimes*reserve:
		return checkup.Warn(words+": the next large compaction may find no room", "free some room, or move the folder to a larger disk")
	}
	return checkup.Well(words)
}

func (e *examined) lookAtCredentials(context.Context) checkup.Finding {
	c, err := readCredentials(e.dir)
	if err != nil {
		return checkup.Bad(fault.From(err).Error(), "restore credentials.json from its backup; projects.json has hashes of the keys only")
	}
	for _, scope := range []string{"read", "pii", "erase"} {
		if c.Keys[scope] == "" {
			return checkup.Bad("credentials.json has no key for "+scope, "restore it from its backup")
		}
	}
	if words, do := private(filepath.Join(e.dir, "credentials.json")); words != "" {
		return checkup.Bad(words, do)
	}
	return checkup.Well("a token and three keys for the project " + c.Project)
}

func (e *examined) lookAtKey(context.Context) checkup.Finding {
	path := filepath.Join(e.dir, "vault.key")
	if _, err := os.Stat(path); err != nil {
		if entries, err := os.ReadDir(filepath.Join(e.dir, "vault")); err == nil && len(entries) > 0 {
			return checkup.Bad("vault.key is missing, and there is a vault: nothing sealed can be opened", "restore the key file of the same moment from its backup")
		}
		return checkup.Warn("there is none yet", "the first start of `loch serve` makes it")
	}
	f, err := openKeyFile(e.dir)
	if err != nil {
		return checkup.Bad(fault.From(err).Error(), "restore it from its backup")
	}
	if words, do := private(path); words != "" {
		return checkup.Bad(words, do)
	}
	if len(f.keys) > 1 {
		return checkup.Warn("a rotation was cut off: it holds the old key, too", "the next start of `loch serve` finishes it")
	}
	return checkup.Well("well-formed and private; keep its backup apart from the rest")
}

// oldPlaces is when a database of places begins to be wrong about many addresses.
const oldPlaces = 365 * 24 * time.Hour

func (e *examined) lookAtPlaces(context.Context) checkup.Finding {
	file := ""
	if r, ok := readRunning(e.dir); ok {
		file = r.Geo
	}
	places, err := enrich.New(enrich.Options{GeoPath: file})
	if err != nil {
		return checkup.Bad(fault.From(err).Error(), "the next start needs it: give --geo another file, or none")
	}
	info := places.GeoInfo()
	_ = places.Close() // it was read only
	words := fmt.Sprintf("%s of %s", info.Type, info.Built.Format("January 2006"))
	if e.now().Sub(info.Built) > oldPlaces {
		return checkup.Warn(words+": addresses have moved since", "give `loch serve --geo` a newer file, or build a newer Loch")
	}
	return checkup.Well(words)
}

// patience is how long a server on this machine may take to answer.
const patience = 5 * time.Second

// lookAtServer asks a running server whether it takes events; where none runs, whether
// its usual port is free.
func (e *examined) lookAtServer(ctx context.Context) checkup.Finding {
	r, ok := readRunning(e.dir)
	if ok {
		if conn, err := net.DialTimeout("unix", r.Socket, time.Second); err != nil {
			return checkup.Warn("none runs; the last one was killed", "start one: loch serve --data "+e.dir)
		} else if err := conn.Close(); err != nil {
			return checkup.Unseen(err.Error(), "")
		}
	} else {
		const usual = "127.0.0.1:8080"
		l, err := net.Listen("tcp", usual)
		if err != nil {
			return checkup.Warn("none runs on this folder, and another program has "+usual, "start one elsewhere: loch serve --addr 127.0.0.1:8081 --data "+e.dir)
		}
		_ = l.Close()
		return checkup.Warn("none runs on this folder", "start one: loch serve --data "+e.dir)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.Addr+"/healthz", http.NoBody)
	if err != nil {
		return checkup.Unseen(err.Error(), "")
	}
	begun := e.now()
	response, err := http.DefaultClient.Do(q)
	if err != nil {
		return checkup.Bad("it runs and does not answer on "+r.Addr, "see its log; a firewall, or more than --max-connections of clients")
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return checkup.Bad(fmt.Sprintf("it answers %d: it takes no events", response.StatusCode), "see `curl http://"+r.Addr+"/healthz`, and the disk above")
	}
	return checkup.Well(fmt.Sprintf("answers on %s in %d ms, process %d, up since %s", r.Addr, e.now().Sub(begun).Milliseconds(), r.PID, r.Started.Format("2 January 15:04 UTC")))
}

func (e *examined) lookAtVersion(context.Context) checkup.Finding {
	r, ok := readRunning(e.dir)
	switch {
	case !ok:
		return checkup.Well("loch " + version())
	case r.Version != version():
		return checkup.Warn("the server is "+r.Version+", this loch is "+version(), "restart the server to run this one")
	}
	return checkup.Well("server and command are loch " + version())
}

// lateLog is how long a segment of the log may wait to become Parquet, whatever
// --rollover-every says.
const lateLog = 2 * time.Hour

// lookAtLog looks whether the log becomes Parquet: where a server runs, no segment is
// old, but the open one.
func (e *examined) lookAtLog(context.Context) checkup.Finding {
	entries, err := os.ReadDir(filepath.Join(e.dir, "wal"))
	if err != nil {
		return checkup.Warn("there is none yet", "the first start of `loch serve` makes it")
	}
	var bytes int64
	oldest := e.now()
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || info.IsDir() {
			continue // it became Parquet meanwhile
		}
		if bytes += info.Size(); info.Size() > 0 && info.ModTime().Before(oldest) {
			oldest = info.ModTime()
		}
	}
	words := fmt.Sprintf("%.1f MB wait to become Parquet", float64(bytes)/1e6)
	if _, ok := readRunning(e.dir); ok && len(entries) > 1 && e.now().Sub(oldest) > lateLog {
		return checkup.Bad(words+", the oldest since "+oldest.UTC().Format("2 January 15:04 UTC"), "see the server's log for why they are not rolled over; what is in them is safe")
	}
	return checkup.Well(words)
}
