package enrich

import "strings"

// The words of the device_type column.
const (
	Desktop  = "desktop"
	Mobile   = "mobile"
	Tablet   = "tablet"
	TV       = "tv"
	Console  = "console"
	Wearable = "wearable"
)

// browserNames turns the rules' names into the ones that product people know
// from Mixpanel, whose browser library sends its own: an agent that is read here
// and an event that came with $browser must not make two lines of a report.
var browserNames = map[string]string{
	"Chrome Mobile":                "Chrome",
	"Chrome Mobile WebView":        "Chrome",
	"HeadlessChrome":               "Chrome",
	"Chrome Mobile iOS":            "Chrome iOS",
	"Mobile Safari UI/WKWebView":   "Mobile Safari",
	"Firefox Mobile":               "Firefox",
	"Edge":                         "Microsoft Edge",
	"Edge Mobile":                  "Microsoft Edge",
	"IE":                           "Internet Explorer",
	"IE Mobile":                    "Internet Explorer Mobile",
	"IE Large Screen":              "Internet Explorer",
	"Opera Mobile":                 "Opera",
	"Facebook":                     "Facebook Mobile",
	"Whale":                        "Whale Browser",
	"Android":                      "Android Mobile",
	"BlackBerry WebKit":            "BlackBerry",
	"QQ Browser Mobile":            "QQ Browser",
	"DuckDuckGo Mobile":            "DuckDuckGo",
	"MiuiBrowser":                  "Xiaomi Browser",
	"Google":                       "Google App",
	"Amazon Silk":                  "Amazon Silk",
	"Mail.ru Chromium Browser":     "Atom",
	"Seznam prohlížeč":             "Seznam Browser",
	"NetFront NX":                  "NetFront",
	"Nokia Services (WAP) Browser": "Nokia Browser",
}

// browserName returns the name that the lake uses.
func browserName(name string) string {
	if n, ok := browserNames[name]; ok {
		return n
	}
	if name == "Other" || name == "Spider" {
		return ""
	}
	return name
}

// systemNames does the same for operating systems. Distributions of Linux are
// one line; their version numbers would mean nothing under that name, so they
// go.
var systemNames = map[string]string{
	"Mac OS": "Mac OS X", "macOS": "Mac OS X",
	"ATV OS X": "tvOS", "WatchOS": "watchOS",
	"BlackBerry OS": "BlackBerry", "BlackBerry Tablet OS": "BlackBerry",
	"Web0S": "webOS", "GoogleTV": "Android", "FireHbbTV": "Fire OS",
	"Symbian^3": "Symbian OS", "Symbian^3 Anna": "Symbian OS", "Symbian^3 Belle": "Symbian OS",
	"Chromium OS": "Chrome OS",
}

var linuxes = map[string]bool{
	"Ubuntu": true, "Kubuntu": true, "Lubuntu": true, "Linux Mint": true, "Fedora": true, "Debian": true,
	"Red Hat": true, "CentOS": true, "Arch Linux": true, "Slackware": true, "Gentoo": true, "openSUSE": true,
	"SUSE": true, "PCLinuxOS": true, "Puppy": true, "Mageia": true, "Mandriva": true, "BackTrack": true, "Linux": true,
}

func systemName(name, version string) (system, systemVersion string) {
	switch {
	case name == "Other":
		return "", ""
	case linuxes[name]:
		return "Linux", ""
	}
	if n, ok := systemNames[name]; ok {
		name = n
	}
	return name, version
}

// deviceName drops the rules' stand-ins for "no idea".
func deviceName(brand, model string) (deviceBrand, deviceModel string) {
	if brand == "Spider" || strings.HasPrefix(brand, "Generic") {
		return "", ""
	}
	switch {
	case brand == "XiaoMi":
		brand = "Xiaomi"
	case brand == "Blackberry":
		brand = "BlackBerry"
	case model == "K", brand == "":
		// Chrome says "K" for every Android device.
		return "", ""
	}
	return brand, strings.TrimPrefix(model, brand+" ")
}

// shortVersion writes a version as Mixpanel's browser library does, "17.4" and
// "125", so that both sources make one line of a report.
func shortVersion(major, minor string) string {
	major = strings.TrimSpace(major)
	if major == "" || minor == "" || strings.Trim(minor, "0") == "" || !isNumber(minor) {
		return major
	}
	return major + "." + minor
}

func isNumber(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// sameOS compares names as different libraries write them.
func sameOS(a, b string) bool {
	canonical := func(s string) string {
		switch {
		case equalFold(s, "macOS"), equalFold(s, "Mac OS"), equalFold(s, "OS X"):
			return "Mac OS X"
		case equalFold(s, "iPadOS"):
			return "iOS"
		}
		return s
	}
	return a == b || equalFold(canonical(a), canonical(b))
}

// signs are words in an agent, in lower case, that tell the kind of device
// before the system does: a television runs Android too.
var signs = []struct{ word, kind string }{
	{"playstation", Console}, {"xbox", Console}, {"nintendo", Console},
	{"smart-tv", TV}, {"smarttv", TV}, {"smart tv", TV}, {"hbbtv", TV}, {"appletv", TV}, {"apple tv", TV},
	{"googletv", TV}, {"google tv", TV}, {"android tv", TV}, {"androidtv", TV}, {"bravia", TV}, {"crkey", TV},
	{"roku/", TV}, {"roku ", TV}, {"viera", TV}, {"netcast", TV}, {"web0s", TV}, {"netrange", TV}, {"; aft", TV}, {"fire tv", TV},
	{"tizen tv", TV}, {"tv safari", TV}, {"mitv", TV}, {"mibox", TV}, {"nettv", TV}, {"shield android", TV},
	{"watchos", Wearable}, {"apple watch", Wearable}, {"applewatch", Wearable}, {"wear os", Wearable}, {"sm-r8", Wearable}, {"sm-r9", Wearable},
	{"oculusbrowser", Wearable}, {"; quest", Wearable},
	{"ipad", Tablet}, {"playbook", Tablet}, {"tablet", Tablet}, {"kindle", Tablet},
	{"iphone", Mobile}, {"ipod", Mobile}, {"windows phone", Mobile}, {"iemobile", Mobile}, {"blackberry", Mobile}, {"bb10", Mobile},
	{"opera mini", Mobile}, {"kaios", Mobile}, {"symbian", Mobile}, {"series60", Mobile}, {"series40", Mobile}, {"midp", Mobile}, {"windows ce", Mobile},
}

// deviceType tells the kind of device from the signs in the agent, the hints
// and the system. The rules have no such field.
func deviceType(a *agent, low string, h *hints) string {
	for _, s := range signs {
		if strings.Contains(low, s.word) {
			// "Tablet PC 2.0" was in the agent of each Windows 7 desktop.
			if s.word == "tablet" && strings.Contains(low, "tablet pc") {
				continue
			}
			return s.kind
		}
	}
	switch a.os {
	case "Android", "HarmonyOS", "Fire OS", "Firefox OS", "Tizen", "Sailfish":
		switch {
		case h.mobile == yes, h.mobile == unknown && strings.Contains(low, "mobile"):
			return Mobile
		case h.mobile == no, a.os == "Android":
			return Tablet // Google asks that phones say "Mobile" and tablets do not
		}
		return Mobile
	case "iOS":
		return Mobile
	case "tvOS", "webOS":
		return TV
	case "watchOS":
		return Wearable
	case "Windows", "Mac OS X", "Linux", "Chrome OS", "FreeBSD", "OpenBSD", "NetBSD", "Solaris":
		if h.mobile == yes {
			return Mobile // a phone that asked for the desktop site
		}
		return Desktop
	}
	if h.mobile == yes || strings.Contains(low, "mobile") {
		return Mobile
	}
	return ""
}

// typeOfModel tells the kind of an Apple device from what an app's library says
// about it; other makers' model names do not tell.
func typeOfModel(os, model string) string {
	switch {
	case strings.HasPrefix(model, "iPad"):
		return Tablet
	case strings.HasPrefix(model, "iPhone"), strings.HasPrefix(model, "iPod"):
		return Mobile
	case strings.HasPrefix(model, "AppleTV"):
		return TV
	case strings.HasPrefix(model, "Watch") && (sameOS(os, "watchOS") || sameOS(os, "iOS")):
		return Wearable
	case strings.HasPrefix(model, "Mac") && sameOS(os, "Mac OS X"):
		return Desktop
	}
	return ""
}
