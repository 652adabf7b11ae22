package web

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"loch/shared/event"
	"loch/shared/fault"
)

// Longest texts that are handed on to enrichment. No browser's agent comes
// near, and matching patterns against a megabyte is work that anyone could
// order.
const (
	maxAgent = 1024
	maxHint  = 512
)

// Proxies are the networks of the reverse proxies that stand before Loch and
// may be believed about whom they speak for.
type Proxies []netip.Prefix

// ParseProxies reads prefixes ("10.0.0.0/8") and single addresses. A prefix of
// no bits is refused: to believe everybody is to believe the client, who can
// write what it likes.
func ParseProxies(list []string) (Proxies, error) {
	var out Proxies
	for i, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			a, errAddr := netip.ParseAddr(s)
			if errAddr != nil {
				return nil, fault.Newf(fault.Invalid, "trusted proxy %d of %d is neither an address nor a prefix such as 10.0.0.0/8", i+1, len(list))
			}
			a = a.Unmap().WithZone("")
			p = netip.PrefixFrom(a, a.BitLen())
		}
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		if p.Bits() == 0 {
			return nil, fault.Newf(fault.Invalid, "trusted proxy %d of %d trusts everybody, so that any client could choose its address; name the proxy's own network", i+1, len(list))
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

func (p Proxies) trust(a netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(a) {
			return true
		}
	}
	return false
}

// ClientOf reads what a request tells about its sender: the address, the agent,
// the client hints, and whether a browser sent it.
//
// The address is the connection's own. Only if that is a trusted proxy is
// X-Forwarded-For read, from the right, where each proxy adds the address that
// it saw, past further trusted proxies, to the first address that is not one.
// What stands left of that was written by the client and proves nothing. Where
// a trusted proxy says something that is not an address, the address is unknown.
func ClientOf(r *http.Request, trusted Proxies) event.Client {
	h := r.Header
	agent := clip(h.Get("User-Agent"), maxAgent)
	return event.Client{
		Address:   addressOf(r, trusted),
		UserAgent: agent,
		Hints: event.Hints{
			Brands:          clip(h.Get("Sec-Ch-Ua"), maxHint),
			FullVersionList: clip(h.Get("Sec-Ch-Ua-Full-Version-List"), maxHint),
			Platform:        clip(h.Get("Sec-Ch-Ua-Platform"), maxHint),
			PlatformVersion: clip(h.Get("Sec-Ch-Ua-Platform-Version"), maxHint),
			Model:           clip(h.Get("Sec-Ch-Ua-Model"), maxHint),
			Mobile:          clip(h.Get("Sec-Ch-Ua-Mobile"), maxHint),
		},
		// https://www.w3.org/TR/gpc/ and the older header that browsers still send.
		OptOut:  h.Get("Sec-Gpc") == "1" || h.Get("Dnt") == "1",
		Browser: fromBrowser(h, agent),
	}
}

func clip(s string, n int) string { return s[:min(len(s), n)] }

func addressOf(r *http.Request, trusted Proxies) netip.Addr {
	at, ok := parseAddress(r.RemoteAddr)
	if !ok || !trusted.trust(at) {
		return at
	}
	lines := r.Header["X-Forwarded-For"]
	for _, line := range slices.Backward(lines) {
		for rest, more := line, true; more; {
			var entry string
			if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
				rest, entry = rest[:comma], rest[comma+1:]
			} else {
				entry, more = rest, false
			}
			entry = strings.TrimSpace(entry)
			if entry == "" {
				continue
			}
			if at, ok = parseAddress(entry); !ok || !trusted.trust(at) {
				return at
			}
		}
	}
	return at
}

// parseAddress takes an address with or without port, as RemoteAddr and the
// various proxies write it.
func parseAddress(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		ap, errPort := netip.ParseAddrPort(s)
		if errPort != nil {
			a, err = netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
			if err != nil {
				return netip.Addr{}, false
			}
		} else {
			a = ap.Addr()
		}
	}
	return a.Unmap().WithZone(""), true
}

// libraries are programs whose agent begins like a browser's although nobody
// looks at a page with them.
var libraries = []string{
	"powershell", "winhttp", "libwww", "python-requests", "python-urllib", "aiohttp",
	"go-http-client", "okhttp", "apache-httpclient", "java/", "axios", "node-fetch",
	"undici", "guzzle", "curl/", "wget", "mechanize", "scrapy", "postman", "insomnia",
}

// fromBrowser says whether a page's own browser sent the request. Of the
// Sec-Fetch headers Sec-Fetch-Site is the one that counts: Node's fetch sends
// Sec-Fetch-Mode as well. Bots that open pages count as browsers here; whether
// it is a bot is for enrichment to say.
func fromBrowser(h http.Header, agent string) bool {
	if h.Get("Origin") != "" || h.Get("Sec-Fetch-Site") != "" {
		return true
	}
	if !strings.HasPrefix(agent, "Mozilla/") {
		return false
	}
	lower := strings.ToLower(agent)
	for _, name := range libraries {
		if strings.Contains(lower, name) {
			return false
		}
	}
	return true
}
