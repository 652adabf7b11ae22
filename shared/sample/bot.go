package sample

import (
	"net/netip"

	"loch/shared/event"
)

// bot is a program that visits. The lake keeps what it does and flags it.
type bot struct {
	weight   int
	machine  machine
	networks []netip.Prefix
}

var (
	desktopScreen  = [][2]int{{1280, 720}, {1920, 1080}}
	headlessScreen = [][2]int{{800, 600}}
	phoneScreen    = [][2]int{{412, 732}}
)

// The addresses are of the networks that these bots are known to come from;
// headless browsers run in data centres.
var bots = []bot{
	{30, machine{"Android", "Chrome", "Android", "141", "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P)" + webKit + "Chrome/141.0.7390.122 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", event.Hints{}, phoneScreen}, nets("66.249.64.0/19")},
	{14, machine{"", "Chrome", "", "141", "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/141.0.7390.122 Safari/537.36", event.Hints{}, desktopScreen}, nets("66.249.64.0/19")},
	{12, machine{"", "Chrome", "", "116", "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/116.0.1938.76 Safari/537.36", event.Hints{}, desktopScreen}, nets("40.77.167.0/24")},
	{16, machine{"", "Mozilla", "", "null", "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.2; +https://openai.com/gptbot", event.Hints{}, desktopScreen}, nets("20.171.206.0/24")},
	{6, machine{"", "Mozilla", "", "null", "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)", event.Hints{}, desktopScreen}, nets("3.208.0.0/12")},
	{7, machine{"", "", "", "null", "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", event.Hints{}, desktopScreen}, nets("54.36.148.0/22")},
	{15, machine{"Linux", "Chrome", "", "156", "Mozilla/5.0 (X11; Linux x86_64)" + webKit + "HeadlessChrome/156.0.0.0 Safari/537.36", hints(headlessBrands, "Linux", "?0"), headlessScreen}, nets("3.120.0.0/14", "3.208.0.0/12")},
}

var botChoice = choose(len(bots), func(i int) int { return bots[i].weight })

// crawler makes the n-th bot. Like those that keep no cookies, it has a new
// device id at each visit.
func (g *Generator) crawler(n uint64) person {
	d := seeded(g.seed, tagCrawler, n)
	return person{key: d.next(), class: crawler, place: &places[0]}
}

// bot is which program a crawler is, and where it sends from.
func (p *person) bot() (*machine, []netip.Prefix) {
	d := seeded(p.key, tagCrawler)
	b := &bots[botChoice.draw(&d)]
	return &b.machine, b.networks
}
