package vault

import (
	"context"
	"strings"
	"sync"
	"time"
)

const saltPrefix = "salt/"

func saltContext(name string) map[string]string {
	return map[string]string{"loch": "salt", "name": name}
}

// dailySalts are today's salts in memory, by project.
type dailySalts struct {
	mu    sync.Mutex
	today map[string]dailySalt
}

type dailySalt struct {
	name string
	salt []byte
}

// DailySalt returns a project's secret of the UTC day, and throws those of the
// days before away: what was hashed with them can never be told again.
func (v *Vault) DailySalt(ctx context.Context, projectID string, now time.Time) ([]byte, error) {
	name := saltPrefix + projectID + "/" + now.UTC().Format(time.DateOnly)
	v.salts.mu.Lock()
	defer v.salts.mu.Unlock()
	if s, ok := v.salts.today[projectID]; ok && s.name == name {
		return s.salt, nil
	}
	salt, err := v.secret(ctx, name, saltContext(name))
	if err != nil {
		return nil, err
	}
	if err := v.ThrowSalts(ctx, now); err != nil {
		return nil, err
	}
	if v.salts.today == nil {
		v.salts.today = map[string]dailySalt{}
	}
	v.salts.today[projectID] = dailySalt{name, salt}
	return salt, nil
}

// ThrowSalts throws away the salts of the days before now's. DailySalt does it at
// its first use in a day; a process that serves for long calls it besides, for
// days on which nobody comes.
func (v *Vault) ThrowSalts(ctx context.Context, now time.Time) error {
	today := now.UTC().Format(time.DateOnly)
	old := map[string][]byte{}
	err := v.store.Secrets(ctx, saltPrefix, func(name string, _ []byte) error {
		if day := name[strings.LastIndexByte(name, '/')+1:]; day < today {
			old[name] = nil
		}
		return nil
	})
	if err != nil || len(old) == 0 {
		return err
	}
	return v.store.ReplaceSecrets(ctx, old)
}
