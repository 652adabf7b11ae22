package lookup

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"loch/shared/audit"
	"loch/shared/fault"
	"loch/shared/privacy"
	"loch/shared/profile"
	"loch/shared/project"
	"loch/shared/web"
)

const (
	// Both let the asker say why; it goes into the audit ledger.
	reasonHeader    = "X-Reason"
	reasonParameter = "why"
	maxReason       = 500     // bytes that are kept
	longestRead     = 8 << 10 // bytes; nobody types more
)

// show opens a profile, for the reason that was said, as far as the key goes. To a key of scope pii personal
// traits are shown in clear, once that is in the ledger; to others masked, in
// form and not in length, which tells nobody anything they did not know.
func (h *handler) show(r *http.Request, key project.Key, asked, said string, p profile.Profile) (answer, error) {
	pii := key.Scope.Allows(project.PII)
	if pii {
		if err := h.take(key); err != nil {
			return answer{}, err
		}
	}
	policy, err := policyOf(key)
	if err != nil {
		return answer{}, err
	}
	opened, names, err := h.open(r.Context(), policy, p)
	if err != nil {
		return answer{}, err
	}
	if !pii {
		p.Traits = masked(opened, names)
		return answerOf(asked, p), nil
	}
	if len(names) > 0 {
		if _, err := h.Audit.Append(r.Context(), audit.Entry{
			Project: key.Project.ID, Kind: audit.Read, Key: key.Name, Person: p.ID, Fields: names,
			Why: reason(said, asked), RequestID: web.RequestID(r.Context()),
		}); err != nil {
			return answer{}, err
		}
	}
	p.Traits = opened
	return answerOf(asked, p), nil
}

// policyOf is what a key's project calls personal, its kinds of group among it.
func policyOf(key project.Key) (*privacy.Policy, error) {
	policy, err := privacy.NewPolicy(key.Project.Settings.Privacy)
	if err != nil {
		return nil, err
	}
	return policy.WithGroups(key.Project.Settings.GroupKeys), nil
}

// take takes one of the key's turns.
func (h *handler) take(key project.Key) error {
	return h.Limit.Take(key, key.Project.Settings.LookupLimit())
}

// open opens a profile's traits, and names those that are personal: those that lay
// sealed, and those that the project's policy calls personal today, or a member of
// them, should they have been set before it did.
func (h *handler) open(ctx context.Context, policy *privacy.Policy, p profile.Profile) (opened []profile.Trait, names []string, err error) {
	owners, err := h.Profiles.Linked(ctx, p.Project, p.ID)
	if err != nil {
		return nil, nil, err
	}
	if opened, names, err = h.Vault.OpenTraits(ctx, p.Project, owners, p.Traits); err != nil {
		return nil, nil, err
	}
	for _, t := range opened {
		if policy.Seals(t.Name, t.Value) && string(t.Value) != "null" && !slices.Contains(names, t.Name) {
			names = append(names, t.Name)
		}
	}
	return opened, names, nil
}

// byEmail finds a person by an e-mail. The index may hold e-mails that somebody
// had once, so each candidate's own traits are asked. Of several people who share
// an e-mail the one seen last is shown.
func (h *handler) byEmail(ctx context.Context, key project.Key, text string) (best profile.Profile, err error) {
	if !key.Scope.Allows(project.PII) {
		return best, fault.New(fault.Forbidden, "people are found by e-mail with a key of scope pii only, since a hit says whose it is")
	}
	if err := h.take(key); err != nil {
		return best, err
	}
	policy, err := policyOf(key)
	if err != nil {
		return best, err
	}
	email, ok := policy.NormalEmail(text)
	if !ok {
		return best, fault.New(fault.Invalid, "this is no e-mail address").At("distinct_id")
	}
	ids, err := h.Vault.ByEmail(ctx, key.Project.ID, email)
	if err != nil {
		return best, err
	}
	found := false
	for _, id := range ids {
		p, err := h.Profiles.Get(ctx, key.Project.ID, id)
		if fault.CodeOf(err) == fault.NotFound {
			continue
		}
		if err != nil {
			return best, err
		}
		traits, names, err := h.open(ctx, policy, p)
		if err != nil {
			return best, err
		}
		if hasEmail(policy, traits, names, email) && (!found || p.LastSeenMS > best.LastSeenMS) {
			best, found = p, true
		}
	}
	if !found {
		return best, fault.New(fault.NotFound, "nobody has this e-mail as a trait; look for an identifier without by=email")
	}
	return best, nil
}

func hasEmail(policy *privacy.Policy, traits []profile.Trait, names []string, email string) bool {
	return slices.ContainsFunc(traits, func(t profile.Trait) bool {
		if !slices.Contains(names, t.Name) {
			return false
		}
		return slices.ContainsFunc(profile.Texts(t.Value), func(v string) bool {
			have, ok := policy.NormalEmail(v)
			return ok && have == email
		})
	})
}

// saidReason is the reason as it was given, in the address or in the header.
func saidReason(r *http.Request) (string, error) {
	return oneReason(r, r.URL.Query()[reasonParameter])
}

// oneReason is the reason that stands in the header or in one of the parameters.
func oneReason(r *http.Request, parameters []string) (string, error) {
	all := slices.Concat(r.Header.Values(reasonHeader), parameters)
	all = slices.DeleteFunc(all, func(text string) bool { return text == "" })
	switch len(all) {
	case 0:
		return "", nil
	case 1:
		return all[0], nil
	default:
		return "", fault.New(fault.Invalid, "the reason is said twice: in the address or in the header X-Reason").At(reasonParameter)
	}
}

// reason is what the asker says for the ledger, without what is personal and
// without whom was asked for. It is cut last: cut before, it could end with a
// part of the identifier, which would not be found any more.
func reason(text, asked string) string {
	if len(text) > longestRead {
		return "[too long]"
	}
	policy, err := privacy.NewPolicy(project.Privacy{})
	if err != nil {
		return ""
	}
	text = audit.CleanReason(strings.ToValidUTF8(text, ""), asked, func(text string) string {
		return policy.CleanText(text, func(f privacy.Found) string { return f.Rule.Word() })
	})
	return strings.ToValidUTF8(text[:min(len(text), maxReason)], "")
}
