package template_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"loch/infra/aws/template"
	"loch/infra/aws/template/templatetest"
	"loch/shared/cost"
)

// AWS's own linter has nothing to say.
func TestLint(t *testing.T) {
	root := templatetest.Root(t)
	args := []string{"-c", "from cfnlint.runner import main; main()", "template.yaml", "infra/aws/glue/template.json"}
	nested, err := filepath.Glob(filepath.Join(root, "infra/aws/stack/*.yaml"))
	if err != nil || len(nested) < 5 {
		t.Fatalf("nested templates: %v, %v", nested, err)
	}
	c := exec.CommandContext(t.Context(), filepath.Join(root, ".ci/python"), append(args, nested...)...)
	c.Dir = root
	if out, err := c.CombinedOutput(); err != nil || len(strings.TrimSpace(string(out))) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// A new version of a function comes by canary, and goes back when its alarm says so.
func TestDeployment(t *testing.T) {
	all := everything(t, nil)
	for name, f := range functions(t, all) {
		r := the(t, all, name)
		if r.At("Runtime") != "provided.al2023" || r.At("Handler") != "bootstrap" || fmt.Sprint(r.At("Architectures")) != "[arm64]" {
			t.Errorf("%s: %v", name, r.Properties)
		}
		if group := r.At("LoggingConfig.LogGroup"); group != "/aws/lambda/"+f.Deployed || r.At("LoggingConfig.LogFormat") != "JSON" {
			t.Errorf("%s logs to %v", name, r.At("LoggingConfig"))
		}
		if !strings.HasSuffix(f.Code, "build/lambda/"+strings.ToLower(name)+".zip") {
			t.Errorf("%s is made of %s", name, f.Code)
		}
		group := the(t, all, name+"DeploymentGroup")
		if fmt.Sprint(group.At("AlarmConfiguration.Alarms.0.Name")) != "loch-"+strings.ToLower(name)+"-errors" ||
			group.At("AutoRollbackConfiguration.Enabled") != true ||
			!strings.Contains(fmt.Sprint(group.At("DeploymentConfigName")), "Canary10Percent5Minutes") {
			t.Errorf("%s is deployed by %v", name, group.Properties)
		}
		if f.Environment["LOCH_PREFIX"] != "loch" || f.Environment["LOCH_BUCKET"] != "loch-storage-lake" {
			t.Errorf("%s has the environment %v", name, f.Environment)
		}
	}
	for _, r := range template.Of(all, "AWS::Logs::LogGroup") {
		if r.At("RetentionInDays") == nil {
			t.Errorf("%s keeps logs for ever", r.Name)
		}
	}
	for _, r := range template.Of(all, "AWS::Lambda::EventInvokeConfig") {
		if on := r.At("DestinationConfig.OnFailure.Destination"); on != "arn:aws:sqs:us-east-1:123456789012:loch-FailedJobs" {
			t.Errorf("%s: what fails goes to %v", r.Name, on)
		}
	}
}

// Each alarm has somebody to tell, and a chapter in the runbook.
func TestAlarms(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(templatetest.Root(t), "infra/aws/README.md"))
	if err != nil {
		t.Fatal(err)
	}
	headings := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "### "); ok {
			headings[name] = true
		}
	}
	all := everything(t, full)
	list := template.Of(all, "AWS::CloudWatch::Alarm")
	if len(list) != cost.Alarms || len(template.Of(all, "AWS::KMS::Key")) != cost.Keys {
		t.Errorf("the stack has %d alarms and %d keys, and loch cost prices %d and %d", len(list), len(template.Of(all, "AWS::KMS::Key")), cost.Alarms, cost.Keys)
	}
	for _, r := range list {
		name := strings.TrimPrefix(fmt.Sprint(r.Properties["AlarmName"]), "loch-")
		if !strings.HasSuffix(fmt.Sprint(r.Properties["AlarmDescription"]), "Runbook: infra/aws/README.md#"+name) {
			t.Errorf("%s says %v", name, r.Properties["AlarmDescription"])
		}
		if !headings[name] {
			t.Errorf("infra/aws/README.md has no chapter ### %s", name)
		}
		if got := fmt.Sprint(r.Properties["AlarmActions"]); got != "[arn:aws:sns:us-east-1:123456789012:loch-Alarms]" {
			t.Errorf("%s tells %s", name, got)
		}
		if r.At("TreatMissingData") == nil || r.At("Dimensions") == nil {
			t.Errorf("%s: %v", name, r.Properties)
		}
	}
	if len(list) < 25 {
		t.Errorf("%d alarms", len(list))
	}
}

// The dashboard is JSON whose widgets do not lie on each other.
func TestDashboard(t *testing.T) {
	r := template.Of(everything(t, nil), "AWS::CloudWatch::Dashboard")[0]
	var body struct {
		Widgets []struct{ X, Y, Width, Height int }
	}
	if err := json.Unmarshal([]byte(fmt.Sprint(r.Properties["DashboardBody"])), &body); err != nil {
		t.Fatal(err)
	}
	taken := map[[2]int]bool{}
	for i, w := range body.Widgets {
		if taken[[2]int{w.X, w.Y}] || w.X+w.Width > 24 || w.Width == 0 {
			t.Errorf("widget %d: %+v", i, w)
		}
		taken[[2]int{w.X, w.Y}] = true
	}
	if len(body.Widgets) < 8 {
		t.Errorf("%d widgets", len(body.Widgets))
	}
}

// CloudFront, a domain and the firewall are there when they are asked for.
func TestEdge(t *testing.T) {
	bare := everything(t, nil)
	for _, kind := range []string{"AWS::CloudFront::Distribution", "AWS::ApiGatewayV2::DomainName", "AWS::SecretsManager::Secret", "AWS::CE::AnomalyMonitor", "AWS::SNS::Subscription"} {
		if n := len(template.Of(bare, kind)); n != 0 {
			t.Errorf("%d of %s by default", n, kind)
		}
	}
	all := everything(t, full)
	d := template.Of(all, "AWS::CloudFront::Distribution")[0]
	if d.At("DistributionConfig.WebACLId") != full["WebAclArn"] || d.At("DistributionConfig.Aliases.0") != full["DomainName"] ||
		d.At("DistributionConfig.DefaultCacheBehavior.ViewerProtocolPolicy") != "redirect-to-https" {
		t.Errorf("the distribution: %v", d.Properties)
	}
	code := fmt.Sprint(template.Of(all, "AWS::CloudFront::Function")[0].Properties["FunctionCode"])
	if d.At("DistributionConfig.DefaultCacheBehavior.FunctionAssociations.0.EventType") != "viewer-request" || !strings.Contains(code, "headers['x-loch-viewer'] = { value: event.viewer.ip }") {
		t.Errorf("the viewer's address is not told: %v %s", d.At("DistributionConfig.DefaultCacheBehavior.FunctionAssociations"), code)
	}
	shown := fmt.Sprint(d.At("DistributionConfig.Origins.0.OriginCustomHeaders.0.HeaderValue"))
	if f := functions(t, all)["Ingest"]; f.Environment["LOCH_ORIGIN_SECRET"] != shown || !strings.HasPrefix(shown, "{{resolve:secretsmanager:arn:") {
		t.Errorf("CloudFront shows %q, ingest believes %q", shown, f.Environment["LOCH_ORIGIN_SECRET"])
	}
	if f := functions(t, bare)["Ingest"]; f.Environment["LOCH_ORIGIN_SECRET"] != "" {
		t.Errorf("without CloudFront ingest believes %q", f.Environment["LOCH_ORIGIN_SECRET"])
	}
	domain := map[string]string{"DomainName": "e.example.com", "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1"}
	if n := len(template.Of(everything(t, domain), "AWS::ApiGatewayV2::ApiMapping")); n != 1 {
		t.Errorf("a domain without CloudFront has %d mappings", n)
	}
}

// Access logs tell nothing of who asked what.
func TestAccessLogs(t *testing.T) {
	stage := template.Of(everything(t, full), "AWS::ApiGatewayV2::Stage")[0]
	format := fmt.Sprint(stage.At("AccessLogSettings.Format"))
	var line map[string]string
	if err := json.Unmarshal([]byte(format), &line); err != nil || len(line) < 5 {
		t.Errorf("a line of the log: %s, %v", format, err)
	}
	for _, never := range []string{"sourceIp", "path", "userAgent", "Query", "authorizer", "identity"} {
		if strings.Contains(format, never) {
			t.Errorf("the log has %s: %s", never, format)
		}
	}
	if bare := template.Of(everything(t, nil), "AWS::ApiGatewayV2::Stage")[0]; bare.At("AccessLogSettings") != nil {
		t.Error("there are access logs by default")
	}
}
