package template

import (
	"fmt"
	"strings"
)

// noValue stands for AWS::NoValue until its member or element is left out.
type noValue struct{}

// evaluate follows every function in a value.
func (s *Stack) evaluate(v any) (any, error) {
	switch x := v.(type) {
	case []any:
		out := make([]any, 0, len(x))
		for _, e := range x {
			got, err := s.evaluate(e)
			if err != nil {
				return nil, err
			}
			if got != (any)(noValue{}) {
				out = append(out, got)
			}
		}
		return out, nil
	case map[string]any:
		if len(x) == 1 {
			for name, argument := range x {
				if name == "Ref" || strings.HasPrefix(name, "Fn::") || name == "Condition" && isText(argument) {
					return s.call(name, argument)
				}
			}
		}
		out := make(map[string]any, len(x))
		for name, e := range x {
			got, err := s.evaluate(e)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if got != (any)(noValue{}) {
				out[name] = got
			}
		}
		return out, nil
	}
	return v, nil
}

func isText(v any) bool { _, ok := v.(string); return ok }

// call is one function of CloudFormation.
func (s *Stack) call(name string, argument any) (any, error) {
	switch name {
	case "Ref":
		return s.ref(text1(argument))
	case "Fn::GetAtt":
		if list, ok := argument.([]any); ok && len(list) == 2 {
			return s.attribute(text1(list[0]), text1(list[1]))
		}
		if text, ok := argument.(string); ok {
			resource, attribute, _ := strings.Cut(text, ".")
			return s.attribute(resource, attribute)
		}
	case "Fn::Sub":
		return s.substitute(argument)
	case "Fn::Join":
		if list, ok := argument.([]any); ok && len(list) == 2 {
			return s.join(list)
		}
	case "Fn::Split":
		if list, ok := argument.([]any); ok && len(list) == 2 {
			v, err := s.evaluate(list[1])
			if err != nil {
				return nil, err
			}
			var parts []any
			for part := range strings.SplitSeq(text1(v), text1(list[0])) {
				parts = append(parts, part)
			}
			return parts, nil
		}
	case "Fn::If":
		if list, ok := argument.([]any); ok && len(list) == 3 {
			yes, err := s.condition(text1(list[0]))
			if err != nil {
				return nil, err
			}
			if yes {
				return s.evaluate(list[1])
			}
			return s.evaluate(list[2])
		}
	case "Condition":
		return s.condition(text1(argument))
	case "Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not":
		list, ok := argument.([]any)
		if ok {
			return s.decide(name, list)
		}
	}
	return nil, fmt.Errorf("template: the function %s is not known here, or has other arguments", name)
}

// condition decides a condition by its name.
func (s *Stack) condition(name string) (bool, error) {
	written, ok := s.doc.Conditions[name]
	if !ok {
		return false, fmt.Errorf("template: there is no condition %s", name)
	}
	v, err := s.evaluate(written)
	yes, ok := v.(bool)
	if err == nil && !ok {
		err = fmt.Errorf("template: the condition %s is none", name)
	}
	return yes, err
}

func (s *Stack) decide(name string, list []any) (bool, error) {
	values := make([]any, len(list))
	for i, e := range list {
		var err error
		if values[i], err = s.evaluate(e); err != nil {
			return false, err
		}
	}
	switch name {
	case "Fn::Equals":
		return text1(values[0]) == text1(values[1]), nil
	case "Fn::Not":
		return values[0] != true, nil
	}
	for _, v := range values {
		if (v == true) == (name == "Fn::Or") {
			return name == "Fn::Or", nil
		}
	}
	return name == "Fn::And", nil
}

func (s *Stack) join(list []any) (string, error) {
	v, err := s.evaluate(list[1])
	if err != nil {
		return "", err
	}
	elements, _ := v.([]any)
	texts := make([]string, len(elements))
	for i, e := range elements {
		texts[i] = text1(e)
	}
	return strings.Join(texts, text1(list[0])), nil
}

// substitute fills in ${Name}, ${Name.Attribute} and, as itself, ${!Name}.
func (s *Stack) substitute(argument any) (string, error) {
	own := map[string]any{}
	text, ok := argument.(string)
	if list, with := argument.([]any); with && len(list) == 2 {
		text, ok = list[0].(string)
		own, _ = list[1].(map[string]any)
	}
	if !ok {
		return "", fmt.Errorf("template: Fn::Sub has other arguments")
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", fmt.Errorf("template: a name in Fn::Sub has no end")
		}
		text = after
		var v any
		var err error
		resource, attribute, dotted := strings.Cut(name, ".")
		switch given, mine := own[name]; {
		case strings.HasPrefix(name, "!"):
			v = "${" + name[1:] + "}"
		case mine:
			v, err = s.evaluate(given)
		case dotted:
			v, err = s.attribute(resource, attribute)
		default:
			v, err = s.ref(name)
		}
		if err != nil {
			return "", err
		}
		b.WriteString(text1(v))
	}
}
