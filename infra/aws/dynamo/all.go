package dynamo

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"loch/shared/profile"
)

// All calls fn for every profile of every project, in no order: whoever is linked,
// merged or erased has none. It reads the whole table, and not consistently, at half
// the price: what was written a moment before may be missing. The profile is fn's
// only until it returns.
func (s *Profiles) All(ctx context.Context, fn func(p *profile.Profile) error) error {
	in := &dynamodb.ScanInput{
		TableName: aws.String(s.name), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		FilterExpression:          aws.String("sk=:profile AND attribute_not_exists(leads) AND attribute_not_exists(dead)"),
		ExpressionAttributeValues: item{":profile": text(skProfile)},
	}
	return s.walkTable(ctx, in, func(e *effort, i item) error {
		project, id, ok := strings.Cut(i.text(pk), "/")
		if !ok {
			return damaged("profiles")
		}
		r, err := decodeRecord(key{project, id}, i)
		if err == nil {
			err = s.load(ctx, e, r)
		}
		if err == nil && r.to == "" && !r.dead && r.exists() {
			err = fn(&r.p)
		}
		return err
	})
}

// walkTable calls fn for every item that a scan finds, a page after the other, each
// with an effort of its own.
func (s *Profiles) walkTable(ctx context.Context, in *dynamodb.ScanInput, fn func(e *effort, i item) error) error {
	for {
		e := s.effort(ctx)
		out, err := do(ctx, e, "Scan", func(ctx context.Context) (*dynamodb.ScanOutput, Call, error) {
			out, err := s.api.Scan(ctx, in)
			if err != nil {
				return nil, Call{}, err
			}
			return out, Call{Reads: units(out.ConsumedCapacity)}, nil
		})
		if err != nil {
			return err
		}
		for _, i := range out.Items {
			if err := fn(e, i); err != nil {
				return err
			}
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
			return nil
		}
	}
}
