package profile

// MaxListBytes is how much list text the $union, $remove and $append of one request
// may go over: the lists that are stored and the operands. A write token is public,
// and each such operator reads a whole list: a few kilobytes of them could keep a
// processor busy for minutes.
const MaxListBytes = 32 << 20

// Effort counts what the updates of one request cost. The zero Effort is a
// request's first.
type Effort struct{ listBytes int }

// Take counts an update that is about to be applied to p, or refuses it where the
// request has cost enough. Every store asks it before Apply.
func (e *Effort) Take(p *Profile, u *Update) *Refusal {
	cost := 0
	for i := range u.Ops {
		op := &u.Ops[i]
		if op.Kind != Union && op.Kind != Remove && op.Kind != Append {
			continue
		}
		cost += len(op.Value)
		for j := range p.Traits {
			if p.Traits[j].Name == op.Name {
				cost += len(p.Traits[j].Value)
				break
			}
		}
	}
	if e.listBytes+cost > MaxListBytes {
		return &Refusal{Index: u.Index, Reason: reasonTooMuch}
	}
	e.listBytes += cost
	return nil
}
