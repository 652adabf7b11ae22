package command

import (
	"bytes"
	"encoding/json"
	"strings"
)

// whereOf makes the API's list of filters of those on the command line.
func whereOf(flags []string) (string, error) {
	var parts []string
	for _, flag := range flags {
		text := strings.TrimSpace(flag)
		switch {
		case strings.HasPrefix(text, "["):
			var list []json.RawMessage
			if err := json.Unmarshal([]byte(text), &list); err != nil {
				return "", usage("--where is not valid JSON: %w", err)
			}
			for _, one := range list {
				parts = append(parts, string(one))
			}
		case strings.HasPrefix(text, "{"):
			if !json.Valid([]byte(text)) {
				return "", usage("--where is not valid JSON")
			}
			parts = append(parts, text)
		default:
			one, err := shortFilter(text)
			if err != nil {
				return "", err
			}
			parts = append(parts, one)
		}
	}
	return "[" + strings.Join(parts, ",") + "]", nil
}

// shortFilter reads PROPERTY OP VALUE.
func shortFilter(text string) (string, error) {
	property, rest, _ := strings.Cut(text, " ")
	op, value, hasValue := strings.Cut(strings.TrimSpace(rest), " ")
	value = strings.TrimSpace(value)
	if property == "" || op == "" {
		return "", usage("a filter is PROPERTY OP VALUE, such as --where 'plan eq pro'; a property with a space in its name needs JSON")
	}
	filter := struct {
		Property string          `json:"property"`
		Op       string          `json:"op"`
		Value    json.RawMessage `json:"value,omitempty"`
	}{Property: property, Op: op}
	if hasValue && value != "" {
		v, err := shortValue(op, value)
		if err != nil {
			return "", err
		}
		filter.Value = v
	}
	out, err := marshal(filter)
	return string(out), err
}

// shortValue reads a value: JSON where it is some, else a text. What only compares
// with texts is one in any case, so that '"12"' need not be written for 12.
func shortValue(op, value string) (json.RawMessage, error) {
	switch op {
	case "in", "not_in", "between":
		if value[0] == '[' && json.Valid([]byte(value)) {
			return json.RawMessage(value), nil
		}
		var items [][]byte
		for item := range strings.SplitSeq(value, ",") {
			v, err := shortValue("eq", strings.TrimSpace(item))
			if err != nil {
				return nil, err
			}
			items = append(items, v)
		}
		return append(append([]byte{'['}, bytes.Join(items, []byte{','})...), ']'), nil
	case "starts_with", "matches", "contains", "not_contains":
		if value[0] != '"' || !json.Valid([]byte(value)) {
			return marshal(value)
		}
	}
	if json.Valid([]byte(value)) {
		return json.RawMessage(value), nil
	}
	return marshal(value)
}
