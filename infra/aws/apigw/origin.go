package apigw

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// fromCloudFront tells whether the distribution of this stack sent the request,
// and takes its secret out of the headers. Where it did not, all headers of
// CloudFront's go: a client wrote them. So does X-Forwarded-For, which names
// nothing that remote does not say better.
func fromCloudFront(h http.Header, o Options) bool {
	given := h.Get(originHeader)
	h.Del(originHeader)
	h.Del("X-Forwarded-For")
	if o.OriginSecret != "" && equal(given, o.OriginSecret) {
		return true
	}
	for name := range h {
		if strings.HasPrefix(name, "Cloudfront-") {
			h.Del(name)
		}
	}
	return false
}

// equal compares in a time that tells nothing about either.
func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
