package enrich

import (
	"errors"
	"regexp"
	"strings"
	"sync/atomic"

	"loch/shared/event"
)

// maxAgent bounds the work that one agent can cause. The longest that phones
// really send are about 500 bytes.
const maxAgent = 640

// agent is what is known about the program that sent a request.
type agent struct {
	browser, browserVersion string
	os, osVersion           string
	kind                    string // device type
	brand, model            string
	botReason               string
}

// agent reads the user agent and the hints of a client, through the cache.
func (e *Enricher) agent(c *event.Client) agent {
	key := e.recent.key(c)
	if a, ok := e.recent.get(key); ok {
		return a
	}
	a := e.readAgent(c)
	a.detach()
	e.recent.put(key, a)
	return a
}

// detach copies the fields, which may be pieces of the agent's text: a cache
// that kept them would keep the whole text in memory.
func (a *agent) detach() {
	for _, f := range [...]*string{&a.browser, &a.browserVersion, &a.os, &a.osVersion, &a.brand, &a.model} {
		*f = strings.Clone(*f)
	}
}

func (e *Enricher) readAgent(c *event.Client) agent {
	text := plainAgent(c.UserAgent)
	low := lower(text)
	var a agent
	if c.Browser {
		h := readHints(&c.Hints)
		spider := e.agents.read(text, low, &h, &a)
		a.botReason = e.bots.reason(low, true)
		switch {
		case h.headless:
			a.botReason = BotHeadless
		case a.botReason == "" && spider:
			a.botReason = BotCrawler
		}
		return a
	}
	a.botReason = e.bots.reason(low, false)
	return a
}

// plainAgent cuts an agent to its longest useful length and turns control
// characters into spaces, which the literals of the rules rely on.
func plainAgent(s string) string {
	s = strings.TrimSpace(s[:min(len(s), maxAgent)])
	if strings.IndexFunc(s, isControl) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if isControl(r) {
			return ' '
		}
		return r
	}, s)
}

func isControl(r rune) bool { return r < ' ' }

// agentRules are uap-core's rules: the first that matches in each of its three
// lists names the browser, the system and the device.
type agentRules struct {
	source  string
	rules   []agentRule // browsers, then systems, then devices
	systems int         // where the systems begin
	devices int         // where the devices begin
	needles *needles
}

// agentRule is one expression and what it says, as templates that may hold $1
// to $9. The expression is compiled when it is first tried: all of them would
// take 40 ms at start and most are for devices that nobody has any more.
type agentRule struct {
	expr     string
	says     [4]string
	compiled atomic.Pointer[regexp.Regexp]
}

func (r *agentRule) match(text string) []int {
	re := r.compiled.Load()
	if re == nil {
		// Two goroutines may both compile it; one result is kept, both are right.
		re = regexp.MustCompile(r.expr)
		r.compiled.Store(re)
	}
	return re.FindStringSubmatchIndex(text)
}

func loadAgentRules() (*agentRules, error) {
	a := &agentRules{rules: make([]agentRule, 0, 1280)}
	literals := make([][]string, 0, 1280)
	source, err := embeddedRules(agentsFile, func(line string) error {
		fields := strings.Split(line, "\t")
		if len(fields) < 3 || len(fields) > 7 || len(a.rules) == maxRules {
			return errors.New("a line of another form")
		}
		switch fields[0] {
		case "b":
			a.systems++
			a.devices++
		case "o":
			a.devices++
		}
		a.rules = append(a.rules, agentRule{expr: fields[2]})
		copy(a.rules[len(a.rules)-1].says[:], fields[3:])
		literals = append(literals, splitLiterals(fields[1]))
		return nil
	})
	if err != nil {
		return nil, err
	}
	a.source = source
	a.needles = newNeedles(literals)
	return a, nil
}

func splitLiterals(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "\x1f")
}

// read fills a from the agent's text (low is the same in lower case) and the
// hints, which win. It reports whether the rules call it a spider.
func (rules *agentRules) read(text, low string, h *hints, a *agent) (spider bool) {
	if h.model != "" {
		// The frozen agent of Chrome names the model "K". With the real one put in
		// its place the device rules know the brand.
		text, low = withModel(text, low, h.model)
	}
	var found ruleSet
	rules.needles.find(low, &found)

	if r, at := rules.first(&found, 0, rules.systems, text); r != nil {
		name := r.say(text, at, 0, 1)
		a.browser = browserName(name)
		a.browserVersion = shortVersion(r.say(text, at, 1, 2), r.say(text, at, 2, 3))
	}
	if r, at := rules.first(&found, rules.systems, rules.devices, text); r != nil {
		var version strings.Builder
		for part := 1; part <= 3; part++ {
			v := r.say(text, at, part, part+1)
			if v == "" {
				break
			}
			if part > 1 {
				version.WriteByte('.')
			}
			version.WriteString(v)
		}
		a.os, a.osVersion = systemName(r.say(text, at, 0, 1), version.String())
	}
	if r, at := rules.first(&found, rules.devices, len(rules.rules), text); r != nil {
		brand := r.say(text, at, 1, 0)
		spider = brand == "Spider"
		a.brand, a.model = deviceName(brand, r.say(text, at, 2, 1))
	}
	h.apply(a)
	a.kind = deviceType(a, low, h)
	return spider
}

// first returns the first rule of [from, end) that matches, and where.
func (rules *agentRules) first(found *ruleSet, from, end int, text string) (rule *agentRule, at []int) {
	for i := found.next(from, end); i >= 0; i = found.next(i+1, end) {
		if at := rules.rules[i].match(text); at != nil {
			return &rules.rules[i], at
		}
	}
	return nil, nil
}

// say returns what the rule says in one field: its template with the groups of
// the match put in, or else the group that stands for the field by default (0
// for none).
func (r *agentRule) say(text string, at []int, field, group int) string {
	template := r.says[field]
	if template == "" {
		if group == 0 {
			return ""
		}
		return strings.TrimSpace(groupOf(text, at, group))
	}
	if !strings.Contains(template, "$") {
		return template
	}
	var b strings.Builder
	for i := 0; i < len(template); i++ {
		if template[i] == '$' && i+1 < len(template) && '1' <= template[i+1] && template[i+1] <= '9' {
			i++
			b.WriteString(groupOf(text, at, int(template[i]-'0')))
			continue
		}
		b.WriteByte(template[i])
	}
	return strings.TrimSpace(b.String())
}

func groupOf(text string, at []int, group int) string {
	if 2*group+1 >= len(at) || at[2*group] < 0 {
		return ""
	}
	return text[at[2*group]:at[2*group+1]]
}
