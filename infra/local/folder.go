package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"loch/shared/fault"
)

// lockFolder makes the data folder and takes its lock, so that two servers never
// write one lake.
func lockFolder(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "the data folder cannot be made; choose another with --data")
	}
	f, err := os.OpenFile(filepath.Join(dir, "LOCK"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "the data folder cannot be written; choose another with --data")
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, errInUse
	}
	return f, nil
}

var errInUse = fault.New(fault.Unavailable, "another loch runs on this data folder; stop it, or choose another folder with --data")

// writeFile writes a small file so that it is there as a whole or not at all.
func writeFile(path string, text []byte) error {
	temporary := path + ".new"
	f, err := os.OpenFile(temporary, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, filepath.Base(path)+" cannot be written")
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, filepath.Base(path)+" cannot be written")
	}
	return nil
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// running is what a server writes into its data folder for the other commands.
type running struct {
	Addr    string    `json:"addr"`
	Socket  string    `json:"socket"`
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
	Version string    `json:"version"`
	Reserve uint64    `json:"disk_reserve_bytes"`
	Geo     string    `json:"geo,omitempty"` // its file of places; empty for the built-in one
}

func writeRunning(dir string, r running) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, "server.json"), append(text, '\n'))
}

func readRunning(dir string) (r running, ok bool) {
	text, err := os.ReadFile(filepath.Join(dir, "server.json"))
	if err != nil || json.Unmarshal(text, &r) != nil {
		return r, false
	}
	return r, true
}

// credentials is the file a person reads to find tokens and keys.
type credentials struct {
	Project string            `json:"project"`
	Token   string            `json:"token"`
	Keys    map[string]string `json:"keys"`
}

func readCredentials(dir string) (c credentials, err error) {
	text, err := os.ReadFile(filepath.Join(dir, "credentials.json"))
	if err != nil {
		return c, fault.Wrap(err, fault.NotFound, "there is no credentials.json in the data folder; start `loch serve` there first, or name the folder with --data")
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, fault.Wrap(err, fault.Invalid, "credentials.json is not valid JSON")
	}
	return c, nil
}
