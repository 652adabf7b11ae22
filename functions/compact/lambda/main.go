// Command lambda runs functions/compact on AWS Lambda, on a schedule and once after
// each deployment: it reads the settings that the stack gives it and introduces the
// job to its adapters. One run at a time: the function's concurrency is 1.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"loch/functions/compact"
	"loch/infra/aws/athena"
	"loch/infra/aws/s3"
	"loch/infra/aws/tiers"
)

func main() {
	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	deps, err := fromEnvironment(logger)
	if err != nil {
		logger.Error("the function cannot start", "error", err)
		os.Exit(1)
	}
	lambda.Start(func(ctx context.Context, _ json.RawMessage) (compact.Summary, error) {
		did, err := compact.Run(ctx, deps)
		logger.Info("compacted", "commits", did.Commits, "landing_files", did.Landing, "written_files", did.Written,
			"expired_files", did.Expired, "deleted_files", did.Deleted, "left_files", did.Left, "error", err)
		return did, err
	})
}

// fromEnvironment reads LAKE_BUCKET, GLUE_DATABASE, ATHENA_WORKGROUP and, as JSON,
// RETENTION_DAYS: {"shop": 395}. AWS_ENDPOINT_URL_S3 and AWS_ENDPOINT_URL_ATHENA name
// other servers than AWS's, for tests.
func fromEnvironment(logger *slog.Logger) (compact.Deps, error) {
	var retention map[string]int
	if text := os.Getenv("RETENTION_DAYS"); text != "" {
		if err := json.Unmarshal([]byte(text), &retention); err != nil {
			return compact.Deps{}, fmt.Errorf("RETENTION_DAYS must be JSON such as {\"shop\": 395}: %w", err)
		}
	}
	region, name := os.Getenv("AWS_REGION"), os.Getenv("LAKE_BUCKET")
	for variable, value := range map[string]string{
		"LAKE_BUCKET": name, "GLUE_DATABASE": os.Getenv("GLUE_DATABASE"), "ATHENA_WORKGROUP": os.Getenv("ATHENA_WORKGROUP"),
	} {
		if value == "" {
			return compact.Deps{}, fmt.Errorf("%s is missing", variable)
		}
	}
	identity := credentials.NewStaticCredentialsProvider(os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN"))
	bucket := s3.New(s3.Options{Region: region, Bucket: name, Credentials: identity, Endpoint: os.Getenv("AWS_ENDPOINT_URL_S3")})
	engine := athena.New(
		athena.NewClient(athena.Access{Region: region, Credentials: identity, Endpoint: os.Getenv("AWS_ENDPOINT_URL_ATHENA")}),
		athena.Options{Database: os.Getenv("GLUE_DATABASE"), Workgroup: os.Getenv("ATHENA_WORKGROUP"), Random: rand.Reader})
	return compact.Deps{
		Files: tiers.NewFiles(bucket), State: tiers.NewState(bucket), Tables: tiers.New(engine, name),
		Now: time.Now, Logger: logger, RetentionDays: retention,
	}, nil
}
