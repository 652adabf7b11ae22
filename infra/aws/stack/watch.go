package stack

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"loch/shared/checkup"
)

// alarms is a page of CloudWatch's.
type alarms struct {
	List []struct {
		Name           string   `xml:"AlarmName"`
		State          string   `xml:"StateValue"`
		ActionsEnabled bool     `xml:"ActionsEnabled"`
		Actions        []string `xml:"AlarmActions>member"`
	} `xml:"DescribeAlarmsResult>MetricAlarms>member"`
	Next string `xml:"DescribeAlarmsResult>NextToken"`
}

// lookAtAlarms looks whether each alarm of the stack is there, tells the topic, and is
// quiet.
func (s *Stack) lookAtAlarms(ctx context.Context) checkup.Finding {
	made, err := s.resources(ctx)
	if err != nil {
		return s.blind(err, "a nested stack", "cloudformation:ListStackResources")
	}
	expected := map[string]bool{}
	for _, r := range made {
		if r.Type == "AWS::CloudWatch::Alarm" {
			expected[r.Physical] = true
		}
	}
	var changed problems
	var ringing []string
	count := len(expected)
	in := url.Values{"AlarmNamePrefix": {s.Name + "-"}, "MaxRecords": {"100"}}
	for {
		var page alarms
		if err := s.access.query(ctx, cloudWatch, "2010-08-01", "DescribeAlarms", in, &page); err != nil {
			return s.blind(err, "the alarms", "cloudwatch:DescribeAlarms")
		}
		for _, a := range page.List {
			if !expected[a.Name] {
				continue // of another stack whose name begins like this one's
			}
			delete(expected, a.Name)
			short := strings.TrimPrefix(a.Name, s.Name+"-")
			changed.unless(a.ActionsEnabled, short+" is switched off")
			changed.unless(slices.Contains(a.Actions, s.outputs["AlarmTopic"]), short+" tells nobody")
			if a.State == "ALARM" {
				ringing = append(ringing, short)
			}
		}
		if page.Next == "" {
			break
		}
		in.Set("NextToken", page.Next)
	}
	for name := range expected {
		changed.addf("%s is not there", strings.TrimPrefix(name, s.Name+"-"))
	}
	slices.Sort(changed)
	slices.Sort(ringing)
	// Until the first compaction has run, its alarm rings: it has no data.
	if s.age() < firstCompaction {
		ringing = slices.DeleteFunc(ringing, func(a string) bool { return a == "compact-missing" })
	}
	if len(ringing) > 0 {
		return checkup.Bad("ringing: "+strings.Join(ringing, ", "), "see infra/aws/README.md#"+ringing[0])
	}
	if count == 0 {
		return checkup.Bad("the stack has none", s.deploy())
	}
	return changed.finding(plural(count, "alarm")+", all quiet", s.deploy())
}

// lookAtTopic looks whether alarms reach somebody. Addresses are not told.
func (s *Stack) lookAtTopic(ctx context.Context) checkup.Finding {
	topic := s.outputs["AlarmTopic"]
	confirmed, pending := 0, 0
	for in := (url.Values{"TopicArn": {topic}}); ; {
		var page struct {
			List []struct {
				ARN string `xml:"SubscriptionArn"`
			} `xml:"ListSubscriptionsByTopicResult>Subscriptions>member"`
			Next string `xml:"ListSubscriptionsByTopicResult>NextToken"`
		}
		if err := s.access.query(ctx, notifications, "2010-03-31", "ListSubscriptionsByTopic", in, &page); err != nil {
			return s.blind(err, "the alarms' topic", "sns:ListSubscriptionsByTopic")
		}
		for _, one := range page.List {
			switch one.ARN {
			case "PendingConfirmation":
				pending++
			case "Deleted":
			default:
				confirmed++
			}
		}
		if page.Next == "" {
			break
		}
		in.Set("NextToken", page.Next)
	}
	switch {
	case pending > 0:
		return checkup.Bad(plural(pending, "subscription")+" of the alarms' topic not confirmed", "open the link in the mail that AWS sent there; it is good for three days. Afterwards subscribe anew in SNS's console")
	case confirmed == 0:
		return checkup.Warn("alarms reach nobody", "make deploy STACK="+s.Name+" EMAIL=ops@example.com, or subscribe to "+topic)
	}
	return checkup.Well(plural(confirmed, "subscription") + ", confirmed")
}

// lookAtTag looks whether costs can be told apart by the stack's tag, by which the cost
// alarms go.
func (s *Stack) lookAtTag(ctx context.Context) checkup.Finding {
	var is struct {
		CostAllocationTags []struct{ TagKey, Status string }
	}
	in := map[string]any{"TagKeys": []string{"loch"}, "Type": "UserDefined"}
	do := "activate the tag loch once, under Billing, Cost allocation tags; AWS lists it there a day after the first deploy"
	if err := s.access.json(ctx, bills, "1.1", "AWSInsightsIndexService.ListCostAllocationTags", in, &is); err != nil {
		f := s.blind(err, "the tag", "ce:ListCostAllocationTags")
		if denied(err) { // in an organisation its payer alone may look
			f.Do = "whoever pays for the account may look: " + do
		}
		return f
	}
	for _, tag := range is.CostAllocationTags {
		if tag.TagKey == "loch" && tag.Status == "Active" {
			return checkup.Well("active: this stack's costs can be told apart")
		}
	}
	return checkup.Warn("not active: this stack's costs cannot be told apart, and the cost alarms stay silent", do)
}
