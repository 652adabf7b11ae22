package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// The classes of automation, sharpest first: an agent that several patterns fit
// gets the first class of this order. Package enrich has the same words.
var classOrder = []string{"headless", "crawler", "monitor", "preview", "feed", "library", "other", "shape"}

// classes puts isbot's patterns, by their exact text, into classes. A pattern
// that is not here is "other" if it holds a word and "shape" if it only
// describes how the agent is built.
var classes = map[string]string{
	"headless": "headless", "phantomjs": "headless", "playwright": "headless", "selenium": "headless",
	"cypress/": "headless", "webkit2png": "headless", "testlocally": "headless",

	"(?<! cu)bots?(?:\\b|_)": "crawler", "^bot": "crawler", "crawl": "crawler", "spider": "crawler",
	"scrape": "crawler", " daum[ /]": "crawler", " deusu/": "crawler", "archive": "crawler",
	"ask jeeves/teoma": "crawler", "^biglotron": "crawler", "sogou": "crawler", "nutch": "crawler",
	"^yandex": "crawler", "^yahoo": "crawler", "^duckduckgo": "crawler", "^ddg[_-]android": "crawler",
	"(?<! channel/|google/)google(?!(?:wv|app|/google| pixel))": "crawler", "^owler": "crawler",
	"httrack": "crawler", "^webcopier": "crawler", "^w3c": "crawler", "mail\\.ru/": "crawler",
	"^openai/": "crawler", "^claude-code/": "crawler", "manus-user/": "crawler", "^\\w*search\\b": "crawler",
	"(?<!cam)scan": "crawler", "openvas": "crawler", "datanyze": "crawler", "exaleadcloudview": "crawler",

	"chrome-lighthouse": "monitor", "check\\b": "monitor", "checker": "monitor", "pagespeed": "monitor",
	"pingdom": "monitor", "statuscake": "monitor", "speedcurve": "monitor", "synthetic": "monitor",
	"monitor\\b": "monitor", "ptst[ /]\\d": "monitor", "24x7": "monitor", "^hobbit": "monitor",
	"dareboost": "monitor", "dejaclick": "monitor", "iplabel": "monitor", "neustar wpm": "monitor",
	"rigor": "monitor", "silktide": "monitor", "validator": "monitor", "linkcheck": "monitor",
	"audit": "monitor", "analyzer": "monitor", "inspect": "monitor", "measure": "monitor",
	"securityheaders": "monitor", "hardenize\\b": "monitor", "watchtowr": "monitor", "detect": "monitor",
	"^blackbox exporter": "monitor", "functionize": "monitor", "hotjar": "monitor", "^xenu link sleuth": "monitor",

	"preview": "preview", "^facebook": "preview", "^whatsapp": "preview", "^snapchat": "preview",
	"^discourse": "preview", "capture": "preview", "^navermailapp": "preview", "splash": "preview",
	"^email": "preview", "^zoom marketplace/": "preview",

	"^rss": "feed", "rss\\b": "feed", "feed": "feed", "(?:^|[^g])news(?!sapphire)": "feed", "^read": "feed",
	"^reed": "feed", "readable/": "feed", "^downcast/": "feed",

	"(?<!lib)http": "library", "java(?!;)": "library", "\\bperl\\b": "library", "^python": "library",
	"^php": "library", "^apache/": "library", "^wget": "library", "^postman": "library", "^jetty/": "library",
	"library": "library", "node\\b": "library", "^client/": "library", "^rest": "library", "^svn": "library",
	"^getright/": "library", "^igetter/": "library", "download": "library", "^microsoft bits": "library",
	"^azure": "library", "agent\\b": "library", "server": "library", "proxy": "library", "torrent": "library",
	"^hwcdn/": "library", "cloudflare": "library", "parser": "library", "url": "library",

	"^mozilla/\\d\\.\\d\\s[\\w\\.-]+$":                                                  "shape",
	"^mozilla/\\d\\.\\d\\s\\((?:compatible;)?(?:\\s?[\\w\\d-.]+[\\s/]\\d+\\.\\d+)?\\)$": "shape",
	"\\b\\w+/1\\.0;": "shape", "\\.com\\b": "shape", "@[a-z][\\w-]+\\.": "shape",
}

// lookarounds rewrites the patterns that look behind or ahead, which Go's
// regular expressions cannot, into a word to search for and the name of a check
// that package enrich has in Go. A pattern with a look-around that is not here
// is an error: a newer isbot needs a newer table.
var lookarounds = map[string]struct{ word, check string }{
	"(?:^|[^g])news(?!sapphire)":                                {"news", "news"},
	"(?<! channel/|google/)google(?!(?:wv|app|/google| pixel))": {"google", "google"},
	"(?<! cu)bots?(?:\\b|_)":                                    {"bot", "bot"},
	"(?<!cam)scan":                                              {"scan", "scan"},
	"(?<!lib)http":                                              {"http", "http"},
	"java(?!;)":                                                 {"java", "java"},
}

// botRules reads isbot's list of patterns. Each line it returns is
//
//	class, check, literals, expression
//
// where the expression is empty if finding a literal, or the check, is enough.
// The expressions are for an agent in lower case.
func botRules(js []byte) ([]string, error) {
	const opening = "var patterns_default = "
	_, rest, ok := bytes.Cut(js, []byte(opening))
	if !ok {
		return nil, errors.New("no list of patterns")
	}
	// The bundler writes the array as JSON.
	var patterns []string
	if err := json.NewDecoder(bytes.NewReader(rest)).Decode(&patterns); err != nil {
		return nil, err
	}
	if len(patterns) < 100 {
		return nil, fmt.Errorf("only %d patterns", len(patterns))
	}
	for p := range classes {
		if !slices.Contains(patterns, p) {
			return nil, fmt.Errorf("the table of classes has %q, which the list no longer has", p)
		}
	}
	byClass := map[string][]string{}
	for _, p := range patterns {
		class, line, err := botLine(p)
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", p, err)
		}
		byClass[class] = append(byClass[class], line)
	}
	var rules []string
	for _, c := range classOrder {
		rules = append(rules, byClass[c]...)
	}
	return rules, nil
}

var upper = regexp.MustCompile(`(^|[^\\])[A-Z]`)

func botLine(p string) (class, line string, err error) {
	if strings.ContainsAny(p, "\t\x1f") || upper.MatchString(p) {
		return "", "", errors.New("a separator or a capital letter inside")
	}
	class = classes[p]
	if look, ok := lookarounds[p]; ok {
		return class, strings.Join([]string{class, look.check, look.word, ""}, "\t"), nil
	}
	if strings.Contains(p, "(?<") || strings.Contains(p, "(?!") || strings.Contains(p, "(?=") {
		return "", "", errors.New("a look-around without a check of ours")
	}
	if _, err := regexp.Compile(p); err != nil {
		return "", "", err
	}
	needs, err := requiredLiterals(p)
	if err != nil {
		return "", "", err
	}
	if class == "" {
		class = "other"
		if len(needs) == 0 {
			class = "shape"
		}
	}
	expr := p
	if len(needs) == 1 && needs[0] == p {
		expr = ""
	}
	return class, strings.Join([]string{class, "", strings.Join(needs, "\x1f"), expr}, "\t"), nil
}
