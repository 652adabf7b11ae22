package mixpanel

import (
	"strings"

	"loch/shared/event"
	"loch/shared/rawjson"
)

// context keeps what a record says beside its name and its properties, member for
// member as it was sent: Swift, Android and Unity put $mp_metadata there, with the
// session and the event's place in it. An event without such members costs nothing.
func (d *decoder) context(e *event.Event, text []byte) {
	if len(d.split.outer) <= 2 && d.split.properties.end > 0 {
		return
	}
	var out []byte
	for _, m := range d.split.outer {
		name := string(nameOf(text[m.name:m.nameEnd]))
		value := text[m.value:m.end]
		if name == "event" || name == "properties" || staysOutside(name) {
			continue
		}
		if name == "$mp_metadata" && e.Row.SessionID == "" {
			e.Row.SessionID = memberText(value, "$mp_session_id")
		}
		if out == nil {
			out = append(make([]byte, 0, len(value)+64), '{')
		} else {
			out = append(out, ',')
		}
		out = append(append(out, text[m.name:m.nameEnd]...), ':')
		out = append(out, value...)
	}
	if out != nil {
		e.Row.Context = string(append(out, '}'))
	}
}

// staysOutside tells the members that do not go into the lake from beside the
// properties: credentials, addresses, agents and identifiers. Mixpanel reads none
// of them there, so that nobody is known by them, and nothing seals them. Names
// that begin with loch_ are for what Loch writes into the column itself.
func staysOutside(name string) bool {
	return isCredential(name) || isAddress(name) || isAgent(name) || isIdentifier(name) || strings.HasPrefix(name, "loch_")
}

func isCredential(name string) bool { return name == "token" || name == "$token" || name == "api_key" }

func isAddress(name string) bool { return name == "ip" || name == "$ip" }

func isAgent(name string) bool {
	switch name {
	case "$user_agent", "user_agent", "userAgent", "$useragent", "useragent", "User-Agent", "user-agent":
		return true
	}
	return false
}

func isIdentifier(name string) bool {
	switch name {
	case "distinct_id", "$user_id", "$device_id", "$anon_distinct_id", "$anon_id", "$identified_id", "$distinct_id",
		"$distinct_id_before_identity", "alias", "$distinct_ids", "$insert_id", "$group_id":
		return true
	}
	return false
}

// memberText is the text of an object's member, empty where there is none.
func memberText(object []byte, name string) (found string) {
	c := rawjson.Cursor{Buf: object, MaxDepth: MaxDepth}
	if !c.Open(rawjson.Object) {
		return ""
	}
	for first := true; ; first = false {
		more, err := c.More(first, '}')
		if err != nil || !more {
			return found
		}
		key, _ := c.Name()
		start, _ := c.Value()
		if string(nameOf(key)) == name {
			found = text(object[start:c.Pos])
		}
	}
}
