package ingest

import (
	"sync"

	"loch/shared/privacy"
	"loch/shared/project"
)

// cleaners keeps the projects' cleaners between requests, since their memory is
// what makes them fast. Projects that chose nothing share one.
type cleaners struct {
	plain *privacy.Cleaner
	mu    sync.RWMutex
	own   map[string]ownCleaner // by project
}

type ownCleaner struct {
	settings project.Privacy
	cleaner  *privacy.Cleaner
}

// mostCleaners bounds the memory: beyond it all begin anew.
const mostCleaners = 256

func newCleaners() *cleaners {
	policy, err := privacy.NewPolicy(project.Privacy{})
	if err != nil {
		panic(err) // the default is a constant of the program
	}
	return &cleaners{plain: privacy.NewCleaner(policy), own: map[string]ownCleaner{}}
}

// of returns the cleaner for a project's settings. It returns fault.Invalid for
// settings that are wrong.
func (c *cleaners) of(projectID string, s project.Privacy) (*privacy.Cleaner, error) {
	if s.Default() {
		return c.plain, nil
	}
	c.mu.RLock()
	known, ok := c.own[projectID]
	c.mu.RUnlock()
	if ok && known.settings.Equal(s) {
		return known.cleaner, nil
	}
	policy, err := privacy.NewPolicy(s)
	if err != nil {
		return nil, err
	}
	made := ownCleaner{settings: s, cleaner: privacy.NewCleaner(policy)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.own) >= mostCleaners {
		clear(c.own)
	}
	c.own[projectID] = made
	return made.cleaner, nil
}
