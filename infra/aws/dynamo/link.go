package dynamo

import (
	"context"
	"errors"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"loch/shared/profile"
)

// A link is one transaction: the device's item says whom it leads to, the person's
// gets what was seen of the device and the names of its updates, and a third item says
// from the person's side that the device is theirs. Both items are as they were read,
// so an update of the device is written before or goes to the person.

// linksAtOnce is how many devices of one person one transaction links: two items each,
// and the person's.
const linksAtOnce = (mostInTransaction - 1) / 2

// link links the devices of a request that are not linked yet, and has the plan know.
func (p *plan) link(ctx context.Context, links []profile.Link) error {
	var order []*profile.Link
	for i := range links {
		l := &links[i]
		if _, known := p.s.recent.leads(key{l.Project, l.Device}, p.s.Now()); !known {
			order = append(order, l)
		}
	}
	for len(order) > 0 {
		var ids []key
		for _, l := range order {
			ids = append(ids, key{l.Project, l.Device}, key{l.Project, l.User})
		}
		if err := p.read(ctx, ids); err != nil {
			return err
		}
		again, err := p.linkUsers(ctx, order)
		if err != nil {
			return err
		}
		if order = again; len(again) > 0 {
			if err := p.e.yield(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// linkUsers links devices whose records are known, user by user. It returns the links
// of which nothing was written, since a record had changed.
func (p *plan) linkUsers(ctx context.Context, links []*profile.Link) (again []*profile.Link, err error) {
	by := map[key][]*profile.Link{}
	taken := map[key]bool{}
	var users []key
	for _, l := range links {
		device := key{l.Project, l.Device}
		if who, _ := p.follow(device); who != device {
			continue
		}
		user, _ := p.follow(key{l.Project, l.User})
		// A link to or from somebody who was erased makes nothing; two that are one
		// by a merge are linked as it is.
		if taken[device] || user == device || p.known[device].dead || p.known[user].dead {
			continue
		}
		taken[device] = true // the first that makes something counts
		if by[user] == nil {
			users = append(users, user)
		}
		if len(by[user]) == linksAtOnce {
			again = append(again, l)
			continue
		}
		by[user] = append(by[user], l)
	}
	var mu sync.Mutex
	all, bounded := errgroup.WithContext(ctx)
	all.SetLimit(atOnce)
	for _, user := range users {
		all.Go(func() error {
			written, err := p.linkDevices(bounded, p.known[user], by[user])
			mu.Lock()
			defer mu.Unlock()
			if err == nil && written == nil {
				again = append(again, by[user]...)
			}
			for _, r := range written {
				p.s.recent.saw(r, p.s.Now())
			}
			return err
		})
	}
	err = all.Wait()
	// What has changed, by us or by others, is read again if it is needed.
	for _, l := range links {
		for _, id := range []string{l.Device, l.User} {
			p.forget(key{l.Project, id})
		}
	}
	return again, err
}

// forget drops what is known of an id and of whom it led to.
func (p *plan) forget(k key) {
	for {
		r, ok := p.known[k]
		if !ok {
			return
		}
		delete(p.known, k)
		if r.to == "" {
			return
		}
		k = key{k.project, r.to}
	}
}

// linkDevices writes one transaction. It returns the records as they stand then, or nil
// if one of them had changed.
func (p *plan) linkDevices(ctx context.Context, user *record, links []*profile.Link) (map[key]*record, error) {
	w, err := p.s.newWrite(false)
	if err != nil {
		return nil, err
	}
	next := *user
	next.names = user.names.clone()
	var devices []*record
	for _, l := range links {
		device := *p.known[key{l.Project, l.Device}]
		at := profile.SeenAt(l.TimeMS, profile.Place{}, profile.DeviceInfo{}, profile.Arrival{})
		next.p.SetSeen(next.p.Seen().Join(device.p.Seen()).Join(at))
		next.names.join(&device.names, w.week())
		device.to = user.id
		devices = append(devices, &device)
	}
	e := p.s.effort(ctx)
	if err := p.s.spill(ctx, e, &next, w); err != nil {
		return nil, err
	}
	var writes []types.TransactWriteItem
	records := map[key]*record{}
	for n, r := range append([]*record{&next}, devices...) {
		i, err := r.encode(w)
		if err != nil {
			return nil, err
		}
		condition, values := r.unchanged()
		writes = append(writes, p.s.putting(i, condition, values))
		if records[r.key], err = decodeRecord(r.key, i); err != nil {
			return nil, err
		}
		if n > 0 {
			writes = append(writes, p.s.putting(user.key.item(skDevice+r.id), nil, nil))
		}
	}
	err = p.s.transact(ctx, e, writes)
	if _, changed := errors.AsType[*refusedCall](err); changed {
		return nil, nil
	}
	return records, err
}

// spill moves names out of a record in which those of several have gathered.
func (s *Profiles) spill(ctx context.Context, e *effort, r *record, w *write) error {
	if !r.names.tooMany(w.week()) {
		return nil
	}
	if err := s.putAll(ctx, e, r.names.moved(r.project, w.week())); err != nil {
		return err
	}
	r.names = r.names.without(&r.names, w.week())
	return nil
}
