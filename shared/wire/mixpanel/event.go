package mixpanel

import (
	"net/netip"
	"strings"

	"loch/shared/event"
	"loch/shared/rawjson"
)

// event decodes {"event": name, "properties": {…}}, which split has just read from
// text.
func (d *decoder) event(text, raw []byte) {
	var name []byte
	for _, m := range d.split.outer {
		if string(nameOf(text[m.name:m.nameEnd])) == "event" {
			name = text[m.value:m.end]
		}
	}
	properties := text[d.split.properties.value:d.split.properties.end]
	// Made in its place: an event is large, and one that is refused leaves again.
	at := len(d.batch.Events)
	d.batch.Events = append(d.batch.Events, event.Event{Index: d.index, Properties: properties, Raw: raw})
	e := &d.batch.Events[at]
	if len(properties) == 0 {
		e.Properties = []byte("{}")
	}
	e.Row.Protocol = Protocol
	e.Row.Revenue = event.NoRevenue
	e.Row.BatchIndex = int64(d.index)
	if d.replaced {
		e.Row.Flags = event.FlagTextReplaced
	}
	var reason event.Reason
	var field string
	switch {
	case name == nil:
		reason, field = event.ReasonMissingField, "event"
	case name[0] != '"':
		reason, field = event.ReasonWrongType, "event"
	case e.Properties[0] != '{':
		reason, field = event.ReasonWrongType, "properties"
	}
	if reason == "" {
		e.Row.Name = rawjson.Text(name)
		e.Row.Kind = kindOf(e.Row.Name)
	}
	p := propertyReader{e: e, decoder: d, body: text}
	if e.Properties[0] == '{' {
		// Also where the event cannot be taken: the token says whose it is, the
		// insert id tells the client which.
		if r, f := p.read(); reason == "" {
			reason, field = r, f
		}
	}
	if reason == "" && p.ignored {
		// Mixpanel drops such events in silence; here they are counted.
		reason, field = event.ReasonIgnored, "properties.$ignore"
	}
	if reason != "" {
		d.batch.Rejected = append(d.batch.Rejected, event.Rejection{
			Index: d.index, Token: e.Token, InsertID: e.Row.InsertID, Reason: reason, Field: field, Payload: raw,
		})
		d.batch.Events[at] = event.Event{}
		d.batch.Events = d.batch.Events[:at]
		return
	}
	p.resolveIDs()
	p.resolveMerge()
	p.resolveAddress()
	d.context(e, text)
}

// kindOf tells the kind by Mixpanel's own event names.
func kindOf(name string) event.Kind {
	switch name {
	case "$mp_web_page_view":
		return event.KindPage
	case "$identify":
		return event.KindIdentify
	case "$create_alias", "$merge":
		return event.KindAlias
	}
	return event.KindEvent
}

// devicePrefix marks a device's id where a user's may stand.
const devicePrefix = "$device:"

// resolveIDs tells who sent the event, by Mixpanel's simplified merge: the user
// id, else the device id, whatever distinct_id says; a distinct_id alone is a
// device's if it says so and a user's otherwise.
func (p *propertyReader) resolveIDs() {
	ids := &p.e.IDs
	if p.distinctID == "" && p.e.Row.Name == "$identify" {
		p.distinctID = p.identified // as Mixpanel's reference has it
	}
	ids.User, ids.Device = p.userID, p.deviceID
	if ids.User == "" && ids.Device == "" && p.distinctID != "" {
		if device, ok := strings.CutPrefix(p.distinctID, devicePrefix); ok {
			ids.Device = device
		} else {
			ids.User = p.distinctID
		}
	}
	if event.NamesNobody(ids.User) {
		ids.User = ""
	}
	if event.NamesNobody(ids.Device) {
		ids.Device = ""
	}
	for i := range p.e.IDSpans {
		s := &p.e.IDSpans[i]
		value, isDevice := strings.CutPrefix(s.ID.Value, devicePrefix)
		switch {
		case isDevice:
			s.Prefix, s.ID = devicePrefix, event.ID{Kind: event.IDDevice, Value: value}
		case s.ID.Kind == "" && ids.Device != "" && s.ID.Value == ids.Device:
			s.ID.Kind = event.IDDevice
		case s.ID.Kind == "":
			s.ID.Kind = event.IDUser
		}
	}
}

// resolveAddress applies Mixpanel's ip rules: ip=1 takes the request's address
// even over one in the event; then the event's; an ip of 0 takes none. An address
// of the event's own is noted in any case, so that it can be hidden elsewhere.
func (p *propertyReader) resolveAddress() {
	var err error
	if p.ip != "" {
		var own netip.Addr
		if own, err = netip.ParseAddr(strings.TrimSpace(p.ip)); err == nil {
			p.e.Address = own.Unmap()
		}
	}
	switch {
	case p.control.IP == "1" || p.control.IP == "true":
		p.e.AddressRule = event.AddressOfRequest
	case p.ip == "" && (p.control.IP == "0" || p.control.IP == "false"):
		p.e.AddressRule = event.AddressNone
	case p.ip == "":
		p.e.AddressRule = event.AddressOfRequest
	case err == nil:
		p.e.AddressRule = event.AddressOfEvent
	default:
		p.e.AddressRule = event.AddressNone
	}
}
