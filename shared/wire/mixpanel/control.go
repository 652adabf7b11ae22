package mixpanel

import (
	"net/http"
	"net/url"
	"strings"
)

// Route is one of the four write routes.
type Route uint8

// The write routes of Mixpanel's ingestion API.
const (
	Track  Route = iota // events, token inside each
	Engage              // updates of people
	Groups              // updates of groups
	Import              // events of any age, from servers
)

// String is the route's path.
func (r Route) String() string {
	return [...]string{"/track", "/engage", "/groups", "/import"}[r]
}

// Control is what a request says about itself, apart from its records. Clients
// put these parameters into the query or into the form body (Ruby and Python
// the latter), so both are read; the query wins.
type Control struct {
	Route    Route
	JSON     bool // the body is JSON or NDJSON, not a form: /import answers in its own shape
	Verbose  bool
	Image    bool   // img=1: answer with a GIF
	Callback string // callback=fn: answer with a script that calls fn
	Strict   bool   // /import strict=1: report each record that fails
	IP       string // "1" the request's address, "0" none, "" by the event
}

// controlOf reads the control parameters from a query and the parameters of a
// form body.
func controlOf(route Route, query, form url.Values) Control {
	get := func(name string) string {
		if v, ok := query[name]; ok && len(v) > 0 {
			return v[0]
		}
		return form.Get(name)
	}
	on := func(name string) bool {
		v := strings.ToLower(get(name))
		return v == "1" || v == "true"
	}
	c := Control{
		Route: route, Verbose: on("verbose"), Image: on("img"), Strict: on("strict"),
		IP: get("ip"),
	}
	if fn := get("callback"); isFunctionName(fn) {
		c.Callback = fn
	}
	return c
}

// isFunctionName keeps a callback from carrying anything but a name: its text
// is written into a script.
func isFunctionName(s string) bool {
	if s == "" || len(s) > 100 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c == '$'
		if !letter && (i == 0 || !('0' <= c && c <= '9' || c == '.')) {
			return false
		}
	}
	return true
}

// Credential is what the Authorization header of a request says. Mixpanel's
// forms: a service account (user and secret), the token or the old API secret
// as user with an empty password.
type Credential struct {
	User, Secret string
}

// CredentialOf reads a request's Basic credential; it is zero when there is
// none.
func CredentialOf(r *http.Request) Credential {
	user, secret, _ := r.BasicAuth()
	return Credential{User: user, Secret: secret}
}
