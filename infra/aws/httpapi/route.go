package httpapi

import (
	"errors"
	"strings"

	"golang.org/x/time/rate"
)

// route is a Route that was understood.
type route struct {
	Route
	method   string // ANY is any
	segments []string
	greedy   bool // the last segment takes the rest
	fallback bool // $default
	own      *rate.Limiter
}

func parse(r Route) (route, error) {
	out := route{Route: r, own: limiter(r.Throttle)}
	if r.Key == "$default" {
		out.fallback = true
		return out, nil
	}
	method, path, ok := strings.Cut(r.Key, " ")
	if !ok || !strings.HasPrefix(path, "/") {
		return out, errors.New("httpapi: a route key is a method and a path, or $default, not " + r.Key)
	}
	out.method = method
	out.segments = strings.Split(path[1:], "/")
	for i, s := range out.segments {
		if strings.HasPrefix(s, "{") && strings.HasSuffix(s, "+}") {
			if i != len(out.segments)-1 {
				return out, errors.New("httpapi: a greedy variable stands at the end of a route, not inside " + r.Key)
			}
			out.greedy = true
		}
	}
	return out, nil
}

// shape is the same for routes that take the same requests.
func (r *route) shape() string {
	if r.fallback {
		return "$default"
	}
	var b strings.Builder
	b.WriteString(r.method)
	for _, s := range r.segments {
		b.WriteByte('/')
		switch {
		case isVariable(s) && strings.HasSuffix(s, "+}"):
			b.WriteString("{+}")
		case isVariable(s):
			b.WriteString("{}")
		default:
			b.WriteString(s)
		}
	}
	return b.String()
}

func (r *route) limit(stage *rate.Limiter) *rate.Limiter {
	if r.own != nil {
		return r.own
	}
	return stage
}

func isVariable(s string) bool { return strings.HasPrefix(s, "{") && strings.HasSuffix(s, "}") }

// find chooses a route for a decoded path: a full match before a greedy one, before
// $default; the method's own before ANY; among what is left, the one that is spelled
// out furthest to the left.
func (a *API) find(method, path string) (best route, values map[string]string, ok bool) {
	bestRank := ""
	for _, r := range a.routes {
		got, rank, fits := r.match(method, path)
		if fits && (!ok || rank < bestRank) {
			best, values, bestRank, ok = r, got, rank, true
		}
	}
	return best, values, ok
}

// match tells whether a route takes a request. Of two that do, the one with the
// lower rank is chosen.
func (r *route) match(method, path string) (values map[string]string, rank string, ok bool) {
	if r.fallback {
		return nil, "3", true
	}
	if r.method != "ANY" && r.method != method {
		return nil, "", false
	}
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	if len(parts) < len(r.segments) || len(parts) > len(r.segments) && !r.greedy {
		return nil, "", false
	}
	var b strings.Builder
	b.WriteByte('1')
	if r.greedy {
		b.Reset()
		b.WriteByte('2')
	}
	values = map[string]string{}
	for i, s := range r.segments {
		switch {
		case r.greedy && i == len(r.segments)-1:
			values[strings.Trim(s, "{+}")] = strings.Join(parts[i:], "/")
			b.WriteByte('z')
		case isVariable(s) && parts[i] != "":
			values[strings.Trim(s, "{}")] = parts[i]
			b.WriteByte('y')
		case s == parts[i]:
			b.WriteByte('x')
		default:
			return nil, "", false
		}
	}
	if r.method == "ANY" {
		b.WriteByte('z')
	}
	return values, b.String(), true
}

// Match tells the key of the route that takes a request, for a test of a template.
func (a *API) Match(method, path string) (key string, ok bool) {
	r, _, ok := a.find(method, path)
	return r.Key, ok
}
