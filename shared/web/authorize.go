package web

import (
	"net/http"
	"strings"

	"loch/shared/fault"
	"loch/shared/project"
)

// maxKey bounds what is handed to a registry as a key.
const maxKey = 512

const whereKeysAre = `the keys are in credentials.json in the data folder, under "keys"`

// Authorize finds the API key of a request and checks that it may do what needs
// scope. The key comes as "Authorization: Bearer KEY", or as the user name of
// Basic, whose password is ignored. Errors say which header to send and where
// the keys are found, and never repeat what was sent.
func Authorize(r *http.Request, reg project.Registry, scope project.Scope) (project.Key, error) {
	secret, err := keyOf(r)
	if err != nil {
		return project.Key{}, err
	}
	key, err := reg.ByKey(r.Context(), secret)
	if err != nil {
		if fault.CodeOf(err) == fault.Unauthorized {
			return project.Key{}, fault.Wrap(err, fault.Unauthorized,
				"this API key is not known (a write token is not an API key); "+whereKeysAre)
		}
		return project.Key{}, err
	}
	if !key.Scope.Allows(scope) {
		return project.Key{}, fault.Newf(fault.Forbidden,
			"this key has the scope %q and the request needs %q; %s", key.Scope, scope, whereKeysAre)
	}
	return key, nil
}

func keyOf(r *http.Request) (string, error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return "", fault.New(fault.Unauthorized,
			"an API key is needed: send the header Authorization: Bearer KEY, or the key as the user name of Basic (curl -u KEY:); "+whereKeysAre)
	}
	scheme, rest, _ := strings.Cut(header, " ")
	var secret string
	switch strings.ToLower(scheme) {
	case "bearer":
		secret = strings.TrimSpace(rest)
	case "basic":
		user, _, ok := r.BasicAuth()
		if !ok {
			return "", fault.New(fault.Unauthorized,
				"the Authorization header says Basic, but what follows is not base64 of KEY and a colon; send Authorization: Bearer KEY instead")
		}
		secret = user
	default:
		return "", fault.New(fault.Unauthorized,
			"the Authorization header must begin with Bearer or Basic: send Authorization: Bearer KEY; "+whereKeysAre)
	}
	if secret == "" || len(secret) > maxKey {
		return "", fault.New(fault.Unauthorized,
			"the Authorization header holds no API key; send Authorization: Bearer KEY; "+whereKeysAre)
	}
	return secret, nil
}
