package enrich

import (
	"strings"

	"loch/shared/event"
)

// answer is a boolean hint, which is often not sent.
type answer uint8

const (
	unknown answer = iota
	no
	yes
)

// hints are User-Agent Client Hints, read. They are newer and truer than the
// agent, which Chrome froze: it says Android 10, model K and Windows 10 of all.
type hints struct {
	brand, version  string // the most specific brand; empty when none was sent
	generic         bool   // the brand is only an engine or a web view
	headless        bool
	system          string
	platformVersion string
	model           string
	mobile          answer
}

func readHints(h *event.Hints) hints {
	var out hints
	list := h.FullVersionList
	if list == "" {
		list = h.Brands
	}
	out.readBrands(list)
	switch unquote(h.Platform) {
	case "Windows":
		out.system = "Windows"
	case "macOS", "Mac OS X":
		out.system = "Mac OS X"
	case "Android":
		out.system = "Android"
	case "Chrome OS", "Chromium OS":
		out.system = "Chrome OS"
	case "Linux":
		out.system = "Linux"
	case "iOS":
		out.system = "iOS"
	case "Fuchsia":
		out.system = "Fuchsia"
	}
	out.platformVersion = cutText(unquote(h.PlatformVersion), 32)
	out.model = cutText(unquote(h.Model), 64)
	switch strings.TrimSpace(h.Mobile) {
	case "?1":
		out.mobile = yes
	case "?0":
		out.mobile = no
	}
	return out
}

// readBrands picks the brand of a list such as
//
//	"Chromium";v="125", "Not.A/Brand";v="24", "Opera";v="111"
//
// Each product names its engine, one brand that means nothing, so that nobody
// relies on the form (GREASE), and itself. The most specific wins.
func (h *hints) readBrands(list string) {
	best := 0
	for range 16 { // no browser sends more than five
		var brand, version string
		var ok bool
		if brand, version, list, ok = nextBrand(list); !ok {
			return
		}
		rank := 4
		switch {
		case brand == "", isGrease(brand):
			continue
		case brand == "Chromium":
			rank = 1
		case brand == "Android WebView":
			rank = 2
		case brand == "Google Chrome", brand == "Microsoft Edge":
			rank = 3
		case brand == "HeadlessChrome":
			h.headless = true
			rank = 3
		case brand == "Microsoft Edge WebView2":
			rank = 2
		}
		if rank > best {
			best = rank
			h.brand, h.version, h.generic = brandName(brand), version, rank < 3
		}
	}
}

// nextBrand reads one member of a structured header list: a quoted string and
// its v parameter.
func nextBrand(list string) (brand, version, rest string, ok bool) {
	brand, rest, ok = quoted(list)
	if !ok {
		return "", "", "", false
	}
	member, after, _ := cutUnquoted(rest, ',')
	if _, v, found := strings.Cut(member, "v="); found {
		version, _, _ = quoted(v)
	}
	return cutText(brand, 64), cutText(version, 32), after, true
}

// quoted reads the first quoted string of s, in which a backslash keeps the next
// byte, and returns what follows it.
func quoted(s string) (value, rest string, ok bool) {
	start := strings.IndexByte(s, '"')
	if start < 0 {
		return "", "", false
	}
	s = s[start+1:]
	plain := true
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			plain = false
			i++
		case '"':
			value = s[:i]
			if !plain {
				value = unescape(value)
			}
			return value, s[i+1:], true
		}
	}
	return "", "", false
}

func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// cutUnquoted is strings.Cut at the first sep that is not inside quotes.
func cutUnquoted(s string, sep byte) (before, after string, found bool) {
	inside := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && inside:
			i++
		case s[i] == '"':
			inside = !inside
		case s[i] == sep && !inside:
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// unquote returns the text of a structured header string, or the value itself
// where a library sent it without quotes.
func unquote(s string) string {
	s = strings.TrimSpace(s)
	if v, _, ok := quoted(s); ok && s[0] == '"' {
		return strings.TrimSpace(v)
	}
	return strings.Trim(s, `"`)
}

// isGrease recognises "Not A;Brand", "Not.A/Brand", "(Not(A:Brand" and the like:
// the letters are the same, what stands between them changes.
func isGrease(brand string) bool {
	const letters = "notabrand"
	at := 0
	for i := range len(brand) {
		c := brand[i] | 0x20
		if c < 'a' || c > 'z' {
			continue
		}
		if at == len(letters) || c != letters[at] {
			return false
		}
		at++
	}
	return at == len(letters)
}

// brandName returns the lake's name of a brand.
func brandName(brand string) string {
	switch brand {
	case "Google Chrome", "HeadlessChrome", "Android WebView":
		return "Chrome"
	case "Microsoft Edge WebView2":
		return "Microsoft Edge"
	case "YaBrowser", "Yandex":
		return "Yandex Browser"
	case "Whale", "NAVER Whale":
		return "Whale Browser"
	case "Opera Mobile":
		return "Opera"
	case "OperaMini", "Opera Mini Android":
		return "Opera Mini"
	}
	return brand
}

// apply lets the hints correct what the agent's text said.
func (h *hints) apply(a *agent) {
	major, minor := versionParts(h.version)
	switch {
	case h.brand == "":
	case !h.generic, a.browser == "", a.browser == "Chrome":
		// A web view or a bare engine says less than the name of an app in the
		// agent; any other brand is the browser.
		if h.generic && a.browser != "" {
			h.brand = a.browser
		}
		a.browser, a.browserVersion = h.brand, shortVersion(major, minor)
	}
	if h.system != "" && h.system != a.os {
		a.os, a.osVersion = h.system, ""
		a.brand, a.model = "", ""
	}
	if h.platformVersion != "" && h.system != "" {
		a.osVersion = systemVersion(h.system, h.platformVersion)
	}
	if h.model != "" && a.model == "" {
		a.model = h.model
	}
}

func versionParts(v string) (major, minor string) {
	major, rest, _ := strings.Cut(v, ".")
	minor, _, _ = strings.Cut(rest, ".")
	return major, minor
}

// systemVersion turns a platform version into the name that people use. Windows
// counts its releases: 1 to 10 are all Windows 10, from 13 on it is Windows 11.
func systemVersion(system, v string) string {
	major, minor := versionParts(v)
	switch system {
	case "Windows":
		switch {
		case major == "0" && minor == "1":
			return "7"
		case major == "0" && minor == "2":
			return "8"
		case major == "0" && minor == "3":
			return "8.1"
		case major == "0" || !isNumber(major):
			return ""
		case len(major) >= 2 && major >= "13":
			return "11"
		}
		return "10"
	case "Linux":
		return ""
	}
	for strings.HasSuffix(v, ".0") {
		v = strings.TrimSuffix(v, ".0")
	}
	return v
}

// withModel puts the model of the hints where Chrome's frozen agent says "K".
// Both texts stay each other's lower case.
func withModel(text, low, model string) (newText, newLow string) {
	const frozen = "; k)"
	i := strings.Index(low, frozen)
	if i < 0 {
		return text, low
	}
	text = text[:i+2] + model + text[i+3:]
	return text, lower(text)
}
