package template

import (
	"fmt"
	"strings"
)

// ref is what Ref gives: a parameter, a word of CloudFormation's own, or a resource's
// name or ARN, by its type.
func (s *Stack) ref(name string) (any, error) {
	switch name {
	case "AWS::AccountId":
		return Account, nil
	case "AWS::Region":
		return Region, nil
	case "AWS::Partition":
		return partition, nil
	case "AWS::URLSuffix":
		return "amazonaws.com", nil
	case "AWS::StackName":
		return s.Name, nil
	case "AWS::NoValue":
		return noValue{}, nil
	}
	if p, ok := s.params[name]; ok {
		return p, nil
	}
	w, ok := s.doc.Resources[name]
	if !ok {
		return nil, fmt.Errorf("template: nothing is called %s", name)
	}
	switch w.Type {
	case "AWS::SNS::Topic", "AWS::IAM::ManagedPolicy", "AWS::SecretsManager::Secret", "AWS::Lambda::Alias", nestedType, "AWS::CE::AnomalyMonitor":
		return s.arn(name, w)
	case "AWS::SQS::Queue":
		n, err := s.name(name, w)
		return "https://sqs." + Region + ".amazonaws.com/" + Account + "/" + n, err
	}
	return s.name(name, w)
}

// named are the properties by which resources are named, where a template names them.
var named = map[string]string{
	"AWS::DynamoDB::Table": "TableName", "AWS::KinesisFirehose::DeliveryStream": "DeliveryStreamName", "AWS::Lambda::Function": "FunctionName",
	"AWS::Logs::LogGroup": "LogGroupName", "AWS::Logs::LogStream": "LogStreamName", "AWS::Athena::WorkGroup": "Name",
	"AWS::CloudWatch::Alarm": "AlarmName", "AWS::Glue::Database": "DatabaseInput.Name", "AWS::Glue::Table": "TableInput.Name",
	"AWS::S3::Bucket": "BucketName", "AWS::IAM::Role": "RoleName", "AWS::SQS::Queue": "QueueName", "AWS::Lambda::Alias": "Name",
	"AWS::ApiGatewayV2::DomainName": "DomainName",
}

// name is the name of a resource: the one that the template gives, or one as
// CloudFormation would make it.
func (s *Stack) name(logical string, w *written) (string, error) {
	if at, ok := named[w.Type]; ok {
		if v := At(w.Properties, at); v != nil {
			got, err := s.evaluate(v)
			return text1(got), err
		}
	}
	made := s.Name + "-" + logical
	if w.Type == "AWS::S3::Bucket" {
		made = strings.ToLower(made)
	}
	return made, nil
}

// arns are how ARNs are written, after the partition.
var arns = map[string]string{
	"AWS::DynamoDB::Table":                 "dynamodb:REGION:ACCOUNT:table/NAME",
	"AWS::KinesisFirehose::DeliveryStream": "firehose:REGION:ACCOUNT:deliverystream/NAME",
	"AWS::Lambda::Function":                "lambda:REGION:ACCOUNT:function:NAME",
	"AWS::Lambda::Alias":                   "lambda:REGION:ACCOUNT:function:FUNCTION:NAME",
	"AWS::S3::Bucket":                      "s3:::NAME",
	"AWS::KMS::Key":                        "kms:REGION:ACCOUNT:key/NAME",
	"AWS::IAM::Role":                       "iam::ACCOUNT:role/NAME",
	"AWS::IAM::ManagedPolicy":              "iam::ACCOUNT:policy/NAME",
	"AWS::SNS::Topic":                      "sns:REGION:ACCOUNT:NAME",
	"AWS::SQS::Queue":                      "sqs:REGION:ACCOUNT:NAME",
	"AWS::SecretsManager::Secret":          "secretsmanager:REGION:ACCOUNT:secret:NAME",
	"AWS::Logs::LogGroup":                  "logs:REGION:ACCOUNT:log-group:NAME:*",
	"AWS::Events::Rule":                    "events:REGION:ACCOUNT:rule/NAME",
	"AWS::CloudFront::Function":            "cloudfront::ACCOUNT:function/NAME",
	"AWS::CE::AnomalyMonitor":              "ce::ACCOUNT:anomalymonitor/NAME",
	nestedType:                             "cloudformation:REGION:ACCOUNT:stack/NAME/1",
}

func (s *Stack) arn(logical string, w *written) (string, error) {
	pattern, ok := arns[w.Type]
	if !ok {
		return "", fmt.Errorf("template: the ARN of %s, a %s, is not known here", logical, w.Type)
	}
	name, err := s.name(logical, w)
	if err != nil {
		return "", err
	}
	function := ""
	if w.Type == "AWS::Lambda::Alias" {
		v, err := s.evaluate(w.Properties["FunctionName"])
		if err != nil {
			return "", err
		}
		function = text1(v)
	}
	return "arn:" + partition + ":" + strings.NewReplacer("REGION", Region, "ACCOUNT", Account, "FUNCTION", function, "NAME", name).Replace(pattern), nil
}

// attribute is what Fn::GetAtt gives.
func (s *Stack) attribute(logical, attribute string) (any, error) {
	w, ok := s.doc.Resources[logical]
	if !ok {
		return nil, fmt.Errorf("template: there is no resource %s", logical)
	}
	if output, ok := strings.CutPrefix(attribute, "Outputs."); ok && w.Type == nestedType {
		if s.busy[logical] {
			return nil, fmt.Errorf("template: %s needs itself", logical)
		}
		s.busy[logical] = true
		defer delete(s.busy, logical)
		inner, err := s.inner(logical)
		if err != nil {
			return nil, err
		}
		return inner.Output(output)
	}
	switch attribute {
	case "Arn", "FunctionMetadata.FunctionARN":
		return s.arn(logical, w)
	case "QueueName":
		return s.name(logical, w)
	case "DomainName", "RegionalDomainName", "Version":
		return logical + "." + strings.ToLower(attribute) + ".example.test", nil
	}
	return nil, fmt.Errorf("template: the attribute %s of %s, a %s, is not known here", attribute, logical, w.Type)
}
