package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// kind is what sort of value names somebody.
type kind uint8

const (
	email kind = iota
	user
	device
	phone
	address
	kinds
)

// words are the kinds as the report calls them; files are the lists' names.
var (
	words = [kinds]string{"e-mails", "user ids", "device ids", "phones", "IPv4 addresses"}
	files = [kinds]string{"emails.txt", "users.txt", "devices.txt", "phones.txt", "addresses.txt"}
)

// lists is what the attacker knows of the world: values of people of whom some
// are in the lake. Phones are written as E.164 with +.
type lists [kinds][]string

// entry is one value of the lists.
type entry struct {
	kind kind
	at   int32
}

func (l *lists) value(e entry) string { return l[e.kind][e.at] }

// all lists every entry.
func (l *lists) all() []entry {
	var list []entry
	for k := range kinds {
		for i := range l[k] {
			list = append(list, entry{k, int32(i)})
		}
	}
	return list
}

// readLists reads the five files, one value a line. A file that is not there is
// an empty list.
func readLists(dir string) (*lists, error) {
	l := &lists{}
	total := 0
	for k := range kinds {
		f, err := os.Open(filepath.Join(dir, files[k]))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s := bufio.NewScanner(f)
		for s.Scan() {
			if v := strings.TrimSpace(s.Text()); v != "" {
				l[k] = append(l[k], v)
			}
		}
		err = errors.Join(s.Err(), f.Close())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", files[k], err)
		}
		total += len(l[k])
	}
	if total == 0 {
		return nil, fmt.Errorf("there is no list in %s: it should hold %s", dir, strings.Join(files[:], ", "))
	}
	return l, nil
}

// write makes the five files.
func (l *lists) write(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for k := range kinds {
		text := strings.Join(l[k], "\n") + "\n"
		if err := os.WriteFile(filepath.Join(dir, files[k]), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
