package stack

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"loch/shared/checkup"
)

// nestedStack is the type of a stack within a stack.
const nestedStack = "AWS::CloudFormation::Stack"

// resource is one thing that CloudFormation has made.
type resource struct {
	Logical  string `xml:"LogicalResourceId"`
	Physical string `xml:"PhysicalResourceId"`
	Type     string `xml:"ResourceType"`
	Status   string `xml:"ResourceStatus"`
}

// resources are those of the stack and of the stacks nested in it.
func (s *Stack) resources(ctx context.Context) ([]resource, error) {
	all, err := s.resourcesOf(ctx, s.Name)
	if err != nil {
		return nil, err
	}
	for _, r := range slices.Clone(all) {
		if r.Type != nestedStack || r.Physical == "" {
			continue
		}
		inner, err := s.resourcesOf(ctx, r.Physical)
		if err != nil {
			return nil, err
		}
		all = append(all, inner...)
	}
	return all, nil
}

func (s *Stack) resourcesOf(ctx context.Context, name string) ([]resource, error) {
	var all []resource
	for in := (url.Values{"StackName": {name}}); ; {
		var page struct {
			Resources []resource `xml:"ListStackResourcesResult>StackResourceSummaries>member"`
			Next      string     `xml:"ListStackResourcesResult>NextToken"`
		}
		if err := s.access.query(ctx, cloudFormation, cloudFormationAPI, "ListStackResources", in, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Resources...)
		if page.Next == "" {
			return all, nil
		}
		in.Set("NextToken", page.Next)
	}
}

// lookAtResources looks whether CloudFormation is done, and with everything.
func (s *Stack) lookAtResources(ctx context.Context) checkup.Finding {
	look := "look under Events in CloudFormation's console, mend it, and " + s.deploy()
	switch {
	case strings.HasSuffix(s.status, "_IN_PROGRESS"):
		return checkup.Warn("a deployment is under way: "+s.status, "wait until it has ended, and look again")
	case strings.Contains(s.status, "ROLLBACK"):
		return checkup.Bad("the last deployment failed: "+s.status, look)
	case !strings.HasSuffix(s.status, "_COMPLETE"):
		return checkup.Bad("it is "+s.status, look)
	}
	all, err := s.resources(ctx)
	if err != nil {
		return s.blind(err, "a nested stack", "cloudformation:ListStackResources")
	}
	var wrong problems
	stacks := 1
	for _, r := range all {
		if r.Type == nestedStack {
			stacks++
		}
		if !strings.HasSuffix(r.Status, "_COMPLETE") || strings.HasPrefix(r.Status, "DELETE") {
			wrong.addf("%s is %s", r.Logical, r.Status)
		}
	}
	return wrong.finding(plural(len(all), "resource")+" in "+plural(stacks, "stack")+", deployed "+s.since(s.changed), look)
}

// age is how long ago the stack was deployed.
func (s *Stack) age() time.Duration { return s.access.Now().Sub(s.changed) }
