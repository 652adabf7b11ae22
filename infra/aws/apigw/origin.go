package apigw

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// viewerHeader is what the distribution's own function writes the viewer's address into
// (infra/aws/stack/edge.yaml). No handler ever sees it.
const viewerHeader = "x-loch-viewer"

// fromCloudFront tells whether the distribution of this stack sent the request, and the
// viewer's address if its function wrote it. It takes the secret out of the headers, and
// X-Forwarded-For, which names nothing that remote does not say better. CloudFront's own
// headers go where a client can have written them: without the secret, and behind the
// function, whose distribution adds none.
func fromCloudFront(h http.Header, o Options) (address string, trusted bool) {
	given := h.Get(originHeader)
	address = h.Get(viewerHeader)
	h.Del(originHeader)
	h.Del(viewerHeader)
	h.Del("X-Forwarded-For")
	trusted = o.OriginSecret != "" && equal(given, o.OriginSecret)
	if !trusted {
		address = ""
	}
	if trusted && address == "" {
		return "", true
	}
	for name := range h {
		if strings.HasPrefix(name, "Cloudfront-") {
			h.Del(name)
		}
	}
	return address, trusted
}

// equal compares in a time that tells nothing about either.
func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
