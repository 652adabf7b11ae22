package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestRefusals(t *testing.T) {
	full := map[string]string{"AWS_REGION": "eu-north-1", "AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK"}
	for _, c := range []struct {
		args    []string
		without string
		words   string
	}{
		{nil, "", "operate create STACK PROJECT"}, {[]string{"delete", "loch", "default"}, "", "operate create"}, {[]string{"create", "loch"}, "", "operate create"},
		{[]string{"create", "loch", "default"}, "AWS_REGION", "AWS_REGION"}, {[]string{"create", "loch", "default"}, "AWS_ACCESS_KEY_ID", "export-credentials"},
		{[]string{"create", "loch", "No Such Name"}, "", ""},
	} {
		var out bytes.Buffer
		err := run(t.Context(), c.args, func(name string) string {
			if name == c.without {
				return ""
			}
			return full[name]
		}, &out)
		if err == nil || !strings.Contains(err.Error(), c.words) || out.Len() > 0 {
			t.Errorf("%q without %q: %v, %s", c.args, c.without, err, &out)
		}
	}
}
