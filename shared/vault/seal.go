package vault

import (
	"bytes"
	"context"
	"encoding/hex"
	"slices"

	"loch/shared/event"
	"loch/shared/rawjson"
)

// known is an identifier of the request at hand with its lake id.
type known struct {
	Identifier
	id      ID
	text    string   // of id
	sought  bool     // variants is filled
	variant []string // the forms in which the identifier may stand in other texts
}

// names collects the identifiers of one request. A request has few, mostly the
// same two over and over, so the newest are compared before the map is asked.
type names struct {
	list    []known
	index   map[Identifier]int
	scratch []byte // of splice, one event after the other
}

func (n *names) add(id Identifier) {
	if n.find(id) >= 0 {
		return
	}
	n.list = append(n.list, known{Identifier: id})
	if n.index != nil {
		n.index[id] = len(n.list) - 1
	} else if len(n.list) > 8 {
		n.index = make(map[Identifier]int, 64)
		for i, k := range n.list {
			n.index[k.Identifier] = i
		}
	}
}

func (n *names) find(id Identifier) int {
	if n.index != nil {
		if i, ok := n.index[id]; ok {
			return i
		}
		return -1
	}
	for i := range n.list {
		if n.list[i].Value == id.Value && n.list[i].Kind == id.Kind && n.list[i].Project == id.Project {
			return i
		}
	}
	return -1
}

// SealEvents replaces every identifier in the events by its lake id and fills
// the id columns and Properties; Row.Context is swept, too. Row.Project must be set. An event of somebody
// who asked never to be recorded is only marked as Suppressed.
//
// hide are further texts that must not be stored wherever they occur: the
// client's address and user agent.
func (v *Vault) SealEvents(ctx context.Context, events []event.Event, hide []Hidden) error {
	var n names
	for i := range events {
		e := &events[i]
		p := e.Row.Project
		if e.IDs.User != "" {
			n.add(Identifier{p, event.IDUser, e.IDs.User})
		}
		if e.IDs.Device != "" {
			n.add(Identifier{p, event.IDDevice, e.IDs.Device})
		}
		for _, s := range e.IDSpans {
			n.add(Identifier{p, s.ID.Kind, s.ID.Value})
		}
	}
	if len(n.list) > 0 {
		identifiers := make([]Identifier, len(n.list))
		for i := range n.list {
			identifiers[i] = n.list[i].Identifier
		}
		ids, err := v.IDs(ctx, identifiers)
		if err != nil {
			return err
		}
		for i := range n.list {
			n.list[i].id, n.list[i].text = ids[i], ids[i].String()
		}
	}
	hide = spelled(hide)
	for i := range events {
		if err := ctx.Err(); err != nil {
			return err // one event may be a megabyte to search through
		}
		n.seal(&events[i], hide)
	}
	return nil
}

// seal finishes one event.
func (n *names) seal(e *event.Event, hide []Hidden) {
	row := &e.Row
	if n.suppressed(e) {
		e.Suppressed = true
		return
	}
	if e.IDs.User != "" {
		row.UserID = n.list[n.find(Identifier{row.Project, event.IDUser, e.IDs.User})].text
	}
	if e.IDs.Device != "" {
		row.DeviceID = n.list[n.find(Identifier{row.Project, event.IDDevice, e.IDs.Device})].text
	}
	row.Groups = n.groups(e)
	row.Properties = n.sweep(e, string(n.splice(e)), hide)
	if row.Context != "" {
		row.Context = n.sweep(e, row.Context, hide)
	}
}

// suppressed tells whether an event names a suppressed identifier anywhere.
func (n *names) suppressed(e *event.Event) bool {
	is := func(kind, value string) bool {
		return value != "" && n.list[n.find(Identifier{e.Row.Project, kind, value})].id == Suppressed
	}
	if is(event.IDUser, e.IDs.User) || is(event.IDDevice, e.IDs.Device) {
		return true
	}
	return slices.ContainsFunc(e.IDSpans, func(s event.IDSpan) bool { return is(s.ID.Kind, s.ID.Value) })
}

// groups writes the groups column: {"company":["<lake id>"]}.
func (n *names) groups(e *event.Event) string {
	if len(e.IDs.Groups) == 0 {
		return ""
	}
	b := []byte{'{'}
	for i, g := range e.IDs.Groups {
		id := n.list[n.find(Identifier{e.Row.Project, event.IDGroup + g.Key, g.ID})].id
		if i > 0 && e.IDs.Groups[i-1].Key == g.Key {
			b = append(b[:len(b)-1], ',')
		} else {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(rawjson.AppendQuoted(b, g.Key), ':', '[')
		}
		b = append(b, '"')
		b = hex.AppendEncode(b, id[:])
		b = append(b, '"', ']')
	}
	return string(append(b, '}'))
}

// splice copies Properties with lake ids in place of identifiers and without
// the members that are not stored. The copy is good until the next event's.
func (n *names) splice(e *event.Event) []byte {
	in := e.Properties
	out := slices.Grow(n.scratch[:0], len(in)+24*len(e.IDSpans))
	at, d := 0, 0
	drop := func(until int) {
		for d < len(e.Drops) && e.Drops[d].Start < until {
			if s := e.Drops[d]; s.End > at {
				// A comma that the member before it has taken may be behind at.
				out = append(out, in[at:max(at, s.Start)]...)
				at = s.End
				if last := bytes.TrimRight(out, " \t\r\n"); len(last) == 1 {
					at = skipComma(in, at) // it was the first member
				}
			}
			d++
		}
	}
	for _, s := range e.IDSpans {
		drop(s.Start)
		out = append(out, in[at:s.Start]...)
		out = append(out, '"')
		out = append(out, s.Prefix...)
		id := n.list[n.find(Identifier{e.Row.Project, s.ID.Kind, s.ID.Value})].id
		out = hex.AppendEncode(out, id[:])
		out = append(out, '"')
		at = s.End
	}
	drop(len(in))
	n.scratch = append(out, in[at:]...)
	return n.scratch
}

// skipComma moves past the comma that follows a dropped first member.
func skipComma(b []byte, i int) int {
	j := i
	for j < len(b) && (b[j] == ' ' || b[j] == '\t' || b[j] == '\r' || b[j] == '\n') {
		j++
	}
	if j < len(b) && b[j] == ',' {
		return j + 1
	}
	return i
}
