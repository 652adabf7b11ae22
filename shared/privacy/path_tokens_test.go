package privacy_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"loch/shared/project"
)

// letters makes tokens of n letters of an alphabet.
func letters(r *rand.Rand, alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

func random(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

const (
	base36 = "0123456789abcdefghijklmnopqrstuvwxyz"
	base62 = base36 + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// tokenKinds are the ids that web frameworks, databases and services make, each
// made here as its maker does, not by the rules that find them. least is the
// share in 10 000 that must be found: all, but for short ones that now and then
// have hardly a digit.
var tokenKinds = []struct {
	name  string
	least int
	make  func(r *rand.Rand) string
}{
	{"uuid", 10000, func(r *rand.Rand) string {
		b := random(r, 16)
		return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	}},
	{"ulid", 10000, func(r *rand.Rand) string { return "01" + letters(r, "0123456789ABCDEFGHJKMNPQRSTVWXYZ", 24) }},
	{"object id", 10000, func(r *rand.Rand) string { return "6" + hex.EncodeToString(random(r, 12))[1:] }},
	{"sha1", 10000, func(r *rand.Rand) string { return hex.EncodeToString(random(r, 20)) }},
	{"base62 of 22", 9850, func(r *rand.Rand) string { return letters(r, base62, 22) }},
	{"base36 of 24", 9900, func(r *rand.Rand) string { return letters(r, base36, 24) }},
	{"nanoid", 9700, func(r *rand.Rand) string { return letters(r, base62+"-_", 21) }},
	{"base64url of 256 bits", 9900, func(r *rand.Rand) string { return base64.RawURLEncoding.EncodeToString(random(r, 32)) }},
	{"prefixed", 9300, func(r *rand.Rand) string { return "cus_" + letters(r, base62, 14) }},
	{"hex of 12", 9500, func(r *rand.Rand) string { return hex.EncodeToString(random(r, 6)) }},
	{"number", 10000, func(r *rand.Rand) string { return fmt.Sprint(10000 + r.IntN(1_000_000_000)) }},
	{"slug with hex", 9500, func(r *rand.Rand) string { return "how-to-sail-" + hex.EncodeToString(random(r, 6)) }},
	{"slug with number", 10000, func(r *rand.Rand) string { return fmt.Sprintf("how-to-sail-%d", 100000+r.IntN(900000)) }},
	{"video id of 11", 8300, func(r *rand.Rand) string { return letters(r, base62, 11) }},
}

func TestTokensAreFound(t *testing.T) {
	p := policy(t, project.Privacy{})
	for _, kind := range tokenKinds {
		r := rand.New(rand.NewPCG(1, 2))
		found, missed := 0, ""
		for range 10000 {
			token := kind.make(r)
			if got := p.Path("/things/" + token); got != "/things/"+token {
				found++
			} else {
				missed = token
			}
		}
		t.Logf("%-22s %5d of 10000, such as %s not", kind.name, found, missed)
		if found < kind.least {
			t.Errorf("%s: found %d of 10000, want %d; %s was not", kind.name, found, kind.least, missed)
		}
	}
}

// Behind a name that says people nothing is left to guess.
func TestBehindPeopleEveryTokenGoes(t *testing.T) {
	p, r := policy(t, project.Privacy{}), rand.New(rand.NewPCG(3, 4))
	for _, kind := range tokenKinds {
		for range 1000 {
			if token := kind.make(r); p.Path("/users/"+token) != "/users/:id" {
				t.Fatalf("%s: %s became %s", kind.name, token, p.Path("/users/"+token))
			}
		}
	}
}

// Pages that readers of a report must still be able to tell apart, as shops,
// magazines, documentation and applications name them.
const ordinaryPaths = `/ /about /about-us /pricing /pricing/enterprise /blog /blog/2026/03/14/spring-release /features/funnels
/blog/10-ways-to-save-time /blog/what-is-product-led-growth-and-why-it-matters-in-2026 /docs/getting-started/installation /docs/api/v3/events
/docs/1.24/reference /changelog/2026-11 /releases/v2.10.3 /downloads/setup.exe /help/en-us/articles /de/preise /fr-FR/produits/chaussures-de-course
/shop/women/shoes/running /shop/men/t-shirts/size-m /collections/summer-2026 /products/iphone-15-pro-max-256gb /products/nike-air-max-90
/products/levis-501-original-jeans /products/samsung-galaxy-s24-ultra /products/ps5-slim /c/home-garden /search /search/results /cart/checkout/step-2
/login /logout /signup /app/dashboard /app/reports/funnels/new /settings/notifications /settings/billing/plans /team/engineering /careers/backend-engineer-m-f-d
/legal/terms-of-service /privacy-policy /sitemap.xml /robots.txt /favicon.ico /assets/css/main.css /static/js/app.bundle.js /images/hero-1920x1080.jpg
/news/world/europe /sport/football/world-cup-2026 /recipes/5-minute-chocolate-cake /movies/blade-runner-2049 /events/devconf-2026/schedule/day-1
/courses/cs101/week-3 /lessons/7/quiz /category/3d-printing /tag/c%2B%2B /wiki/World_War_II /wiki/COVID-19_pandemic /wiki/Apollo_11 /questions/tagged/go
/topics/ai-ml /locations/new-york/5th-avenue /hotels/paris/4-star /flights/ber-lhr /jobs/remote /compare/a-vs-b /customers /customers/search /users
/users/settings /u /orders /orders/new /invoices/2fa /guides/oauth2-with-pkce /specs/http-2 /rfc/rfc9110 /standards/iso-8601 /en/products/category/page/2
/lp/black-friday-2026-de /partner/solutions/by-industry /webinars/q3-roadmap /b2b /b2c/crm /h1-to-h6 /i18n/l10n /utf-8 /x86-64 /mp3-player /4k-tv/65-inch
/docs/XMLHttpRequest /docs/HowToDoItAsAPro /wiki/USAvsUKReport /wiki/BBCNewsITV /app/iPhone15ProMax /wiki/McDonaldsAndKFC`

func TestOrdinaryPathsStay(t *testing.T) {
	p := policy(t, project.Privacy{})
	lost := 0
	for path := range strings.FieldsSeq(ordinaryPaths) {
		if got := p.Path(path); got != path {
			lost++
			t.Logf("%s became %s", path, got)
		}
	}
	if lost > 0 {
		t.Errorf("%d pages cannot be told from others any more", lost)
	}
}

// plainOracle are ids as a reader would search for them in what is stored.
var plainOracle = regexp.MustCompile(`(?i)(^|/)([0-9]{5,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{0,31}[0-9][0-9a-f]{15,}|[^/\\@]+@[a-z]+\.[a-z]+)($|/)`)

func FuzzPath(f *testing.F) {
	for path := range strings.FieldsSeq(ordinaryPaths) {
		f.Add(path)
	}
	for _, path := range []string{
		"/users/;x/ann", "/x/%25%32%35%34%31", "/a=b=c/@@/=@", "/order-12-13-order-2024", "/%2F%2f;/%40", `/\\x\/users\7`, "/12345.html.html",
		"/users/[id]).", "/u%73ers/7", "/:id-12345-", "/a@b=c", "/\xff%ff123456", "/ 123 /", "/2024-1999-12345678", "/user=:id=2",
	} {
		f.Add(path)
	}
	p := policy(f, project.Privacy{})
	f.Fuzz(func(t *testing.T, path string) {
		got := p.Path(path)
		if again := p.Path(got); again != got {
			t.Fatalf("%q\nbecame %q\n  then %q", path, got, again)
		}
		if strings.ContainsAny(got, "?#;") {
			t.Fatalf("%q keeps parameters: %q", path, got)
		}
		if found := plainOracle.FindString(got); found != "" && !strings.Contains(found, "%") {
			t.Fatalf("%q keeps %q: %q", path, found, got)
		}
	})
}
