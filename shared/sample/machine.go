package sample

import "loch/shared/event"

// machine is a kind of computer or phone with its browser: what the browser
// tells in headers, and what mixpanel-browser makes of it.
type machine struct {
	os, browser string // in mixpanel-browser's words
	device      string // its $device: "iPhone", "Android", or empty on a computer
	version     string // its $browser_version, a number
	agent       string
	hints       event.Hints
	screens     [][2]int
}

// The versions are those of autumn 2026. Chrome's Client Hints are the three
// that it sends unasked; the others need Accept-CH, which no analytics host gets
// from a page on another origin. Safari and Firefox send none.
const (
	chromeBrands   = `"Not:A-Brand";v="8", "Chromium";v="156", "Google Chrome";v="156"`
	chromeOlder    = `"Chromium";v="154", "Google Chrome";v="154", "Not?A_Brand";v="24"`
	edgeBrands     = `"Not:A-Brand";v="8", "Chromium";v="156", "Microsoft Edge";v="156"`
	samsungBrands  = `"Chromium";v="148", "Samsung Internet";v="31", "Not.A/Brand";v="99"`
	headlessBrands = `"Not:A-Brand";v="8", "Chromium";v="156"`

	webKit = " AppleWebKit/537.36 (KHTML, like Gecko) "
	apple  = " AppleWebKit/605.1.15 (KHTML, like Gecko) "
)

func hints(brands, platform, mobile string) event.Hints {
	return event.Hints{Brands: brands, Platform: `"` + platform + `"`, Mobile: mobile}
}

var (
	laptops  = [][2]int{{1920, 1080}, {1536, 864}, {1366, 768}, {2560, 1440}, {1440, 900}, {3840, 2160}}
	macs     = [][2]int{{1512, 982}, {1440, 900}, {1728, 1117}, {2560, 1440}, {1470, 956}}
	iphones  = [][2]int{{390, 844}, {393, 852}, {430, 932}, {402, 874}, {375, 812}}
	androids = [][2]int{{412, 915}, {360, 800}, {384, 832}, {393, 873}, {360, 780}}
)

// The machines people have, in the groups that a place's shares choose from.
var (
	windowsChrome = machine{"Windows", "Chrome", "", "156", "Mozilla/5.0 (Windows NT 10.0; Win64; x64)" + webKit + "Chrome/156.0.0.0 Safari/537.36", hints(chromeBrands, "Windows", "?0"), laptops}
	windowsOlder  = machine{"Windows", "Chrome", "", "154", "Mozilla/5.0 (Windows NT 10.0; Win64; x64)" + webKit + "Chrome/154.0.0.0 Safari/537.36", hints(chromeOlder, "Windows", "?0"), laptops}
	windowsEdge   = machine{"Windows", "Microsoft Edge", "", "156", "Mozilla/5.0 (Windows NT 10.0; Win64; x64)" + webKit + "Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0", hints(edgeBrands, "Windows", "?0"), laptops}
	windowsFox    = machine{"Windows", "Firefox", "", "157", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:157.0) Gecko/20100101 Firefox/157.0", event.Hints{}, laptops}
	linuxChrome   = machine{"Linux", "Chrome", "", "156", "Mozilla/5.0 (X11; Linux x86_64)" + webKit + "Chrome/156.0.0.0 Safari/537.36", hints(chromeBrands, "Linux", "?0"), laptops}
	linuxFox      = machine{"Linux", "Firefox", "", "157", "Mozilla/5.0 (X11; Linux x86_64; rv:157.0) Gecko/20100101 Firefox/157.0", event.Hints{}, laptops}
	chromebook    = machine{"Chrome OS", "Chrome", "", "156", "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0)" + webKit + "Chrome/156.0.0.0 Safari/537.36", hints(chromeBrands, "Chrome OS", "?0"), [][2]int{{1366, 768}, {1920, 1080}}}
	macSafari     = machine{"Mac OS X", "Safari", "", "26.4", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)" + apple + "Version/26.4 Safari/605.1.15", event.Hints{}, macs}
	macChrome     = machine{"Mac OS X", "Chrome", "", "156", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)" + webKit + "Chrome/156.0.0.0 Safari/537.36", hints(chromeBrands, "macOS", "?0"), macs}
	macFox        = machine{"Mac OS X", "Firefox", "", "157", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:157.0) Gecko/20100101 Firefox/157.0", event.Hints{}, macs}
	iphoneSafari  = machine{"iOS", "Mobile Safari", "iPhone", "26.4", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X)" + apple + "Version/26.4 Mobile/15E148 Safari/604.1", event.Hints{}, iphones}
	iphoneChrome  = machine{"iOS", "Chrome iOS", "iPhone", "156", "Mozilla/5.0 (iPhone; CPU iPhone OS 26_4_0 like Mac OS X)" + apple + "CriOS/156.0.7700.41 Mobile/15E148 Safari/604.1", event.Hints{}, iphones}
	androidChrome = machine{"Android", "Chrome", "Android", "156", "Mozilla/5.0 (Linux; Android 10; K)" + webKit + "Chrome/156.0.0.0 Mobile Safari/537.36", hints(chromeBrands, "Android", "?1"), androids}
	androidOld    = machine{"Android", "Chrome", "Android", "109", "Mozilla/5.0 (Linux; Android 8.1.0; SM-J710F)" + webKit + "Chrome/109.0.5414.117 Mobile Safari/537.36", hints(`"Not_A Brand";v="99", "Google Chrome";v="109", "Chromium";v="109"`, "Android", "?1"), [][2]int{{360, 640}}}
	galaxy        = machine{"Android", "Samsung Internet", "Android", "31", "Mozilla/5.0 (Linux; Android 10; K)" + webKit + "SamsungBrowser/31.0 Chrome/148.0.0.0 Mobile Safari/537.36", hints(samsungBrands, "Android", "?1"), androids}
	androidFox    = machine{"Android", "Firefox", "Android", "157", "Mozilla/5.0 (Android 16; Mobile; rv:157.0) Gecko/157.0 Firefox/157.0", event.Hints{}, androids}
)

// phone and computer draw a machine as the place's people own them.
func (p *place) phone(d *dice) *machine {
	if d.chance(p.apple) {
		if d.chance(180) {
			return &iphoneChrome
		}
		return &iphoneSafari
	}
	switch r := d.below(100); {
	case r < 66:
		return &androidChrome
	case r < 89:
		return &galaxy
	case r < 95:
		return &androidOld
	default:
		return &androidFox
	}
}

func (p *place) computer(d *dice) *machine {
	fox := d.chance(p.foxes)
	if d.chance(p.macs) {
		switch {
		case fox:
			return &macFox
		case d.chance(460):
			return &macSafari
		default:
			return &macChrome
		}
	}
	r := d.below(100)
	switch {
	case fox && r < 25:
		return &linuxFox
	case fox:
		return &windowsFox
	case r < 55:
		return &windowsChrome
	case r < 65:
		return &windowsOlder
	case r < 86:
		return &windowsEdge
	case r < 95:
		return &linuxChrome
	default:
		return &chromebook
	}
}
