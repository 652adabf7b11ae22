// Command operate does to a stack on AWS what its owner does once: it makes projects.
//
//	operate create STACK PROJECT
//
// It takes region and credentials from the environment, as `aws configure
// export-credentials --format env` prints them, and writes the project's credentials to
// standard output. They are told this once: the stack keeps hashes of the keys.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"loch/infra/aws/dynamo"
	"loch/shared/fault"
	"loch/shared/project"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "operate:", err)
		os.Exit(1)
	}
}

// written has the shape of credentials.json on one machine.
type written struct {
	Project string                   `json:"project"`
	Token   string                   `json:"token"`
	Keys    map[project.Scope]string `json:"keys"`
	Account map[string]string        `json:"service_account"`
}

func run(ctx context.Context, args []string, env func(string) string, out io.Writer) error {
	if len(args) != 3 || args[0] != "create" {
		return fault.New(fault.Invalid, "say: operate create STACK PROJECT")
	}
	for _, name := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		if env(name) == "" {
			return fault.Newf(fault.Invalid, "the environment has no %s; eval \"$(aws configure export-credentials --format env)\" sets the keys", name)
		}
	}
	client := dynamo.NewClient(dynamo.ClientOptions{
		Region: env("AWS_REGION"), Endpoint: env("AWS_ENDPOINT_URL_DYNAMODB"),
		Credentials: credentials.NewStaticCredentialsProvider(env("AWS_ACCESS_KEY_ID"), env("AWS_SECRET_ACCESS_KEY"), env("AWS_SESSION_TOKEN")),
	})
	projects := dynamo.NewProjects(client, dynamo.Options{Prefix: args[1], Now: time.Now, Rand: rand.Reader})
	made, err := projects.Create(ctx, args[2], "", project.Settings{})
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(written{made.Project, made.Token, made.Keys, map[string]string{"username": made.Username, "secret": made.Secret}})
}
