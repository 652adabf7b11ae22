package command

import (
	"errors"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
)

// subject is whom a command is about: an id, and how it is to be read.
type subject struct {
	device bool
	group  string
	email  bool
	person bool
}

func (s *subject) flags(c *cobra.Command) {
	c.Flags().BoolVar(&s.device, "device", false, "ID is a device's")
	c.Flags().StringVar(&s.group, "group", "", "ID is a group of this kind, such as company")
	c.Flags().BoolVar(&s.email, "email", false, "ID is the e-mail address of a person")
	c.Flags().BoolVar(&s.person, "person", false, "ID is a person_id, as SQL shows it")
}

// path is where the subject lies in the API, below it a further part.
func (s *subject) path(id, below string) (string, error) {
	how := url.Values{}
	for _, one := range []struct {
		chosen      bool
		name, value string
	}{{s.device, "by", "device"}, {s.email, "by", "email"}, {s.person, "by", "person"}, {s.group != "", "group_key", s.group}} {
		if !one.chosen {
			continue
		}
		if len(how) > 0 {
			return "", usage("an id is one thing: a device's, a group's, an e-mail address or a person_id")
		}
		how.Set(one.name, one.value)
	}
	path := "/api/profiles/" + id + below
	if !plain(id) {
		path = "/api/profile" + below
		how.Set("id", id)
	}
	if len(how) > 0 {
		path += "?" + how.Encode()
	}
	return path, nil
}

// plain says whether an id comes through a path whole, whoever stands on the way:
// API Gateway undoes a path's escapes, and servers take dots for folders.
func plain(id string) bool { return url.PathEscape(id) == id && strings.Trim(id, ".") != "" }

// notFound gives an error that says so its exit code.
func notFound(err error) error {
	if r, ok := errors.AsType[*refusal](err); ok && r.Code == "not_found" {
		return &exit{code: exitNotFound, words: r.Error(), cause: err}
	}
	return err
}
