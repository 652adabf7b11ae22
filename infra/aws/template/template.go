// Package template reads the stack's templates as AWS would: with the SAM transform
// applied, parameters filled in, conditions decided and references followed, also into
// nested stacks.
//
// The tests of the whole product on AWS take routes, rights, environments, streams and
// tables from here, so that what they run is what is deployed. It knows what Loch's
// templates use of CloudFormation, and fails on anything else.
//
// transform.py writes what is read; .ci/template runs it.
package template

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The account and region that a template is read for.
const (
	Account   = "123456789012"
	Region    = "us-east-1"
	partition = "aws"
)

// document is a template as it is written.
type document struct {
	Parameters map[string]struct {
		Type    string
		Default any
	}
	Mappings   map[string]any
	Conditions map[string]any
	Resources  map[string]*written
	Outputs    map[string]struct {
		Condition string
		Value     any
	}
}

type written struct {
	Type                string
	Condition           string
	Properties          map[string]any
	DeletionPolicy      string
	UpdateReplacePolicy string
}

// Stack is a template with its parameters filled in.
type Stack struct {
	Name   string
	folder string
	doc    document
	params map[string]string
	nested map[string]*Stack
	busy   map[string]bool // what is being followed, to find circles
}

// Resource is a resource that the stack makes.
type Resource struct {
	Stack      *Stack
	Name       string // its logical id
	Type       string
	Properties map[string]any // evaluated
	Retained   bool           // it outlives the stack
}

// Open reads the stack that transform.py has written into a folder, under a name and
// with parameters; those that are not given have their defaults.
func Open(folder, name string, parameters map[string]string) (*Stack, error) {
	return open(folder, "template.json", name, parameters)
}

func open(folder, file, name string, parameters map[string]string) (*Stack, error) {
	text, err := os.ReadFile(filepath.Join(folder, file))
	if err != nil {
		return nil, fmt.Errorf("template: %w; run make template", err)
	}
	s := &Stack{Name: name, folder: folder, params: map[string]string{}, nested: map[string]*Stack{}, busy: map[string]bool{}}
	if err := json.Unmarshal(text, &s.doc); err != nil {
		return nil, fmt.Errorf("template: %s: %w", file, err)
	}
	for p, declared := range s.doc.Parameters {
		given, ok := parameters[p]
		switch {
		case ok:
			s.params[p] = given
		case declared.Default != nil:
			s.params[p] = text1(declared.Default)
		default:
			return nil, fmt.Errorf("template: %s: nobody gives the parameter %s", file, p)
		}
	}
	for p := range parameters {
		if _, ok := s.doc.Parameters[p]; !ok {
			return nil, fmt.Errorf("template: %s has no parameter %s", file, p)
		}
	}
	return s, nil
}

// text1 is a parameter's value as text; numbers without a point have none.
func text1(v any) string {
	if f, ok := v.(float64); ok && f == float64(int64(f)) {
		return fmt.Sprint(int64(f))
	}
	return fmt.Sprint(v)
}

// All returns every resource of the stack and of those nested in it, whose condition
// holds, with its properties evaluated.
func (s *Stack) All() ([]Resource, error) {
	var list []Resource
	for _, name := range slices.Sorted(maps.Keys(s.doc.Resources)) {
		there, err := s.there(name)
		if err != nil {
			return nil, err
		}
		if !there {
			continue
		}
		r, err := s.Resource(name)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
		if r.Type == nestedType {
			inner, err := s.inner(name)
			if err != nil {
				return nil, err
			}
			below, err := inner.All()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			list = append(list, below...)
		}
	}
	return list, nil
}

const nestedType = "AWS::CloudFormation::Stack"

// there tells whether a resource's condition holds.
func (s *Stack) there(name string) (bool, error) {
	w, ok := s.doc.Resources[name]
	if !ok {
		return false, fmt.Errorf("template: there is no resource %s", name)
	}
	if w.Condition == "" {
		return true, nil
	}
	return s.condition(w.Condition)
}

// Resource returns one resource of this stack.
func (s *Stack) Resource(name string) (Resource, error) {
	w, ok := s.doc.Resources[name]
	if !ok {
		return Resource{}, fmt.Errorf("template: there is no resource %s", name)
	}
	v, err := s.evaluate(w.Properties)
	if err != nil {
		return Resource{}, fmt.Errorf("template: %s: %w", name, err)
	}
	properties, _ := v.(map[string]any)
	return Resource{
		Stack: s, Name: name, Type: w.Type, Properties: properties,
		Retained: w.DeletionPolicy == "Retain" && w.UpdateReplacePolicy == "Retain",
	}, nil
}

// inner opens a nested stack with the parameters that this one gives it.
func (s *Stack) inner(name string) (*Stack, error) {
	if made, ok := s.nested[name]; ok {
		return made, nil
	}
	r, err := s.Resource(name)
	if err != nil {
		return nil, err
	}
	parameters := map[string]string{}
	given, _ := r.Properties["Parameters"].(map[string]any)
	for p, v := range given {
		parameters[p] = text1(v)
	}
	file, _ := r.Properties["TemplateURL"].(string)
	inner, err := open(s.folder, file, s.Name+"-"+name, parameters)
	if err != nil {
		return nil, err
	}
	s.nested[name] = inner
	return inner, nil
}

// Output returns an output of the stack.
func (s *Stack) Output(name string) (string, error) {
	o, ok := s.doc.Outputs[name]
	if !ok {
		return "", fmt.Errorf("template: %s has no output %s", s.Name, name)
	}
	v, err := s.evaluate(o.Value)
	if err != nil {
		return "", err
	}
	return text1(v), nil
}

// Of returns the resources of a type.
func Of(list []Resource, kind string) []Resource {
	return slices.DeleteFunc(slices.Clone(list), func(r Resource) bool { return r.Type != kind })
}

// At follows member names and indexes into a resource's properties: "Body.paths", or
// "Rules.0.Id". It returns nil where there is nothing.
func (r *Resource) At(path string) any { return At(r.Properties, path) }

// At follows member names and indexes into a value.
func At(v any, path string) any {
	for part := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[part]
		case []any:
			var i int
			if _, err := fmt.Sscan(part, &i); err != nil || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}
