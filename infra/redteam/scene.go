package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// scene is a data folder that the real server filled, and who is in it.
type scene struct {
	dir     string // everything stands under it
	crowd   *crowd
	present int // so many of the crowd, the first ones, are in the lake
}

// senders post beside each other, as browsers do.
const senders = 8

// play has the people use a website, half of them before a compaction and half
// after, so that each tier of the lake and the log hold somebody.
func (s *scene) play(ctx context.Context, binary string, now time.Time, progress func(done, total int)) (err error) {
	data, log := filepath.Join(s.dir, "data"), filepath.Join(s.dir, "server.log")
	server, err := startServer(ctx, binary, data, log)
	if err != nil {
		return err
	}
	defer func() {
		if server != nil {
			err = errors.Join(err, server.stop())
		}
	}()
	half := s.present / 2
	if err := s.send(ctx, server, 0, half, now, progress); err != nil {
		return err
	}
	if err := s.awaitLanding(ctx, data); err != nil {
		return err
	}
	if err := server.run(ctx, "compact"); err != nil {
		return err
	}
	if err := s.send(ctx, server, half, s.present, now, progress); err != nil {
		return err
	}
	err, server = server.stop(), nil
	return err
}

// send posts what the people from one to another do.
func (s *scene) send(ctx context.Context, server *server, from, to int, now time.Time, progress func(done, total int)) error {
	var mu sync.Mutex
	var all sync.WaitGroup
	var failed error
	next := from
	for range senders {
		all.Go(func() {
			for {
				mu.Lock()
				at := next
				next++
				stop := failed != nil || at >= to
				mu.Unlock()
				if stop {
					return
				}
				err := s.crowd.people[at].send(ctx, server, at, now.Add(-time.Duration(at)*time.Minute).UnixMilli())
				mu.Lock()
				failed = errors.Join(failed, err)
				progress(at+1, s.present)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return failed
}

// awaitLanding waits until the log has become Parquet, which the server does by
// itself.
func (s *scene) awaitLanding(ctx context.Context, data string) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		files, err := filepath.Glob(filepath.Join(data, "lake", "landing", "*", "*", "*.parquet"))
		if err != nil || len(files) > 0 {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("the log has not become Parquet: %w", ctx.Err())
		}
	}
}

// steal copies what a thief of the lake gets: its files, the log from which they
// are made, the ledger of both, and what the server wrote to its own log.
func (s *scene) steal(name string) (lake string, err error) {
	lake = filepath.Join(s.dir, name)
	for _, part := range []string{"lake", "wal", "ledger"} {
		if err := copyFolder(filepath.Join(lake, part), filepath.Join(s.dir, "data", part)); err != nil {
			return "", err
		}
	}
	return lake, copyFile(filepath.Join(lake, "server.log"), filepath.Join(s.dir, "server.log"))
}

// thefts are what could happen, with what Loch says of it in shared/vault.
func (s *scene) thefts(planted []string) ([]theft, error) {
	lake, err := s.steal("stolen")
	if err != nil {
		return nil, err
	}
	for _, name := range planted {
		if err := plant(lake, name, s.crowd.people[:s.present]); err != nil {
			return nil, err
		}
	}
	data := filepath.Join(s.dir, "data")
	profiles, vault, key := filepath.Join(data, "profiles"), filepath.Join(data, "vault"), filepath.Join(data, "vault.key")
	list := []theft{
		{"the lake", "files, log, ledger and server log", stolen{lake: lake}, nobody},
		{"… and the profile store", "the same and DATA/profiles", stolen{lake: lake, profiles: profiles}, nobody},
		{"… and the vault", "the same and DATA/vault, without its key", stolen{lake, profiles, vault, ""}, nobody},
		{"… and the key file", "all of DATA", stolen{lake, profiles, vault, key}, anything},
	}
	for _, name := range plantNames() {
		weak := filepath.Join(s.dir, "planted-"+name)
		if err := os.MkdirAll(weak, 0o700); err != nil {
			return nil, err
		}
		if err := plant(weak, name, s.crowd.people[:s.present]); err != nil {
			return nil, err
		}
		list = append(list, theft{"planted: " + weaknesses[name].words, "files with the weakness " + name, stolen{lake: weak}, somebody})
	}
	return list, nil
}

// truth is who is there to be found.
func (s *scene) truth() *truth {
	at := map[string]entry{}
	for _, e := range s.crowd.lists.all() {
		at[fmt.Sprint(e.kind)+" "+s.crowd.lists.value(e)] = e
	}
	t := &truth{present: map[entry]bool{}, person: map[entry]int{}}
	for i := range s.crowd.people[:s.present] {
		for k := range kinds {
			e := at[fmt.Sprint(k)+" "+s.crowd.people[i][k]]
			t.present[e], t.person[e] = true, i
			// A user id that is an e-mail stands in both lists; either names the person.
			if v := s.crowd.people[i][k]; k == user && strings.Contains(v, "@") {
				t.present[at[fmt.Sprint(email)+" "+v]] = true
			}
		}
	}
	return t
}
