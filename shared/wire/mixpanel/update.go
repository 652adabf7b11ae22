package mixpanel

import (
	"encoding/json"
	"net/netip"
	"strings"
	"unicode/utf8"

	"loch/shared/event"
	"loch/shared/profile"
	"loch/shared/rawjson"
)

// operators maps Mixpanel's names to ours. The order of a record's members is
// the order in which they are applied.
var operators = map[string]profile.OpKind{
	"$set": profile.Set, "$set_once": profile.SetOnce, "$add": profile.Add, "$append": profile.Append,
	"$union": profile.Union, "$remove": profile.Remove, "$unset": profile.Unset, "$delete": profile.Delete,
}

// update decodes one record of /engage or /groups.
func (d *decoder) update(raw []byte) {
	u := profile.Update{Index: d.index, TimeMS: d.received.UnixMilli(), Raw: raw}
	var deviceID, userID, ip string
	var reason event.Reason
	var field string
	fail := func(r event.Reason, f string) {
		if reason == "" {
			reason, field = r, f
		}
	}
	c := rawjson.Cursor{Buf: raw, MaxDepth: MaxDepth}
	for first, _ := true, c.Open(rawjson.Object); ; first = false {
		more, err := c.More(first, '}')
		if err != nil || !more {
			break
		}
		key, _ := c.Name()
		start, _ := c.Value()
		name, value := string(nameOf(key)), raw[start:c.Pos]
		if kind, ok := operators[name]; ok {
			noGroups := d.control.Route == Groups && (kind == profile.Add || kind == profile.Append)
			if noGroups || !d.operator(&u, kind, value) {
				fail(event.ReasonBadOperator, name)
			}
			continue
		}
		switch name {
		case "$token":
			u.Token = scalar(value)
		case "$distinct_id":
			if value[0] != '"' && value[0] != 'n' && scalar(value) == "" {
				fail(event.ReasonWrongType, "$distinct_id")
			}
			u.ClearID = scalar(value)
		case "$group_key":
			u.GroupKey = text(value)
		case "$group_id":
			if d.control.Route == Groups {
				u.ClearID = scalar(value)
			}
		case "$device_id":
			deviceID = scalar(value)
		case "$user_id":
			userID = scalar(value)
		case "$ip":
			if ip = scalar(value); ip == "" {
				ip = "0"
			}
		case "$insert_id":
			u.InsertID = scalar(value)
		case "$time":
			if ms, ok := timeMS(scalar(value)); ok && ms > 0 && ms <= u.TimeMS {
				u.TimeMS = ms
			}
		case "$ignore_time":
			u.KeepLastSeen = isTrue(value)
		case "$ignore_alias":
			u.ExactID = isTrue(value)
		}
	}

	switch {
	case d.control.Route == Groups && u.GroupKey == "":
		fail(event.ReasonMissingField, "$group_key")
	case d.control.Route == Groups && utf8.RuneCountInString(u.GroupKey) > event.MaxNameRunes:
		fail(event.ReasonNameTooLong, "$group_key")
	case d.control.Route == Groups && u.ClearID == "":
		fail(event.ReasonMissingField, "$group_id")
	case d.control.Route == Groups && len(u.ClearID) > event.MaxIDBytes:
		fail(event.ReasonBadID, "$group_id")
	case d.control.Route == Engage:
		u.GroupKey = ""
		if u.ClearID == "" { // as for events: the user id, else the device's
			u.ClearID = userID
		}
		if u.ClearID == "" && deviceID != "" {
			u.ClearID, u.Device = deviceID, true
		}
		if len(u.ClearID) > event.MaxIDBytes {
			fail(event.ReasonBadID, "$distinct_id")
		}
		if device, ok := strings.CutPrefix(u.ClearID, devicePrefix); ok {
			u.ClearID, u.Device = device, true
		}
		if deviceID != "" && u.ClearID == deviceID {
			u.Device = true
		}
		if u.ClearID == "" {
			fail(event.ReasonMissingField, "$distinct_id")
		} else if event.NamesNobody(u.ClearID) {
			fail(event.ReasonBadID, "$distinct_id")
		}
	}
	if reason == "" && len(u.Ops) == 0 && !u.Empty {
		fail(event.ReasonMissingField, "$set")
	}
	if reason != "" {
		d.batch.Rejected = append(d.batch.Rejected, event.Rejection{
			Index: d.index, Token: u.Token, Reason: reason, Field: field, Payload: raw,
		})
		return
	}
	u.AddressRule, u.Address = updateAddress(ip, d.control.IP)
	u.KeepPlace = u.AddressRule == event.AddressNone || d.control.Route == Groups
	d.batch.Updates = append(d.batch.Updates, u)
}

// operator adds one operator's parts, trait by trait. An operator with nothing
// in it ({"$set": {}}) is legal and touches the profile.
func (d *decoder) operator(u *profile.Update, kind profile.OpKind, value []byte) bool {
	switch kind {
	case profile.Delete: // its value is noise: the SDKs send an id, "" or "null"
		u.Ops = append(u.Ops, profile.Op{Kind: kind})
		return true
	case profile.Unset:
		return d.unset(u, value)
	default: // the others take an object, trait by trait
	}
	c := rawjson.Cursor{Buf: value, MaxDepth: MaxDepth}
	if !c.Open(rawjson.Object) {
		return false
	}
	u.Empty = true
	for first := true; ; first = false {
		more, err := c.More(first, '}')
		if err != nil || !more {
			return true
		}
		key, _ := c.Name()
		start, _ := c.Value()
		operand := value[start:c.Pos]
		if kind == profile.Add && operand[0] != '-' && (operand[0] < '0' || operand[0] > '9') {
			return false
		}
		name := rawjson.Text(key)
		if name == "$ip" || name == "ip" {
			continue // an address is stored nowhere
		}
		u.Ops = append(u.Ops, profile.Op{Kind: kind, Name: name, Value: json.RawMessage(operand)})
	}
}

// unset takes a list of names, or one name.
func (d *decoder) unset(u *profile.Update, value []byte) bool {
	u.Empty = true
	if value[0] == '"' {
		u.Ops = append(u.Ops, profile.Op{Kind: profile.Unset, Name: rawjson.Text(value)})
		return true
	}
	c := rawjson.Cursor{Buf: value, MaxDepth: MaxDepth}
	if !c.Open(rawjson.Array) {
		return false
	}
	for first := true; ; first = false {
		more, err := c.More(first, ']')
		if err != nil || !more {
			return true
		}
		start, _ := c.Value()
		if value[start] != '"' {
			return false
		}
		u.Ops = append(u.Ops, profile.Op{Kind: profile.Unset, Name: rawjson.Text(value[start:c.Pos])})
	}
}

// updateAddress applies Mixpanel's rules for profiles: $ip "0" or ip=0 leaves
// geography alone, another $ip is looked up, none takes the request's.
func updateAddress(ip, control string) (event.AddressRule, netip.Addr) {
	switch {
	case ip == "0" || ip == "" && (control == "0" || control == "false"):
		return event.AddressNone, netip.Addr{}
	case ip == "":
		return event.AddressOfRequest, netip.Addr{}
	}
	a, err := netip.ParseAddr(strings.TrimSpace(ip))
	if err != nil {
		return event.AddressNone, netip.Addr{}
	}
	return event.AddressOfEvent, a.Unmap()
}

// isTrue takes true, "true" and 1: Go and Ruby send the string.
func isTrue(value []byte) bool {
	switch string(value) {
	case "true", `"true"`, "1", `"1"`:
		return true
	}
	return false
}
