package web

import "net/http"

// IDParameter is the query parameter that names a person on /api/profile.
const IDParameter = "id"

// DistinctID returns the id that a request about one person names: in the path,
// /api/profiles/{distinct_id}, or in the query, /api/profile?id=…. Some servers on
// the way, API Gateway's HTTP APIs among them, undo the escapes of a path, so that a
// slash or question mark inside an id cannot be told from the path's own; a query
// comes as it was sent. On a route by path the parameter is not looked at.
func DistinctID(r *http.Request) string {
	if id := r.PathValue("distinct_id"); id != "" {
		return id
	}
	return r.URL.Query().Get(IDParameter)
}
