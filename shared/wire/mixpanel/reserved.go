package mixpanel

import (
	"slices"
	"strings"
)

// IsReserved tells the names of properties that Mixpanel or Loch give a meaning of
// their own, so that none of them can become a kind of group: its values would be
// sealed in every event, and the columns made of it with them.
func IsReserved(name string) bool {
	for _, prefix := range []string{"$", "mp_", "utm_", "initial_", "loch_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return staysOutside(name) || slices.Contains(reserved, name)
}

// reserved are the sources of the lake's columns without a prefix, what a record
// itself consists of, and what the browser's SDK says of a page.
var reserved = []string{
	"event", "properties", "time", "device_id", "user_id", "session_id", "insert_id",
	"current_url", "current_page_title", "current_domain", "current_url_path", "current_url_protocol", "current_url_search",
	"gclid", "wbraid", "gbraid", "dclid", "fbclid", "msclkid", "ttclid", "twclid", "li_fat_id", "sccid", "ko_click_id",
	"locale", "revenue", "currency",
}
