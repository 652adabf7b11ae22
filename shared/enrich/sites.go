package enrich

import "strings"

// siteKind is what a website is to marketing.
type siteKind uint8

const (
	siteOther siteKind = iota
	siteSearch
	siteSocial
	siteVideo
	siteShopping
	siteEmail
	siteAI
)

// medium is what a link from such a site counts as when it says nothing itself.
func (k siteKind) medium() string {
	switch k {
	case siteSearch:
		return "organic"
	case siteAI:
		return "ai-assistant"
	case siteEmail:
		return "email"
	default:
		return "referral"
	}
}

type site struct {
	name string
	kind siteKind
}

// knownSites is our own table. Each line is one site: its name in the source
// column, other names that campaigns give it after commas, then its hosts.
// A host stands for those under it too, unless an equals sign says that it is
// only itself (and www, m and search of it): accounts.google.com is no search
// engine. A star stands for any country's ending. Names of Android apps stand
// for links that were opened from them.
var knownSites = []struct {
	kind  siteKind
	lines string
}{
	{siteSearch, `
google,adwords,googleads,google_ads,google-ads =google.* images.google.* cdn.ampproject.org syndicatedsearch.goog com.google.android.googlequicksearchbox com.google.android.apps.searchlite
bing,bingads,bing_ads,microsoft_ads =bing.com cn.bing.com global.bing.com com.microsoft.bing
yahoo search.yahoo.com search.yahoo.co.jp =yahoo.com =yahoo.co.jp
duckduckgo,ddg duckduckgo.com com.duckduckgo.mobile.android
baidu =baidu.com wap.baidu.com
yandex =yandex.* =ya.ru com.yandex.searchapp
ecosia ecosia.org
qwant qwant.com
startpage startpage.com
brave search.brave.com
naver =naver.com search.naver.com
daum =daum.net search.daum.net
seznam =seznam.cz search.seznam.cz
sogou sogou.com
so.com =so.com haosou.com
shenma sm.cn
kagi kagi.com
mojeek mojeek.com
ask ask.com
aol search.aol.com =aol.com
dogpile dogpile.com
metager metager.org metager.de
swisscows swisscows.com
presearch presearch.com presearch.io
onet szukaj.onet.pl
rambler nova.rambler.ru
virgilio ricerca.virgilio.it
lycos search.lycos.com
goo search.goo.ne.jp
coccoc coccoc.com
gibiru gibiru.com
marginalia search.marginalia.nu marginalia-search.com
lilo search.lilo.org
oceanhero oceanhero.today
karma karmasearch.org
`},
	{siteSocial, `
facebook,fb,meta,facebookads,facebook_ads,facebook-ads facebook.com fb.com fb.me fb.watch messenger.com com.facebook.katana com.facebook.orca
instagram,ig,insta instagram.com com.instagram.android
threads threads.net threads.com com.instagram.barcelona
twitter,x,twitterads twitter.com x.com t.co com.twitter.android
linkedin,li,linkedin_ads,linkedin-ads linkedin.com lnkd.in com.linkedin.android
reddit reddit.com redd.it com.reddit.frontpage
pinterest,pin pinterest.* pin.it com.pinterest
snapchat,snap snapchat.com com.snapchat.android
whatsapp,wa whatsapp.com wa.me com.whatsapp
telegram,tg telegram.org telegram.me t.me org.telegram.messenger
discord discord.com discord.gg discordapp.com com.discord
slack slack.com com.slack
teams teams.microsoft.com teams.live.com
vk,vkontakte vk.com vk.ru away.vk.com com.vkontakte.android
odnoklassniki,ok ok.ru
weibo weibo.com weibo.cn t.cn
wechat,weixin weixin.qq.com wechat.com
qzone qzone.qq.com
tieba tieba.baidu.com
zhihu zhihu.com
douban douban.com
xiaohongshu,rednote xiaohongshu.com xhslink.com
line line.me
kakao kakao.com pf.kakao.com
tumblr tumblr.com
quora quora.com
hackernews,hn news.ycombinator.com
lobsters lobste.rs
mastodon mastodon.social mastodon.online mstdn.social fosstodon.org hachyderm.io
bluesky,bsky bsky.app go.bsky.app
lemmy lemmy.world lemmy.ml
medium =medium.com
substack =substack.com
devto dev.to
producthunt producthunt.com
indiehackers indiehackers.com
nextdoor nextdoor.com
meetup meetup.com
xing xing.com
flipboard flipboard.com
pocket getpocket.com
disqus disqus.com
livejournal livejournal.com
instapaper instapaper.com
feedly feedly.com
goodreads goodreads.com
stumbleupon stumbleupon.com
digg digg.com
yammer yammer.com
deviantart deviantart.com
flickr flickr.com
tripadvisor tripadvisor.*
yelp yelp.*
trustpilot trustpilot.com
g2 g2.com
capterra capterra.com
`},
	{siteVideo, `
youtube,yt youtube.com youtu.be youtube-nocookie.com com.google.android.youtube
tiktok,tt tiktok.com com.zhiliaoapp.musically
vimeo vimeo.com
twitch twitch.tv
dailymotion dailymotion.com dai.ly
bilibili bilibili.com b23.tv
rutube rutube.ru
niconico nicovideo.jp
youku youku.com
iqiyi iqiyi.com
douyin douyin.com
kuaishou kuaishou.com
rumble rumble.com
odysee odysee.com
ted ted.com
wistia wistia.com
loom loom.com
netflix netflix.com
disneyplus disneyplus.com
hulu hulu.com
`},
	{siteShopping, `
amazon =amazon.* smile.amazon.com a.co amzn.to
ebay ebay.*
etsy etsy.com
aliexpress aliexpress.*
alibaba alibaba.com
taobao taobao.com
tmall tmall.com
jd =jd.com
walmart walmart.com
target =target.com
shopify,shop.app shop.app =shopify.com
googleshopping,google_shopping,google-shopping shopping.google.com
idealo idealo.*
pricegrabber pricegrabber.com
shopzilla shopzilla.com
kelkoo kelkoo.*
rakutenmarket rakuten.co.jp rakuten.com
mercadolibre mercadolibre.* mercadolivre.com.br
zalando zalando.*
allegro allegro.pl
bol bol.com
cdiscount cdiscount.com
flipkart flipkart.com
shopee shopee.*
lazada lazada.*
temu temu.com
shein shein.com
wish wish.com
bestbuy bestbuy.com
ozon ozon.ru
wildberries wildberries.ru
coupang coupang.com
slickdeals slickdeals.net
`},
	{siteEmail, `
gmail mail.google.com com.google.android.gm
outlook,hotmail outlook.live.com outlook.office.com outlook.office365.com outlook.com com.microsoft.office.outlook
yahoo-mail mail.yahoo.com mail.yahoo.co.jp com.yahoo.mobile.client.android.mail
icloud-mail icloud.com
protonmail mail.proton.me protonmail.com
fastmail fastmail.com
zoho-mail mail.zoho.com mail.zoho.eu
aol-mail mail.aol.com
gmx deref-gmx.net deref-gmx.com navigator.gmx.net gmx.net gmx.com
web.de deref-web.de navigator.web.de deref-mail.com
mail.ru e.mail.ru
yandex-mail mail.yandex.ru mail.yandex.com
qq-mail mail.qq.com
163-mail mail.163.com mail.126.com
naver-mail mail.naver.com
orange-mail mail01.orange.fr mail02.orange.fr
superhuman mail.superhuman.com
hey app.hey.com
`},
	{siteAI, `
chatgpt,openai chatgpt.com chat.openai.com com.openai.chatgpt
gemini,bard gemini.google.com bard.google.com com.google.android.apps.bard
notebooklm notebooklm.google.com
copilot copilot.microsoft.com copilot.cloud.microsoft m365.cloud.microsoft com.microsoft.copilot
claude claude.ai com.anthropic.claude
perplexity perplexity.ai ai.perplexity.app.android
grok grok.com x.ai ai.x.grok
deepseek deepseek.com
meta.ai meta.ai
mistral,lechat chat.mistral.ai
poe poe.com
you.com you.com
phind phind.com
pi pi.ai
character.ai character.ai
duck.ai duck.ai
kimi kimi.com kimi.ai kimi.moonshot.cn
doubao doubao.com
qwen qwen.ai chat.qwen.ai chat.qwenlm.ai tongyi.aliyun.com tongyi.com
ernie yiyan.baidu.com
yuanbao yuanbao.tencent.com
z.ai chat.z.ai
genspark genspark.ai
manus manus.im
felo felo.ai
iask iask.ai
andi andisearch.com
komo komo.ai
lumo lumo.proton.me
huggingchat huggingface.co
`},
}

// hostEntry is the site of a host; alone marks one that does not stand for the
// hosts under it.
type hostEntry struct {
	site  *site
	alone bool
}

var sitesByName, sitesByHost, sitesByBrand = readSites()

// readSites fills three maps: by name, by exact host, and by the label before a
// star.
func readSites() (byName map[string]*site, byHost, byBrand map[string]hostEntry) {
	byName, byHost, byBrand = map[string]*site{}, map[string]hostEntry{}, map[string]hostEntry{}
	for _, group := range knownSites {
		for line := range strings.Lines(group.lines) {
			fields := strings.Fields(line)
			if len(fields) == 0 {
				continue
			}
			aliases := strings.Split(fields[0], ",")
			s := &site{name: aliases[0], kind: group.kind}
			for _, name := range aliases {
				byName[name] = s
			}
			for _, host := range fields[1:] {
				host, alone := strings.CutPrefix(host, "=")
				if brand, ok := strings.CutSuffix(host, ".*"); ok {
					byBrand[brand] = hostEntry{s, alone}
				} else {
					byHost[host] = hostEntry{s, alone}
				}
			}
		}
	}
	return byName, byHost, byBrand
}

// siteAt returns the site that a host (in lower case, without "www.") belongs
// to, or nil: the longest entry that the host is or is under.
func siteAt(host string) *site {
	for rest := host; ; {
		before := strings.TrimSuffix(host[:len(host)-len(rest)], ".")
		if e, ok := sitesByHost[rest]; ok {
			return e.at(before)
		}
		// "google.co.uk", "images.google.de": the label before a country's ending.
		if i := endOfBrand(rest); i > 0 {
			if e, ok := sitesByBrand[rest[:i]]; ok {
				return e.at(before)
			}
		}
		_, after, ok := strings.Cut(rest, ".")
		if !ok {
			return nil
		}
		rest = after
	}
}

// at returns the site for what stands before the matched host, unless the entry
// stands for itself alone.
func (e hostEntry) at(before string) *site {
	if !e.alone || before == "" || oneOf(before, "www", "m", "search", "mobile") {
		return e.site
	}
	return nil
}

// endOfBrand returns where the last label before an ending such as ".com",
// ".de", ".co.uk" or ".com.br" stops, or 0 if the host is of another form.
func endOfBrand(host string) int {
	last := strings.LastIndexByte(host, '.')
	if last <= 0 {
		return 0
	}
	end, tld := last, host[last+1:]
	if second := strings.LastIndexByte(host[:last], '.'); second > 0 && len(tld) == 2 &&
		oneOf(host[second+1:last], "co", "com", "net", "org", "ne", "or") {
		end = second
	} else if len(tld) > 3 {
		return 0
	}
	return end
}

// kindNamed returns the kind of the site that a campaign's source names, by
// name or host.
func kindNamed(source string) siteKind {
	if s, ok := sitesByName[source]; ok {
		return s.kind
	}
	if strings.IndexByte(source, '.') > 0 {
		if s := siteAt(strings.TrimPrefix(source, "www.")); s != nil {
			return s.kind
		}
	}
	return siteOther
}
