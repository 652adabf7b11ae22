package ingest

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"loch/shared/event"
	"loch/shared/fault"
	"loch/shared/privacy"
	"loch/shared/profile"
	"loch/shared/rawjson"
	"loch/shared/vault"
	"loch/shared/wire"
)

// markPersonal marks the operands that the vault is to seal: of traits that are
// personal by name, those in which a rule finds something, those that repeat the
// person's identifier, hold any identifier or name a group they belong to, and those that look as if
// they were sealed already.
func markPersonal(u *profile.Update, p *privacy.Cleaner, groupKeys []string) {
	for i := range u.Ops {
		op := &u.Ops[i]
		op.Personal = p.PersonalTrait(op.Name) || p.HoldsPersonalTrait(op.Name, op.Value) || len(findIn(p, op)) > 0 || slices.Contains(groupKeys, op.Name) ||
			names(op.Value, u.ClearID) || privacy.HoldsID(op.Value) || strings.Contains(string(op.Value), "$sealed")
		// A name cannot be sealed: it is what the trait is found by.
		op.Name = p.CleanText(op.Name, func(f privacy.Found) string { return f.Rule.Word() })
	}
}

// findIn looks into an operand under its trait's name, which tells a phone number
// from an order number.
func findIn(p *privacy.Cleaner, op *profile.Op) []privacy.Found {
	if len(op.Value) == 0 {
		return nil
	}
	b := make([]byte, 0, len(op.Name)+len(op.Value)+8)
	b = append(rawjson.AppendQuoted(append(b, '{'), op.Name), ':')
	return p.Find(nil, string(append(append(b, op.Value...), '}')))
}

// minRepeated is how short an identifier may be to be looked for in traits.
const minRepeated = 3

func names(value json.RawMessage, id string) bool {
	if len(id) < minRepeated {
		return false
	}
	quoted := rawjson.AppendQuoted(nil, id)
	return strings.Contains(string(value), id) || strings.Contains(string(value), string(quoted[1:len(quoted)-1]))
}

// sealUpdates refuses updates whose values the project does not want, notes the
// e-mails by which people can be found, and has the vault seal what is personal.
func (h *handler) sealUpdates(ctx context.Context, b *wire.Batch, updates []profile.Update, o *owners) ([]profile.Update, error) {
	kept := updates[:0]
	emails := map[string][]vault.Value{}
	for _, u := range updates {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p := o.policy(u.Project)
		if slices.ContainsFunc(u.Ops, func(op profile.Op) bool { return op.Personal && refused(p, &op) }) {
			b.Rejected = append(b.Rejected, event.Rejection{
				Index: u.Index, Token: u.Token, Reason: event.ReasonPersonalData, Field: "$set", Payload: u.Raw,
			})
			continue
		}
		for i := range u.Ops {
			emails[u.Project] = appendEmails(emails[u.Project], p, &u, &u.Ops[i])
		}
		kept = append(kept, u)
	}
	for projectID, list := range emails {
		if err := h.Vault.IndexEmail(ctx, projectID, list); err != nil {
			return nil, err
		}
	}
	if err := h.findOwners(ctx, kept); err != nil {
		return nil, err
	}
	return kept, h.Vault.SealUpdates(ctx, kept)
}

// findOwners finds the person of each update that is to be sealed: equal values are
// equal to $union and $remove under one key only, whichever id they were sent for. The
// lists of somebody whom others were merged into hold what was sealed under theirs,
// so those are found, too.
func (h *handler) findOwners(ctx context.Context, updates []profile.Update) error {
	seen := sealersSeen{left: profile.MaxListBytes, of: map[[2]string]map[string][]string{}}
	for i := range updates {
		if err := ctx.Err(); err != nil {
			return err
		}
		u := &updates[i]
		if u.ExactID || u.GroupKey != "" || !slices.ContainsFunc(u.Ops, func(op profile.Op) bool { return op.Personal }) {
			continue
		}
		whose, err := h.Profiles.Whose(ctx, u.Project, []string{u.ID})
		if err != nil {
			return err
		}
		u.Owner = whose[0]
		if !slices.ContainsFunc(u.Ops, comparesSealed) {
			continue
		}
		if u.Sealers, err = h.sealersOf(ctx, u, &seen); err != nil {
			return err
		}
	}
	return nil
}

// comparesSealed tells an operator that looks for its operand among sealed items.
func comparesSealed(op profile.Op) bool {
	return op.Personal && (op.Kind == profile.Union || op.Kind == profile.Remove)
}

// sealersSeen are those who sealed items in the profiles of one request: by project and
// person, and by trait.
type sealersSeen struct {
	left int // bytes of traits that may still be looked at
	of   map[[2]string]map[string][]string
}

// mostSealers is under how many keys an operand is looked for beside the person's own.
// A write token is public, and each costs a hash for every item.
const mostSealers = 4

// sealersOf are those merged into a person who sealed items of the lists that an update
// compares with.
func (h *handler) sealersOf(ctx context.Context, u *profile.Update, seen *sealersSeen) (sealers []string, err error) {
	who := [2]string{u.Project, u.Owner}
	byTrait, known := seen.of[who]
	if !known && seen.left > 0 {
		p, err := h.Profiles.Get(ctx, u.Project, u.Owner)
		if err != nil && fault.CodeOf(err) != fault.NotFound {
			return nil, err
		}
		byTrait = map[string][]string{}
		for _, t := range p.Traits {
			seen.left -= len(t.Value)
			if found := profile.SealersOf(t.Value); found != nil {
				byTrait[t.Name] = found
			}
		}
		seen.of[who] = byTrait
	}
	for i := range u.Ops {
		if !comparesSealed(u.Ops[i]) {
			continue
		}
		for _, sealer := range byTrait[u.Ops[i].Name] {
			if sealer != u.Owner && !slices.Contains(sealers, sealer) && len(sealers) < mostSealers {
				sealers = append(sealers, sealer)
			}
		}
	}
	return sealers, nil
}

// refused tells a value of a kind for which the project's policy is reject. A
// trait that is personal by its name is where such a value belongs.
func refused(p *privacy.Cleaner, op *profile.Op) bool {
	return !p.PersonalTrait(op.Name) && slices.ContainsFunc(findIn(p, op), func(f privacy.Found) bool {
		return p.Action(f.Rule) == privacy.Reject
	})
}

// appendEmails adds what is an e-mail as a whole among an operand's values.
func appendEmails(list []vault.Value, p *privacy.Cleaner, u *profile.Update, op *profile.Op) []vault.Value {
	if !op.Personal || op.Kind == profile.Remove || u.GroupKey != "" {
		return list
	}
	for _, v := range profile.Texts(op.Value) {
		if email, ok := p.NormalEmail(v); ok {
			list = append(list, vault.Value{Project: u.Project, Owner: u.ID, Rule: string(privacy.Email), Value: email})
		}
	}
	return list
}
