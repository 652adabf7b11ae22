package profiletest

import (
	"slices"

	"loch/shared/profile"
)

// merge makes two people one, or says why not.
func (m *model) merge(g profile.Merging) profile.Merged {
	into, from := m.whose(g.Into.ID), m.whose(g.From.ID)
	devices := 0
	for id, ref := range map[string]profile.Ref{into: g.Into, from: g.From} {
		if ref.Device && ref.ID == id {
			devices++
		}
	}
	switch {
	case m.erased[from] || m.erased[into]:
		return profile.Merged{}
	case from == into:
		return m.one(into)
	case g.OnlyNew && from != g.From.ID, devices == 2:
		return profile.Merged{}
	case devices == 1:
		return profile.Merged{Outcome: profile.MergeLinks}
	case g.OnlyNew && (len(m.linked(from)) > 1 || !m.isNew(from, g.OrVisitor)):
		return profile.Merged{}
	}
	m.users[from], m.merged[from] = into, true
	old := m.people[from]
	if old == nil {
		return m.one(into)
	}
	delete(m.people, from)
	p := m.create(into)
	p.facts, p.updated = append(p.facts, old.facts...), p.updated || old.updated
	p.sure = len(p.facts)
	for _, name := range old.names {
		if _, there := p.values[name]; !there {
			p.names = append(p.names, name)
			p.values[name] = old.values[name]
		}
	}
	return m.one(into)
}

// isNew says whether nothing is known under an id, nor was; or only that somebody was
// seen, if it may be a visitor's.
func (m *model) isNew(id string, orVisitor bool) bool {
	p := m.people[id]
	return !m.gone[id] && (p == nil || orVisitor && !p.updated)
}

// one is the answer that two are one person.
func (m *model) one(id string) profile.Merged {
	ids := m.linked(id)
	ids = slices.DeleteFunc(ids, func(other string) bool { return other != id && !m.merged[other] })
	slices.Sort(ids)
	return profile.Merged{Outcome: profile.MergeDone, Person: id, IDs: ids}
}
