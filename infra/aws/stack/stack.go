// Package stack finds a deployed stack in an AWS account, and looks whether its parts are
// as the templates of this folder say.
//
// It is for whoever operates the stack, from their own machine, and reads only. What it
// calls are some twenty operations that describe things. AWS's clients of ten services
// would bring along tables of thousands, which every start of the binary loch would set
// up (a third more memory, twice the time), so the requests are made here: signed by
// AWS's library, with credentials as its chain finds them. A test holds each request
// against the one that AWS's client makes.
package stack

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"loch/shared/fault"
)

// Stack is a stack that was found.
type Stack struct {
	Name   string
	Region string
	URL    string // of its API, without a slash at the end

	access     *Access
	id         string
	status     string
	reason     string // why the status is one, or empty
	changed    time.Time
	outputs    map[string]string
	parameters map[string]string
}

// described is the answer of DescribeStacks.
type described struct {
	Stacks []struct {
		StackID     string    `xml:"StackId"`
		StackName   string    `xml:"StackName"`
		Status      string    `xml:"StackStatus"`
		Reason      string    `xml:"StackStatusReason"`
		CreatedTime time.Time `xml:"CreationTime"`
		UpdatedTime time.Time `xml:"LastUpdatedTime"`
		Outputs     []struct {
			Key   string `xml:"OutputKey"`
			Value string `xml:"OutputValue"`
		} `xml:"Outputs>member"`
		Parameters []struct {
			Key   string `xml:"ParameterKey"`
			Value string `xml:"ParameterValue"`
		} `xml:"Parameters>member"`
	} `xml:"DescribeStacksResult>Stacks>member"`
}

// cloudFormationAPI is the version of its API.
const cloudFormationAPI = "2010-05-15"

// Find finds the stack that was deployed under a name. A fault of code NotFound says that
// there is none in this region.
func Find(ctx context.Context, access *Access, name string) (*Stack, error) {
	var out described
	err := access.query(ctx, cloudFormation, cloudFormationAPI, "DescribeStacks", url.Values{"StackName": {name}}, &out)
	none := fault.Newf(fault.NotFound, "there is no stack %s in %s; `make deploy` makes one, and --region and --profile choose where to look", name, access.Region)
	switch {
	case isCode(err, "ValidationError"): // CloudFormation's word for what is not there
		return nil, none
	case stranger(err):
		return nil, noCredentials(err)
	case denied(err):
		return nil, fault.Wrap(err, fault.Forbidden, "these credentials may not look at stacks: they need the right cloudformation:DescribeStacks. Without it name the server with --url and --key")
	case err != nil:
		return nil, err
	case len(out.Stacks) == 0:
		return nil, none
	}
	found := &out.Stacks[0]
	s := &Stack{
		Name: found.StackName, Region: access.Region, access: access, id: found.StackID, status: found.Status, reason: found.Reason,
		changed: found.CreatedTime, outputs: map[string]string{}, parameters: map[string]string{},
	}
	if !found.UpdatedTime.IsZero() {
		s.changed = found.UpdatedTime
	}
	for _, o := range found.Outputs {
		s.outputs[o.Key] = o.Value
	}
	for _, p := range found.Parameters {
		s.parameters[p.Key] = p.Value
	}
	s.URL = strings.TrimRight(s.outputs["Url"], "/")
	switch {
	case s.URL != "":
		return s, nil
	case len(s.outputs) > 0:
		return nil, fault.Newf(fault.Invalid, "the stack %s is not Loch's: it has no output Url", name)
	}
	return nil, fault.Newf(fault.Unavailable, "the stack %s has no address yet: it is %s. Wait until it is deployed, or look in CloudFormation's console what stopped it", name, s.status)
}

// FlushTime is how long events wait before SQL sees them.
func (s *Stack) FlushTime() time.Duration {
	seconds, err := strconv.Atoi(s.parameters["FlushSeconds"])
	if err != nil || seconds < 1 {
		return 15 * time.Minute // the longest that can be asked for
	}
	return time.Duration(seconds) * time.Second
}

// CloudFront says whether a distribution stands before the API.
func (s *Stack) CloudFront() bool { return s.parameters["CloudFront"] == "yes" }
