package main

import (
	"context"

	"loch/infra/aws/stack"
	"loch/infra/local/command"
)

// Find finds a stack in an AWS account.
func (*connector) Find(ctx context.Context, s command.Stack) (*command.Deployment, error) {
	access, err := stack.Load(ctx, s.Region, s.Profile)
	if err != nil {
		return nil, err
	}
	found, err := stack.Find(ctx, access, s.Name)
	if err != nil {
		return nil, err
	}
	return &command.Deployment{
		Region: found.Region, URL: found.URL, Checks: found.Checks(), FlushTime: found.FlushTime(), CloudFront: found.CloudFront(),
	}, nil
}
