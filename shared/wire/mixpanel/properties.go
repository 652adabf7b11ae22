package mixpanel

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"loch/shared/event"
	"loch/shared/rawjson"
)

// propertyReader takes what Loch understands out of an event's properties, in
// one pass over their members, and notes the places of identifiers and addresses.
type propertyReader struct {
	*decoder
	e    *event.Event
	body []byte // what the members' places are in
	all  string // Properties once more, so that values can share its memory

	distinctID, userID, deviceID string
	identified, anon, alias      string
	pair                         []string // of $distinct_ids
	ip                           string
	ignored                      bool
}

// read walks all members. It returns a reason, the first, when the event cannot
// be taken.
func (p *propertyReader) read() (reason event.Reason, field string) {
	p.all = string(p.e.Properties)
	base, spans, drops := p.split.properties.value, len(p.idSpans), len(p.drops)
	for i := range p.split.inner {
		m := &p.split.inner[i]
		r, f := p.member(nameOf(p.body[m.name:m.nameEnd]), m.value-base, m.end-base, event.Span{Start: m.before - base, End: m.end - base})
		if n := m.nameEnd - m.name - 2; n > event.MaxNameRunes && utf8.RuneCount(p.body[m.name+1:m.nameEnd-1]) > event.MaxNameRunes {
			r, f = event.ReasonNameTooLong, "properties"
		}
		if reason == "" {
			reason, field = r, f
		}
	}
	p.e.IDSpans, p.e.Drops = slices.Clip(p.idSpans[spans:]), slices.Clip(p.drops[drops:])
	p.e.PropertyCount = len(p.split.inner)
	if len(p.e.IDSpans) > event.MaxIDs && reason == "" {
		reason, field = event.ReasonTooManyProps, "properties.$distinct_ids"
	}
	return reason, field
}

// nameOf is a member's name. Names with escapes in them are the same names: some
// encoders escape more than they must.
func nameOf(quoted []byte) []byte {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	return []byte(rawjson.Text(quoted))
}

// member handles one property.
func (p *propertyReader) member(name []byte, start, end int, whole event.Span) (event.Reason, string) {
	value := p.e.Properties[start:end]
	row := &p.e.Row
	switch string(name) {
	case "token":
		if value[0] != '"' {
			return event.ReasonWrongType, "properties.token"
		}
		// A credential does not belong in the lake; the project column says the same.
		p.e.Token = p.text(value, start)
		p.drop(whole)
	case "time":
		return p.time(value, start)
	case "distinct_id":
		return p.id(value, start, &p.distinctID, "", "properties.distinct_id")
	case "$user_id":
		return p.id(value, start, &p.userID, event.IDUser, "properties.$user_id")
	case "$device_id":
		return p.id(value, start, &p.deviceID, event.IDDevice, "properties.$device_id")
	case "$anon_distinct_id", "$anon_id":
		return p.id(value, start, &p.anon, "", "properties.$identity")
	case "$identified_id":
		return p.id(value, start, &p.identified, "", "properties.$identity")
	case "$distinct_id", "$distinct_id_before_identity":
		var other string
		return p.id(value, start, &other, "", "properties.$identity")
	case "alias":
		if row.Kind == event.KindAlias {
			return p.id(value, start, &p.alias, "", "properties.alias")
		}
	case "$distinct_ids":
		return p.idList(value, start)
	case "$insert_id":
		row.InsertID, row.InsertIDSource = p.scalar(value, start), event.InsertIDClient
		if p.control.Route == Import && p.control.Strict && !isInsertID(row.InsertID) {
			return event.ReasonBadID, "properties.$insert_id"
		}
		p.drop(whole) // the column has it, sealed
	case "ip", "$ip":
		p.ip = p.scalar(value, start)
		if p.ip == "" {
			p.ip = "0"
		}
		p.drop(whole)
	case "$ignore":
		p.ignored = string(value) == "true"
	case "$mp_session_id", "$session_id":
		row.SessionID = p.text(value, start)
	case "mp_country_code", "$country_code":
		if code := p.text(value, start); len(code) == 2 { // ISO 3166-1; what else stands there is no country's
			row.Country = strings.ToUpper(code)
		}
	case "$region":
		row.Region = p.text(value, start)
	case "$city":
		row.City = p.text(value, start)
	case "$timezone":
		row.Timezone = p.text(value, start)
	case "$browser":
		row.Browser = p.text(value, start)
	case "$browser_version":
		row.BrowserVersion = p.scalar(value, start)
	case "$os":
		row.OS = p.text(value, start)
	case "$os_version":
		row.OSVersion = p.scalar(value, start)
	case "$model":
		row.DeviceModel = p.text(value, start)
	case "$brand", "$manufacturer":
		if row.DeviceBrand == "" || string(name) == "$brand" {
			row.DeviceBrand = p.text(value, start)
		}
	case "$current_url", "current_url":
		row.PageURL = p.text(value, start)
	case "current_page_title":
		row.PageTitle = p.text(value, start)
	case "$referrer":
		p.e.Referrer = p.text(value, start)
	case "utm_source":
		row.UTMSource = p.text(value, start)
	case "utm_medium":
		row.UTMMedium = p.text(value, start)
	case "utm_campaign":
		row.UTMCampaign = p.text(value, start)
	case "utm_term":
		row.UTMTerm = p.text(value, start)
	case "utm_content":
		row.UTMContent = p.text(value, start)
	case "gclid", "wbraid", "gbraid", "dclid", "fbclid", "msclkid", "ttclid", "twclid", "li_fat_id", "sccid", "ko_click_id":
		if row.ClickIDKind == "" && p.text(value, start) != "" {
			row.ClickIDKind = string(name)
		}
	case "$screen_width":
		row.ScreenWidth = whole64(value)
	case "$screen_height":
		row.ScreenHeight = whole64(value)
	case "$locale", "locale":
		row.Locale = p.text(value, start)
	case "$revenue", "revenue", "$amount":
		if f, err := strconv.ParseFloat(p.scalar(value, start), 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
			row.Revenue = f
		}
	case "$currency", "currency":
		row.Currency = p.text(value, start)
	case "mp_lib":
		row.Lib = p.text(value, start)
	case "$lib_version":
		row.LibVersion = p.scalar(value, start)
	case "$app_version_string", "$app_version":
		row.AppVersion = p.scalar(value, start)
	default:
		if isAgent(string(name)) {
			p.drop(whole)
		}
	}
	return "", ""
}

func (p *propertyReader) drop(s event.Span) { p.drops = append(p.drops, s) }

// id reads one identifier: text, or a number that stands for its digits. Null
// and "" mean none.
func (p *propertyReader) id(value []byte, start int, to *string, kind, field string) (event.Reason, string) {
	switch value[0] {
	case 'n':
		return "", ""
	case '{', '[', 't', 'f':
		return event.ReasonWrongType, field
	}
	id := p.scalar(value, start)
	if len(id) > event.MaxIDBytes || p.control.Route == Import && p.control.Strict && event.NamesNobody(id) {
		return event.ReasonBadID, field
	}
	*to = id
	if id != "" && !event.NamesNobody(id) {
		p.idSpans = append(p.idSpans, event.IDSpan{
			Span: event.Span{Start: start, End: start + len(value)}, ID: event.ID{Kind: kind, Value: id},
		})
	}
	return "", ""
}

// idList reads $merge's pair of identifiers.
func (p *propertyReader) idList(value []byte, start int) (reason event.Reason, field string) {
	const place = "properties.$distinct_ids"
	var other string
	if value[0] == '"' {
		return p.id(value, start, &other, "", place)
	}
	c := rawjson.Cursor{Buf: value, MaxDepth: MaxDepth}
	if !c.Open(rawjson.Array) {
		return "", ""
	}
	for first := true; ; first = false {
		more, err := c.More(first, ']')
		if err != nil || !more {
			return reason, field
		}
		at, _ := c.Value()
		if one := value[at:c.Pos]; one[0] == '"' || one[0] == '-' || one[0] <= '9' {
			var other string
			if r, f := p.id(one, start+at, &other, "", place); reason == "" {
				reason, field = r, f
			}
			p.pair = append(p.pair, other)
		}
	}
}

// text is the text of the string at start, sharing memory where nothing has to
// be unescaped; any other kind of value has none.
func (p *propertyReader) text(value []byte, start int) string {
	if value[0] == '"' && bytes.IndexByte(value, '\\') < 0 {
		return p.all[start+1 : start+len(value)-1]
	}
	return text(value)
}

// scalar is the text of the string or the digits of the number at start.
func (p *propertyReader) scalar(value []byte, start int) string {
	switch value[0] {
	case '"':
		return p.text(value, start)
	case '{', '[', 't', 'f', 'n':
		return ""
	}
	return p.all[start : start+len(value)]
}

// text is a string's text; any other kind of value has none.
func text(value []byte) string {
	if value[0] != '"' {
		return ""
	}
	return rawjson.Text(value)
}

// scalar is the text of a string or a number's digits.
func scalar(value []byte) string {
	switch value[0] {
	case '"':
		return rawjson.Text(value)
	case '{', '[', 't', 'f', 'n':
		return ""
	}
	return string(value)
}

// whole64 is a number without its fraction, 0 for anything else.
func whole64(value []byte) int64 {
	f, err := strconv.ParseFloat(string(value), 64)
	if err != nil || math.Abs(f) > 1<<53 {
		return 0
	}
	return int64(f)
}

// isInsertID tells Mixpanel's form of an $insert_id: at most 36 bytes of
// letters, digits and dashes.
func isInsertID(s string) bool {
	if s == "" || len(s) > 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-') {
			return false
		}
	}
	return true
}
