package template

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Statement is one statement of a policy, with lists where a template may have a
// single value.
type Statement struct {
	Sid        string
	Effect     string
	Actions    []string
	Resources  []string
	Principals []string                       // of a resource's policy: "Service firehose.amazonaws.com", "*"
	Conditions map[string]map[string][]string // operator, key, values
}

// Rights are what a role may do.
type Rights []Statement

// Request is one call to AWS, as IAM sees it.
type Request struct {
	Action   string            // "dynamodb:GetItem"
	Resource string            // an ARN
	Keys     map[string]string // condition keys: "kms:EncryptionContext:loch"
}

// Statements reads a policy document.
func Statements(document any) ([]Statement, error) {
	list, ok := At(document, "Statement").([]any)
	if !ok {
		return nil, errors.New("template: a policy has no statements")
	}
	out := make([]Statement, 0, len(list))
	for _, e := range list {
		m, ok := e.(map[string]any)
		if !ok {
			return nil, errors.New("template: a statement is none")
		}
		st := Statement{Conditions: map[string]map[string][]string{}}
		for name, v := range m {
			switch name {
			case "Sid":
				st.Sid = text1(v)
			case "Effect":
				st.Effect = text1(v)
			case "Action":
				st.Actions = texts(v)
			case "Resource":
				st.Resources = texts(v)
			case "Principal":
				st.Principals = principals(v)
			case "Condition":
				conditions, _ := v.(map[string]any)
				for operator, keys := range conditions {
					st.Conditions[operator] = map[string][]string{}
					byKey, _ := keys.(map[string]any)
					for key, values := range byKey {
						st.Conditions[operator][key] = texts(values)
					}
				}
			default:
				return nil, fmt.Errorf("template: statements with %s are not known here", name)
			}
		}
		out = append(out, st)
	}
	return out, nil
}

func texts(v any) []string {
	list, ok := v.([]any)
	if !ok {
		return []string{text1(v)}
	}
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = text1(e)
	}
	return out
}

func principals(v any) []string {
	m, ok := v.(map[string]any)
	if !ok {
		return []string{text1(v)}
	}
	var out []string
	for kind, who := range m {
		for _, w := range texts(who) {
			out = append(out, kind+" "+w)
		}
	}
	slices.Sort(out)
	return out
}

// RightsOf returns what a role of the stack may do: by its own policies and by those
// of this stack that it names.
func RightsOf(all []Resource, role Resource) (Rights, error) {
	var rights Rights
	own, _ := role.Properties["Policies"].([]any)
	for _, p := range own {
		st, err := Statements(At(p, "PolicyDocument"))
		if err != nil {
			return nil, err
		}
		rights = append(rights, st...)
	}
	for _, arn := range texts1(role.Properties["ManagedPolicyArns"]) {
		i := slices.IndexFunc(all, func(r Resource) bool {
			if r.Type != "AWS::IAM::ManagedPolicy" {
				return false
			}
			got, err := r.Stack.arn(r.Name, r.Stack.doc.Resources[r.Name])
			return err == nil && got == arn
		})
		if i < 0 {
			return nil, fmt.Errorf("template: the policy %s is not of this stack", arn)
		}
		st, err := Statements(all[i].Properties["PolicyDocument"])
		if err != nil {
			return nil, err
		}
		rights = append(rights, st...)
	}
	return rights, nil
}

func texts1(v any) []string {
	if v == nil {
		return nil
	}
	return texts(v)
}

// Allow tells which statement allows a request, as IAM decides it: one must, and none
// may deny it.
func (r Rights) Allow(q Request) (sid string, ok bool) {
	for i := range r {
		st := &r[i]
		if !st.covers(q) {
			continue
		}
		if st.Effect != "Allow" {
			return st.Sid, false
		}
		if !ok {
			sid, ok = st.Sid, true
		}
	}
	return sid, ok
}

func (st *Statement) covers(q Request) bool {
	matches := func(patterns []string, s string, fold bool) bool {
		return slices.ContainsFunc(patterns, func(p string) bool {
			if fold {
				return like(strings.ToLower(p), strings.ToLower(s))
			}
			return like(p, s)
		})
	}
	if !matches(st.Actions, q.Action, true) || !matches(st.Resources, q.Resource, false) {
		return false
	}
	for operator, keys := range st.Conditions {
		for key, values := range keys {
			given, ok := q.Keys[key]
			if !ok {
				return false
			}
			switch operator {
			case "StringEquals", "Bool":
				ok = slices.Contains(values, given)
			case "StringLike":
				ok = matches(values, given, false)
			default:
				ok = false
			}
			if !ok {
				return false
			}
		}
	}
	return true
}

// like compares with a pattern in which * stands for anything and ? for one character.
func like(pattern, s string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return len(s) == len(head) && one(head, s)
	}
	if len(s) < len(head) || !one(head, s[:len(head)]) {
		return false
	}
	for i := len(head); i <= len(s); i++ {
		if like(rest, s[i:]) {
			return true
		}
	}
	return false
}

func one(pattern, s string) bool {
	for i := range len(pattern) {
		if pattern[i] != '?' && pattern[i] != s[i] {
			return false
		}
	}
	return true
}
