package privacy_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
)

// makeJWT makes a compact serialisation (RFC 7515, 7519), signed or with "none".
func makeJWT(r *rand.Rand) string {
	part := base64.RawURLEncoding.EncodeToString
	head := oneOf(r, `{"alg":"HS256","typ":"JWT"}`, `{"typ":"JWT","alg":"RS256","kid":"`+drawn(r, hexLetters, 8)+`"}`, `{"alg":"ES256"}`, "{\r\n \"alg\": \"PS256\"}")
	claims := fmt.Sprintf(`{"sub":"%d","name":"%s","iat":%d}`, r.IntN(1e9), drawn(r, lowerLetters, 6), 1700000000+r.IntN(1e8))
	signature := drawn(r, base64URL, oneOf(r, 43, 86, 342))
	if r.IntN(20) == 0 {
		head, signature = `{"alg":"none"}`, ""
	}
	return part([]byte(head)) + "." + part([]byte(claims)) + "." + signature
}

// keyForms are keys as their services document them: a beginning, and how many
// of which letters follow.
var keyForms = []func(*rand.Rand) string{
	key(alphanumeric, 24, "sk_live_", "sk_test_", "rk_live_", "pk_live_"), key(alphanumeric, 99, "sk_live_51"), key(upperLetters+"234567", 16, "AKIA", "ASIA"),
	key(alphanumeric, 36, "ghp_", "gho_", "ghs_", "ghu_", "ghr_", "npm_"), key(alphanumeric, 20, "glpat-"), key(base64URL, 35, "AIza"), key(base64URL, 28, "GOCSPX-"),
	key(alphanumeric, 34, "hf_"), key(hexLetters, 64, "dop_v1_"), key(hexLetters, 32, "shpat_", "shpca_", "shppa_", "shpss_"), key(alphanumeric, 48, "sk-"),
	key(base64URL, 93, "sk-ant-api03-", "sk-proj-", "sk-svcacct-"), key(alphanumeric, 120, "ya29.a0", "pypi-AgEIcHlwaS5vcmc"), key(base64URL, 27, "dckr_pat_"),
	key(alphanumeric, 24, "whsec_"), key(alphanumeric, 14, "rzp_live_", "rzp_test_"), key(base64URL, 22, "sq0atp-"), key(base64URL, 43, "sq0csp-"), key(hexLetters, 32, "dapi"),
	key(alphanumeric, 40, "lin_api_"), key(upperLetters+tenDigits, 27, "NRAK-"), key(base64URL, 90, "hvs."), key(alphanumeric, 52, "gsk_"), key(base64URL, 40, "figd_"),
	key(hexLetters, 40, "sbp_"), key(alphanumeric, 43, "phx_"), key(alphanumeric, 54, "EZAK"),
	func(r *rand.Rand) string {
		return "github_pat_" + drawn(r, alphanumeric, 22) + "_" + drawn(r, alphanumeric, 59)
	},
	func(r *rand.Rand) string {
		return "xox" + oneOf(r, "b", "p", "a", "s") + shaped(r, "-nnnnnnnnnnnn-nnnnnnnnnnnnn-") + drawn(r, alphanumeric, 24)
	},
	func(r *rand.Rand) string {
		return "xapp-1-A" + drawn(r, upperLetters+tenDigits, 10) + shaped(r, "-nnnnnnnnnnnnn-") + drawn(r, hexLetters, 64)
	},
	func(r *rand.Rand) string { return "SG." + drawn(r, base64URL, 22) + "." + drawn(r, base64URL, 43) },
	func(r *rand.Rand) string {
		return "PMAK-" + drawn(r, hexLetters, 24) + "-" + drawn(r, hexLetters, 34)
	},
	func(r *rand.Rand) string {
		return "glsa_" + drawn(r, alphanumeric, 32) + "_" + drawn(r, hexLetters, 8)
	},
}

func key(alphabet string, n int, prefixes ...string) func(*rand.Rand) string {
	return func(r *rand.Rand) string { return oneOf(r, prefixes...) + drawn(r, alphabet, n) }
}

func makeKey(r *rand.Rand) string { return oneOf(r, keyForms...)(r) }

// secretNames are parameters that let somebody in, as OAuth 2, OpenID Connect,
// SAML, signed URLs and web frameworks call them.
var secretNames = []string{
	"token", "access_token", "refresh_token", "id_token", "code", "client_secret", "api_key", "apikey", "apiKey", "key", "password", "passwd", "pwd", "secret",
	"session", "session_id", "sessionId", "sid", "PHPSESSID", "JSESSIONID", "sig", "signature", "X-Amz-Signature", "X-Goog-Signature", "auth", "auth_token", "otp",
	"reset_token", "resetToken", "reset_password_token", "confirmation_token", "invitation_token", "verification_code", "auth_code", "access_key", "oauth_token",
	"oauth_verifier", "csrf_token", "authenticity_token", "ticket", "SAMLResponse", "jwt", "client_assertion", "code_verifier", "magic_token", "unsubscribe_token",
}

func makeSecret(r *rand.Rand) string {
	return oneOf(r, drawn(r, hexLetters, 32), drawn(r, alphanumeric, 8+r.IntN(30)), drawn(r, base64URL, 43), drawn(r, lowerLetters, 6)+"!"+drawn(r, tenDigits, 3))
}
