package privacy

import (
	"encoding/base64"
	"strings"
)

type keyPrefix struct {
	prefix string
	tail   int
	rare   int // where in the prefix the pairs are that scan looks for: "lin" is in too many words
}

// keyPrefixes are how the keys of widely used services begin, and how long what
// follows is at least.
var keyPrefixes = []keyPrefix{
	{prefix: "sk_live_", tail: 16}, {prefix: "sk_test_", tail: 16}, {prefix: "rk_live_", tail: 16}, {prefix: "rk_test_", tail: 16},
	{prefix: "pk_live_", tail: 16}, {prefix: "pk_test_", tail: 16}, // Stripe
	{prefix: "AKIA", tail: 16}, {prefix: "ASIA", tail: 16}, // AWS
	{prefix: "ghp_", tail: 30}, {prefix: "gho_", tail: 30}, {prefix: "ghu_", tail: 30}, {prefix: "ghs_", tail: 30}, {prefix: "ghr_", tail: 30},
	{prefix: "github_pat_", tail: 30}, // GitHub
	{prefix: "glpat-", tail: 16},      // GitLab
	{prefix: "xoxb-", tail: 10}, {prefix: "xoxp-", tail: 10}, {prefix: "xoxa-", tail: 10}, {prefix: "xoxr-", tail: 10}, {prefix: "xoxs-", tail: 10},
	{prefix: "xapp-1-", tail: 20},                                                          // Slack
	{prefix: "AIza", tail: 30}, {prefix: "ya29.", tail: 20}, {prefix: "GOCSPX-", tail: 20}, // Google
	{prefix: "SG.", tail: 40},                                                                // SendGrid
	{prefix: "npm_", tail: 30}, {prefix: "pypi-", tail: 30}, {prefix: "dckr_pat_", tail: 20}, // registries
	{prefix: "sk-proj-", tail: 20}, {prefix: "sk-ant-", tail: 20}, {prefix: "sk-", tail: 40}, {prefix: "gsk_", tail: 40}, // OpenAI, Anthropic, Groq
	{prefix: "shpat_", tail: 28}, {prefix: "shpss_", tail: 28}, {prefix: "shpca_", tail: 28}, {prefix: "shppa_", tail: 28}, // Shopify
	{prefix: "sq0atp-", tail: 20}, {prefix: "sq0csp-", tail: 40}, {prefix: "EZAK", tail: 50}, // Square, EasyPost
	{prefix: "rzp_live_", tail: 12}, {prefix: "rzp_test_", tail: 12}, {prefix: "whsec_", tail: 20}, // Razorpay, Stripe's webhooks
	{prefix: "hf_", tail: 30}, {prefix: "dop_v1_", tail: 40}, {prefix: "sbp_", tail: 40}, {prefix: "hvs.", tail: 60}, {prefix: "dapi", tail: 32},
	{prefix: "lin_api_", tail: 36, rare: 2}, {prefix: "figd_", tail: 36}, {prefix: "phx_", tail: 36}, {prefix: "glsa_", tail: 36},
	{prefix: "NRAK-", tail: 27}, {prefix: "PMAK-", tail: 50},
	{prefix: "-----BEGIN ", tail: 10}, // PEM
}

// keysByFirst are the same by their first byte.
var keysByFirst = func() (t [128][]keyPrefix) {
	for _, k := range keyPrefixes {
		t[k.prefix[0]] = append(t[k.prefix[0]], k)
	}
	return t
}()

// mostRare is the greatest of the prefixes' rare.
const mostRare = 2

// keyAt finds an API key whose rare pair begins at i or just before it.
func keyAt(text string, i, from int) (start, end int, value string) {
	for start = max(from, i-1-mostRare); start <= i; start++ {
		if start > 0 && inWord(text[start-1]) {
			continue // most pairs stand within a word
		}
		for _, k := range keysByFirst[text[start]&0x7f] {
			if !strings.HasPrefix(text[start:], k.prefix) {
				continue
			}
			end = start + len(k.prefix)
			if k.prefix[0] == '-' {
				if strings.Contains(text[end:min(len(text), end+40)], "PRIVATE KEY") {
					return start, len(text), text[start:]
				}
				continue
			}
			for end < len(text) && (inWord(text[end]) || text[end] == '-' || text[end] == '.' && k.prefix[len(k.prefix)-1] == '.') {
				end++
			}
			if end-start-len(k.prefix) >= k.tail {
				return start, end, text[start:end]
			}
		}
	}
	return 0, 0, ""
}

// jwtAt finds a JSON web token that begins at i or just before it: three parts of
// base64, the first of which is a JSON object (RFC 7519). tried is the end of the
// part that was looked at, in which none other needs to be looked for: a part of
// nothing but beginnings must not be read from each of them.
func jwtAt(text string, i, from int) (start, end int, value string, tried int) {
	for start = max(from, i-1); start <= i; start++ {
		if !strings.HasPrefix(text[start:], "eyJ") || start > 0 && inWord(text[start-1]) {
			continue
		}
		start := beforeDot(text, start, from)
		dots, head := 0, 0
		for end = start; end < len(text); end++ {
			c := text[end]
			if c == '.' && dots < 2 {
				if dots++; head == 0 {
					head = end
				}
			} else if !isDigit(c) && !isLetter(c) && c != '-' && c != '_' {
				break
			}
		}
		if tried = head; head == 0 {
			tried = end
		}
		if dots != 2 || text[end-1] == '.' && end-head < 8 {
			continue
		}
		object, err := base64.RawURLEncoding.DecodeString(text[start:head])
		if err == nil && len(object) > 1 && object[0] == '{' && object[len(object)-1] == '}' {
			return start, end, text[start:end], end
		}
	}
	return 0, 0, "", tried
}

// beforeDot moves from a token's second part to its first, which begins with
// another pair of letters where a blank or a line break follows its brace.
func beforeDot(text string, start, from int) int {
	if start < 4 || text[start-1] != '.' {
		return start
	}
	i := start - 1
	for i > from && (isDigit(text[i-1]) || isLetter(text[i-1]) || text[i-1] == '-' || text[i-1] == '_') {
		i--
	}
	if strings.HasPrefix(text[i:], "ew") || strings.HasPrefix(text[i:], "ey") {
		return i
	}
	return start
}

// secretParameters are names of query parameters whose values let somebody in, or
// name somebody, by plain spelling.
var secretParameters = map[string]bool{
	"token": true, "accesstoken": true, "refreshtoken": true, "idtoken": true, "authtoken": true, "csrftoken": true, "xsrftoken": true,
	"resettoken": true, "logintoken": true, "invitetoken": true, "code": true, "authcode": true, "key": true, "apikey": true,
	"accesskey": true, "secretkey": true, "clientsecret": true, "secret": true, "password": true, "passwd": true, "pwd": true, "pass": true,
	"passphrase": true, "signature": true, "sig": true, "hmac": true, "session": true, "sessionid": true, "sid": true, "phpsessid": true,
	"jsessionid": true, "auth": true, "authorization": true, "otp": true, "totp": true, "pin": true, "jwt": true, "assertion": true,
	"samlresponse": true, "oauthverifier": true, "codeverifier": true, "clientassertion": true, "verificationcode": true, "csrf": true, "ticket": true, "email": true, "emailaddress": true, "mail": true, "phone": true, "tel": true, "ssn": true,
	"username": true, "login": true, "magic": true, "xamzsignature": true, "xamzcredential": true, "xamzsecuritytoken": true,
}

// parameterAt finds the value of such a parameter around an equals sign near i.
func parameterAt(text string, i, from int) (start, end int, value string) {
	at, width := equalsSign(text, i)
	if at < 0 {
		return 0, 0, ""
	}
	name := at
	for name > from && at-name < 32 && (inWord(text[name-1]) || text[name-1] == '-' || text[name-1] == '.') {
		name--
	}
	if width == 3 { // the name may follow an encoded delimiter, whose digits look like a part of it
		if d := strings.LastIndexByte(text[max(0, name-1):at], '%'); d >= 0 {
			name = max(0, name-1) + d + 3
		}
		if name >= at {
			return 0, 0, ""
		}
	}
	if strings.HasPrefix(text[name:at], "utm_") { // most parameters there are
		return 0, 0, ""
	}
	if name == at || !delimited(text, name) || !isSecretParameter(plainName(text[name:at])) {
		return 0, 0, ""
	}
	start = at + width
	if start < len(text) && text[start] == '[' {
		return 0, 0, ""
	}
	for end = start; end < len(text) && !strings.ContainsRune("&#;\"' \t\r\n<>\\", rune(text[end])); end++ {
		if text[end] == '%' && end+3 <= len(text) && width == 3 && (strings.EqualFold(text[end:end+3], "%26") || strings.EqualFold(text[end:end+3], "%23")) {
			break
		}
	}
	value = text[start:end]
	if value == "" || isToken(value) || inProse(text, name) && isWordOnly(text[name:at]) && isPlainWord(value) {
		return 0, 0, ""
	}
	return start, end, value
}

// isSecretParameter tells a parameter's plain name; whatever a token is for, it is
// one.
func isSecretParameter(plain string) bool {
	return secretParameters[plain] || strings.HasSuffix(plain, "token") || strings.HasSuffix(plain, "secret") ||
		strings.HasSuffix(plain, "password") || strings.HasSuffix(plain, "signature")
}

// inProse tells that no delimiter of a query stands before i.
func inProse(text string, i int) bool { return i == 0 || strings.IndexByte("?&;#", text[i-1]) < 0 }

// isWordOnly tells names that explain a notation as often as they hold a secret:
// "key=value", "code=name".
func isWordOnly(name string) bool { return name == "key" || name == "code" }

func equalsSign(text string, i int) (at, width int) {
	for j := max(0, i-2); j <= i+1 && j < len(text); j++ {
		if text[j] == '=' && j >= i {
			return j, 1
		}
		if j+3 <= len(text) && strings.EqualFold(text[j:j+3], "%3D") {
			return j, 3
		}
	}
	return -1, 0
}

// delimited tells that a parameter's name begins at i.
func delimited(text string, i int) bool {
	if i == 0 || strings.IndexByte("?&;# \"'{[(,|<>\t\r\n", text[i-1]) >= 0 {
		return true
	}
	if i < 3 || text[i-3] != '%' {
		return false
	}
	code := strings.ToUpper(text[i-2 : i])
	return code == "3F" || code == "26" || code == "23"
}

// isToken tells a token of the vault, which stands for a value already.
func isToken(value string) bool {
	for _, r := range Rules {
		if rest, ok := strings.CutPrefix(value, string(r)+"_"); ok && len(rest) == 32 && strings.Trim(rest, "0123456789abcdef") == "" {
			return true
		}
	}
	return false
}
