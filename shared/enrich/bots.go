package enrich

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
)

// Why an agent is taken for a program: the words of the bot_reason column. The
// words are classes of patterns, never a piece of the agent.
const (
	BotHeadless = "headless" // a browser without a window, or under automation
	BotCrawler  = "crawler"  // search engines, archives, scanners, AI fetchers
	BotMonitor  = "monitor"  // uptime, speed and quality checks
	BotPreview  = "preview"  // link previews and screenshots
	BotFeed     = "feed"     // feed and news readers
	BotLibrary  = "library"  // HTTP libraries and command-line tools
	BotOther    = "other"    // another word that no browser uses
	BotShape    = "shape"    // no such word, but not built like a browser's agent
	BotNoAgent  = "no_agent" // called itself a browser and sent no agent
)

// BotReasons lists every reason, for pickers and tests.
var BotReasons = []string{
	BotHeadless, BotCrawler, BotMonitor, BotPreview, BotFeed, BotLibrary, BotOther, BotShape, BotNoAgent,
}

// botRules are isbot's patterns, in the order of the classes.
type botRules struct {
	source  string
	rules   []botRule
	needles *needles
}

// botRule is one pattern: a literal alone, a literal with a check, or an
// expression for the agent in lower case.
type botRule struct {
	reason   string
	literal  string
	check    func(before, after string) bool // nil: any place of the literal will do
	expr     string
	compiled atomic.Pointer[regexp.Regexp]
}

// botChecks stand for the patterns that look ahead or behind. Each gets what
// stands before and after one place of its literal.
var botChecks = map[string]func(before, after string) bool{
	// "Cubot" makes phones.
	"bot": func(before, after string) bool {
		after = strings.TrimPrefix(after, "s")
		return !strings.HasSuffix(before, " cu") && (after == "" || after[0] == '_' || !isWord(after[0]))
	},
	// The Google app and Pixel phones are people.
	"google": func(before, after string) bool {
		return !hasAnySuffix(before, " channel/", "google/") &&
			!hasAnyPrefix(after, "wv", "app", "/google", " pixel")
	},
	"http": func(before, _ string) bool { return !strings.HasSuffix(before, "lib") },
	"java": func(_, after string) bool { return !strings.HasPrefix(after, ";") },
	"news": func(before, after string) bool {
		return !strings.HasSuffix(before, "g") && !strings.HasPrefix(after, "sapphire")
	},
	// CamScanner is a phone app.
	"scan": func(before, _ string) bool { return !strings.HasSuffix(before, "cam") },
}

func hasAnyPrefix(s string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s, p) })
}

func hasAnySuffix(s string, suffixes ...string) bool {
	return slices.ContainsFunc(suffixes, func(p string) bool { return strings.HasSuffix(s, p) })
}

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_'
}

func loadBotRules() (*botRules, error) {
	b := &botRules{rules: make([]botRule, 0, 256)}
	var literals [][]string
	source, err := embeddedRules(botsFile, func(line string) error {
		fields := strings.Split(line, "\t")
		if len(fields) != 4 || !slices.Contains(BotReasons, fields[0]) || len(b.rules) == maxRules {
			return errors.New("a line of another form")
		}
		set := splitLiterals(fields[2])
		var literal string
		check := botChecks[fields[1]]
		if fields[1] != "" {
			if check == nil || len(set) != 1 {
				return errors.New("a check that does not exist")
			}
			literal = set[0]
		}
		b.rules = append(b.rules, botRule{reason: fields[0], literal: literal, check: check, expr: fields[3]})
		literals = append(literals, set)
		return nil
	})
	if err != nil {
		return nil, err
	}
	b.source = source
	b.needles = newNeedles(literals)
	return b, nil
}

// reason says why an agent, in lower case, is a program's, or nothing. From a
// server-side SDK the agent names a library or a service of the website's own
// ("billing-checker/1.0") as a matter of course; only what calls itself a
// crawler or a headless browser counts there.
func (b *botRules) reason(low string, browser bool) string {
	if low == "" {
		if browser {
			return BotNoAgent
		}
		return ""
	}
	var found ruleSet
	b.needles.find(low, &found)
	for i := found.next(0, len(b.rules)); i >= 0; i = found.next(i+1, len(b.rules)) {
		r := &b.rules[i]
		if !browser && r.reason != BotHeadless && r.reason != BotCrawler {
			return "" // those two come first
		}
		if r.match(low) {
			return r.reason
		}
	}
	return ""
}

func (r *botRule) match(low string) bool {
	switch {
	case r.check != nil:
		for from := 0; ; {
			i := strings.Index(low[from:], r.literal)
			if i < 0 {
				return false
			}
			i += from
			if r.check(low[:i], low[i+len(r.literal):]) {
				return true
			}
			from = i + 1
		}
	case r.expr == "":
		return true // its literal was found
	}
	re := r.compiled.Load()
	if re == nil {
		re = regexp.MustCompile(r.expr)
		r.compiled.Store(re)
	}
	return re.MatchString(low)
}
