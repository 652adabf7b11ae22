package web

import "net/http"

// preflightSeconds is how long a browser may remember a preflight's answer. A
// day is the most that any browser honours.
const preflightSeconds = "86400"

// IngestCORS answers as browsers on other origins need it. An SDK sends with
// credentials, and then a browser accepts neither "*" nor a missing header: it
// hides the answer, and Mixpanel's SDK drops the batch for good. So the origin
// is echoed on every answer, errors, 404 and 405 included, which is why this
// wraps the routes from outside. Preflights are answered here. A request
// without Origin is passed on as it is.
//
// Any origin may write: write tokens are public, since web pages carry them.
// Routes that read must not be wrapped.
func IngestCORS(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		if origin := r.Header.Get("Origin"); origin != "" {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Allow-Credentials", "true")
			h.Set("Access-Control-Expose-Headers", "Retry-After, X-Request-Id")
			h.Add("Vary", "Origin")
			if r.Method == http.MethodOptions {
				preflight(h, r)
			}
		}
		if r.Method == http.MethodOptions {
			h.Set("Allow", "GET, POST, OPTIONS")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// preflight allows what was asked for: SDKs let their users add headers of
// their own, so there is no list to check against.
func preflight(h http.Header, r *http.Request) {
	h.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
	h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
	h.Set("Access-Control-Max-Age", preflightSeconds)
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		h.Set("Access-Control-Allow-Headers", asked)
	}
}
