package privacy

import (
	"encoding/base64"
	"strings"
)

type keyPrefix struct {
	prefix string
	tail   int
}

// keyPrefixes are how the keys of widely used services begin, and how long what
// follows is at least.
var keyPrefixes = []keyPrefix{
	{"sk_live_", 16}, {"sk_test_", 16}, {"rk_live_", 16}, {"rk_test_", 16}, {"pk_live_", 16}, {"pk_test_", 16}, // Stripe
	{"AKIA", 16}, {"ASIA", 16}, // AWS
	{"ghp_", 30}, {"gho_", 30}, {"ghu_", 30}, {"ghs_", 30}, {"ghr_", 30}, {"github_pat_", 30}, // GitHub
	{"glpat-", 16},                                                            // GitLab
	{"xoxb-", 10}, {"xoxp-", 10}, {"xoxa-", 10}, {"xoxr-", 10}, {"xoxs-", 10}, // Slack
	{"AIza", 30}, {"ya29.", 20}, {"GOCSPX-", 20}, // Google
	{"SG.", 40},                                    // SendGrid
	{"npm_", 30}, {"pypi-", 30}, {"dckr_pat_", 20}, // registries
	{"sk-proj-", 20}, {"sk-ant-", 20}, {"sk-", 40}, // OpenAI, Anthropic
	{"shpat_", 28}, {"shpss_", 28}, {"hf_", 30}, {"dop_v1_", 40}, {"rzp_live_", 12}, {"whsec_", 20},
	{"-----BEGIN ", 10}, // PEM
}

// keysByFirst are the same by their first byte.
var keysByFirst = func() (t [128][]keyPrefix) {
	for _, k := range keyPrefixes {
		t[k.prefix[0]] = append(t[k.prefix[0]], k)
	}
	return t
}()

// keyAt finds an API key whose prefix begins at i or just before it.
func keyAt(text string, i, from int) (start, end int, value string) {
	for start = max(from, i-1); start <= i; start++ {
		for _, k := range keysByFirst[text[start]&0x7f] {
			if !strings.HasPrefix(text[start:], k.prefix) || start > 0 && inWord(text[start-1]) {
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
// base64, the first of which is a JSON object (RFC 7519).
func jwtAt(text string, i, from int) (start, end int, value string) {
	for start = max(from, i-1); start <= i; start++ {
		if !strings.HasPrefix(text[start:], "eyJ") || start > 0 && inWord(text[start-1]) {
			continue
		}
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
		if dots != 2 || text[end-1] == '.' && end-head < 8 {
			continue
		}
		object, err := base64.RawURLEncoding.DecodeString(text[start:head])
		if err == nil && len(object) > 1 && object[0] == '{' && object[len(object)-1] == '}' {
			return start, end, text[start:end]
		}
	}
	return 0, 0, ""
}

// secretParameters are names of query parameters whose values let somebody in, or
// name somebody, by plain spelling.
var secretParameters = map[string]bool{
	"token": true, "accesstoken": true, "refreshtoken": true, "idtoken": true, "authtoken": true, "csrftoken": true, "xsrftoken": true,
	"resettoken": true, "logintoken": true, "invitetoken": true, "code": true, "authcode": true, "key": true, "apikey": true,
	"accesskey": true, "secretkey": true, "clientsecret": true, "secret": true, "password": true, "passwd": true, "pwd": true, "pass": true,
	"passphrase": true, "signature": true, "sig": true, "hmac": true, "session": true, "sessionid": true, "sid": true, "phpsessid": true,
	"jsessionid": true, "auth": true, "authorization": true, "otp": true, "totp": true, "pin": true, "jwt": true, "assertion": true,
	"samlresponse": true, "ticket": true, "email": true, "emailaddress": true, "mail": true, "phone": true, "tel": true, "ssn": true,
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
	if name == at || !delimited(text, name) || !secretParameters[plainName(text[name:at])] {
		return 0, 0, ""
	}
	start = at + width
	for end = start; end < len(text) && !strings.ContainsRune("&#;\"' \t\r\n<>\\", rune(text[end])); end++ {
		if text[end] == '%' && end+3 <= len(text) && width == 3 && (strings.EqualFold(text[end:end+3], "%26") || strings.EqualFold(text[end:end+3], "%23")) {
			break
		}
	}
	value = text[start:end]
	if value == "" || value[0] == '[' || isToken(value) {
		return 0, 0, ""
	}
	return start, end, value
}

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
	if i == 0 || strings.IndexByte("?&;# ", text[i-1]) >= 0 {
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
