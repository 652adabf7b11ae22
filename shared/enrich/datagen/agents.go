package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// sections maps uap-core's lists to the first letter of our lines and to the
// replacements that a rule of that list may have, in the order of our fields.
var sections = map[string]struct {
	letter string
	fields []string
}{
	"user_agent_parsers": {"b", []string{"family_replacement", "v1_replacement", "v2_replacement"}},
	"os_parsers":         {"o", []string{"os_replacement", "os_v1_replacement", "os_v2_replacement", "os_v3_replacement"}},
	"device_parsers":     {"d", []string{"device_replacement", "brand_replacement", "model_replacement"}},
}

// agentRules reads uap-core's regexes.yaml. Each line it returns is
//
//	b|o|d, literals, expression, replacements…
//
// with tabs between the fields and the unit separator between literals. The
// file uses a very small part of YAML; any line of another form is an error, so
// that a newer release cannot lose rules in silence.
func agentRules(yaml []byte) ([]string, error) {
	var rules []string
	var rule map[string]string
	var section string
	flush := func() error {
		if rule == nil {
			return nil
		}
		line, err := agentLine(section, rule)
		if err != nil {
			return err
		}
		rules = append(rules, line)
		rule = nil
		return nil
	}
	lines := bufio.NewScanner(bytes.NewReader(yaml))
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		if name, ok := strings.CutSuffix(text, ":"); ok && sections[name].letter != "" {
			if err := flush(); err != nil {
				return nil, fmt.Errorf("before line %d: %w", n, err)
			}
			section = name
			continue
		}
		body, first := strings.CutPrefix(text, "- ")
		if first {
			if err := flush(); err != nil {
				return nil, fmt.Errorf("before line %d: %w", n, err)
			}
			rule = map[string]string{}
		}
		key, value, err := member(body)
		if err != nil || rule == nil || section == "" {
			return nil, fmt.Errorf("line %d is of a form that this reader does not know", n)
		}
		rule[key] = value
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if err := flush(); err != nil {
		return nil, err
	}
	if len(rules) < 500 {
		return nil, fmt.Errorf("only %d rules", len(rules))
	}
	return rules, nil
}

// member reads `key: 'value'`.
func member(s string) (key, value string, err error) {
	key, rest, ok := strings.Cut(s, ": '")
	if !ok || !strings.HasSuffix(rest, "'") {
		return "", "", errors.New("not a key and a quoted value")
	}
	value = strings.TrimSuffix(rest, "'")
	// A quote within a quoted YAML value is doubled.
	if strings.Contains(strings.ReplaceAll(value, "''", ""), "'") || strings.ContainsAny(value, "\t\x1f") {
		return "", "", errors.New("a value with a quote or a separator inside")
	}
	return key, strings.ReplaceAll(value, "''", "'"), nil
}

func agentLine(section string, rule map[string]string) (string, error) {
	expr := rule["regex"]
	switch rule["regex_flag"] {
	case "":
	case "i":
		expr = "(?i)" + expr
	default:
		return "", errors.New("an unknown regex_flag")
	}
	if _, err := regexp.Compile(expr); err != nil {
		return "", fmt.Errorf("a regular expression that Go refuses: %w", err)
	}
	needs, err := requiredLiterals(expr)
	if err != nil {
		return "", err
	}
	s := sections[section]
	fields := []string{s.letter, strings.Join(needs, "\x1f"), expr}
	for _, f := range s.fields {
		fields = append(fields, rule[f])
	}
	for key := range rule {
		known := key == "regex" || key == "regex_flag"
		for _, f := range s.fields {
			known = known || key == f
		}
		// Finer version parts than the columns hold.
		known = known || key == "v3_replacement" || key == "os_v4_replacement"
		if !known {
			return "", fmt.Errorf("unknown member %q", key)
		}
	}
	return strings.TrimRight(strings.Join(fields, "\t"), "\t"), nil
}
