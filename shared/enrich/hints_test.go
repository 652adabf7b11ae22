package enrich

import (
	"testing"

	"loch/shared/event"
)

func TestHints(t *testing.T) {
	e := newEnricher(t, Options{})
	tests := []struct {
		name   string
		agent  string
		hints  event.Hints
		want   string // browser, version, system, version, kind, brand, model
		reason string
	}{
		{"Windows 11 behind a frozen agent", chromeOnWindows,
			event.Hints{Brands: `"Google Chrome";v="141", "Not?A_Brand";v="8", "Chromium";v="141"`, Platform: `"Windows"`, PlatformVersion: `"15.0.0"`, Mobile: "?0"},
			"Chrome 141 Windows 11 desktop", ""},
		{"Windows 10", chromeOnWindows, event.Hints{Platform: `"Windows"`, PlatformVersion: `"10.0.0"`}, "Chrome 141 Windows 10 desktop", ""},
		{"Windows 8.1", chromeOnWindows, event.Hints{Platform: `"Windows"`, PlatformVersion: `"0.3.0"`}, "Chrome 141 Windows 8.1 desktop", ""},
		{"no version of the platform", chromeOnWindows, event.Hints{Platform: `"Windows"`}, "Chrome 141 Windows 10 desktop", ""},
		{"the full list wins over the short one", chromeOnWindows,
			event.Hints{Brands: `"Chromium";v="141"`, FullVersionList: `"Chromium";v="141.0.7390.54", "Vivaldi";v="7.5.3735.54", "Not=A?Brand";v="24.0.0.0"`},
			"Vivaldi 7.5 Windows 10 desktop", ""},
		{"Opera names itself last", chromeOnWindows, event.Hints{Brands: `"Chromium";v="140", "Not=A?Brand";v="24", "Opera";v="124"`}, "Opera 124 Windows 10 desktop", ""},
		{"Brave looks like Chrome", chromeOnWindows, event.Hints{Brands: `"Brave";v="141", "Not?A_Brand";v="8", "Chromium";v="141"`}, "Brave 141 Windows 10 desktop", ""},
		{"Edge", chromeOnWindows, event.Hints{Brands: `"Microsoft Edge";v="141", "Not?A_Brand";v="8", "Chromium";v="141"`}, "Microsoft Edge 141 Windows 10 desktop", ""},
		{"only the engine", chromeOnWindows, event.Hints{Brands: `"Chromium";v="141", "Not?A_Brand";v="8"`}, "Chrome 141 Windows 10 desktop", ""},
		{"a brand with a comma and quotes in it", chromeOnWindows, event.Hints{Brands: `"Not A;\"Brand";v="99", "My, \"own\" Browser";v="3.1"`}, `My, "own" Browser 3.1 Windows 10 desktop`, ""},
		{"the model behind K", chromeOnAndroid,
			event.Hints{Brands: `"Google Chrome";v="141"`, Platform: `"Android"`, PlatformVersion: `"14.0.0"`, Model: `"Pixel 8 Pro"`, Mobile: "?1"},
			"Chrome 141 Android 14 mobile Google Pixel 8 Pro", ""},
		{"a Samsung behind K", chromeOnAndroid, event.Hints{Platform: `"Android"`, Model: `"SM-S918B"`, Mobile: "?1"}, "Chrome 141 Android 10 mobile Samsung SM-S918B", ""},
		{"an unknown model behind K", chromeOnAndroid, event.Hints{Platform: `"Android"`, Model: `"ZZTop 9"`, Mobile: "?1"}, "Chrome 141 Android 10 mobile ZZTop 9", ""},
		{"a tablet", "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
			event.Hints{Platform: `"Android"`, Model: `"SM-X906C"`, Mobile: "?0"}, "Chrome 141 Android 10 tablet Samsung SM-X906C", ""},
		{"a phone that asked for the desktop site", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
			event.Hints{Platform: `"Android"`, PlatformVersion: `"15"`, Mobile: "?1"}, "Chrome 141 Android 15 mobile", ""},
		{"macOS", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
			event.Hints{Platform: `"macOS"`, PlatformVersion: `"14.6.0"`, Mobile: "?0"}, "Chrome 141 Mac OS X 14.6 desktop Apple Mac", ""},
		{"Linux has no version", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
			event.Hints{Platform: `"Linux"`, PlatformVersion: `"6.8.0"`}, "Chrome 141 Linux desktop", ""},
		{"a web view in an app that names itself", "Mozilla/5.0 (Linux; Android 14; SM-S918B Build/UP1A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/124.0.6367.82 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/460.0.0.34.109;]",
			event.Hints{Brands: `"Chromium";v="124", "Android WebView";v="124", "Not-A.Brand";v="99"`, Platform: `"Android"`, Mobile: "?1"}, "Facebook Mobile 460 Android 14 mobile Samsung SM-S918B", ""},
		{"headless only in the hints", chromeOnWindows, event.Hints{Brands: `"HeadlessChrome";v="141", "Not?A_Brand";v="8", "Chromium";v="141"`}, "Chrome 141 Windows 10 desktop", BotHeadless},
		{"rubbish", chromeOnWindows, event.Hints{Brands: `Chrome;;"`, Platform: `Unknown`, PlatformVersion: `"`, Model: `"`, Mobile: "true"}, "Chrome 141 Windows 10 desktop", ""},
	}
	for _, test := range tests {
		a := e.agent(&event.Client{UserAgent: test.agent, Hints: test.hints, Browser: true})
		got := ""
		for _, f := range []string{a.browser, a.browserVersion, a.os, a.osVersion, a.kind, a.brand, a.model} {
			got = join(got, f)
		}
		if got != test.want || a.botReason != test.reason {
			t.Errorf("%s:\n got %q bot %q\nwant %q bot %q", test.name, got, a.botReason, test.want, test.reason)
		}
	}
}

func TestGrease(t *testing.T) {
	for _, brand := range []string{"Not A;Brand", "Not.A/Brand", " Not A;Brand", "(Not(A:Brand", "Not_A Brand", "Not?A_Brand", "Not=A?Brand", ";Not A Brand", "Not-A.Brand"} {
		if !isGrease(brand) {
			t.Errorf("%q is taken for a browser", brand)
		}
	}
	for _, brand := range []string{"", "Chromium", "Not A Brand Browser", "Nota", "Notabrandx"} {
		if isGrease(brand) {
			t.Errorf("%q is taken for no browser", brand)
		}
	}
}

func FuzzHints(f *testing.F) {
	f.Add(`"Google Chrome";v="141", "Not?A_Brand";v="8", "Chromium";v="141"`, `"Windows"`)
	f.Add(`"a\`, `"\"`)
	f.Add(`"",v="`, "")
	f.Fuzz(func(t *testing.T, brands, text string) {
		h := readHints(&event.Hints{Brands: brands, Platform: text, PlatformVersion: text, Model: text, Mobile: text})
		if len(h.brand) > 64 || len(h.version) > 32 || len(h.model) > 64 {
			t.Errorf("too long: %+v", h)
		}
		if h.brand == "" && h.version != "" {
			t.Errorf("a version of no brand: %+v", h)
		}
	})
}
