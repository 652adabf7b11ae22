package template

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Route is one route of the API: its key, as API Gateway writes it, and the function
// behind it.
type Route struct {
	Key      string
	Function string // the logical id
}

// Routes returns the routes of the HTTP API, in the order of their keys.
func Routes(all []Resource) ([]Route, error) {
	apis := Of(all, "AWS::ApiGatewayV2::Api")
	if len(apis) != 1 {
		return nil, fmt.Errorf("template: %d APIs", len(apis))
	}
	paths, _ := apis[0].At("Body.paths").(map[string]any)
	var routes []Route
	for path, methods := range paths {
		byMethod, _ := methods.(map[string]any)
		for method, m := range byMethod {
			integration, _ := At(m, "x-amazon-apigateway-integration").(map[string]any)
			if integration["payloadFormatVersion"] != "2.0" || integration["type"] != "aws_proxy" {
				return nil, fmt.Errorf("template: %s %s is not a Lambda integration of payload format 2.0", method, path)
			}
			uri := text1(integration["uri"])
			i := slices.IndexFunc(all, func(r Resource) bool {
				if r.Type != "AWS::Lambda::Alias" {
					return false
				}
				arn, err := r.Stack.arn(r.Name, r.Stack.doc.Resources[r.Name])
				return err == nil && strings.Contains(uri, "/"+arn+"/")
			})
			if i < 0 {
				return nil, fmt.Errorf("template: no alias of a function is behind %s %s: %s", method, path, uri)
			}
			key := strings.ToUpper(method) + " " + path
			switch {
			case path == "/$default":
				key = "$default"
			case method == "x-amazon-apigateway-any-method":
				key = "ANY " + path
			}
			function := text1(all[i].Properties["FunctionName"])
			for _, f := range Of(all, "AWS::Lambda::Function") {
				if f.Properties["FunctionName"] == function {
					routes = append(routes, Route{Key: key, Function: f.Name})
				}
			}
		}
	}
	slices.SortFunc(routes, func(a, b Route) int { return strings.Compare(a.Key, b.Key) })
	return routes, nil
}

// Function is one function as it is deployed.
type Function struct {
	Name        string // the logical id
	Deployed    string // the name at AWS
	MemoryMB    int
	Timeout     time.Duration
	Environment map[string]string
	Code        string // where the package comes from
	Rights      Rights
}

// Functions returns the functions of the stack.
func Functions(all []Resource) ([]Function, error) {
	var list []Function
	for _, r := range Of(all, "AWS::Lambda::Function") {
		f := Function{
			Name: r.Name, Deployed: text1(r.Properties["FunctionName"]), Environment: map[string]string{},
			Code: text1(r.At("Code.S3Key")),
		}
		if _, err := fmt.Sscan(text1(r.Properties["MemorySize"]), &f.MemoryMB); err != nil {
			return nil, fmt.Errorf("template: the memory of %s: %w", r.Name, err)
		}
		var seconds int
		if _, err := fmt.Sscan(text1(r.Properties["Timeout"]), &seconds); err != nil {
			return nil, fmt.Errorf("template: the time-out of %s: %w", r.Name, err)
		}
		f.Timeout = time.Duration(seconds) * time.Second
		variables, _ := r.At("Environment.Variables").(map[string]any)
		for name, v := range variables {
			f.Environment[name] = text1(v)
		}
		role := text1(r.Properties["Role"])
		for _, candidate := range Of(all, "AWS::IAM::Role") {
			arn, err := candidate.Stack.arn(candidate.Name, candidate.Stack.doc.Resources[candidate.Name])
			if err != nil || arn != role {
				continue
			}
			if f.Rights, err = RightsOf(all, candidate); err != nil {
				return nil, err
			}
		}
		if f.Rights == nil {
			return nil, fmt.Errorf("template: %s has no role of this stack", r.Name)
		}
		list = append(list, f)
	}
	return list, nil
}
