package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// query asks for the items of one pk, in the order of sk.
type query struct {
	pk       types.AttributeValue
	from     types.AttributeValue // sk begins with it; nil is all
	since    types.AttributeValue // sk is not before it; nil is all
	keysOnly bool
	newest   bool // backwards
	most     int  // 0 is all
}

// walk calls fn for every item that is asked for.
func (t *table) walk(ctx context.Context, e *effort, q query, fn func(item) error) error {
	in := &dynamodb.QueryInput{
		TableName: aws.String(t.name), ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		KeyConditionExpression:    aws.String("pk=:pk"),
		ExpressionAttributeValues: item{":pk": q.pk},
	}
	if q.from != nil {
		in.KeyConditionExpression = aws.String("pk=:pk AND begins_with(sk,:from)")
		in.ExpressionAttributeValues[":from"] = q.from
	}
	if q.since != nil {
		in.KeyConditionExpression = aws.String("pk=:pk AND sk>=:since")
		in.ExpressionAttributeValues[":since"] = q.since
	}
	if q.keysOnly {
		in.ProjectionExpression = aws.String("pk,sk")
	}
	if q.newest {
		in.ScanIndexForward = aws.Bool(false)
	}
	if q.most > 0 {
		in.Limit = aws.Int32(int32(min(q.most, 1000)))
	}
	for n := 0; ; {
		out, err := do(ctx, e, "Query", func(ctx context.Context) (*dynamodb.QueryOutput, Call, error) {
			out, err := t.api.Query(ctx, in)
			if err != nil {
				return nil, Call{}, err
			}
			return out, Call{Reads: units(out.ConsumedCapacity)}, nil
		})
		if err != nil {
			return err
		}
		for _, i := range out.Items {
			if err := fn(i); err != nil {
				return err
			}
			if n++; n == q.most {
				return nil
			}
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
			return nil
		}
	}
}

// mostToWrite is how many items one BatchWriteItem may write.
const mostToWrite = 25

// putAll writes items whatever is there. None may come twice.
func (t *table) putAll(ctx context.Context, e *effort, items []item) error {
	requests := make([]types.WriteRequest, len(items))
	for n, i := range items {
		requests[n].PutRequest = &types.PutRequest{Item: i}
	}
	return t.writeAll(ctx, e, requests)
}

// deleteAll takes items away by their keys. None may come twice.
func (t *table) deleteAll(ctx context.Context, e *effort, keys []item) error {
	requests := make([]types.WriteRequest, len(keys))
	for n, k := range keys {
		requests[n].DeleteRequest = &types.DeleteRequest{Key: k}
	}
	return t.writeAll(ctx, e, requests)
}

func (t *table) writeAll(ctx context.Context, e *effort, requests []types.WriteRequest) error {
	for len(requests) > 0 {
		n := min(len(requests), mostToWrite)
		out, err := do(ctx, e, "BatchWriteItem", func(ctx context.Context) (*dynamodb.BatchWriteItemOutput, Call, error) {
			out, err := t.api.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
				RequestItems: map[string][]types.WriteRequest{t.name: requests[:n]}, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
			})
			if err != nil {
				return nil, Call{}, err
			}
			return out, Call{Writes: sum(out.ConsumedCapacity)}, nil
		})
		if err != nil {
			return err
		}
		requests = requests[n:]
		if left := out.UnprocessedItems[t.name]; len(left) > 0 {
			requests = append(left, requests...)
			if err := e.wait(ctx, errBusy); err != nil {
				return err
			}
		}
	}
	return nil
}

// notThere is the condition that there is no item of a key.
var notThere = aws.String("attribute_not_exists(pk)")

// putIf writes an item whole if a condition holds for what is there.
func (t *table) putIf(ctx context.Context, e *effort, i item, condition *string, values item) error {
	_, err := do(ctx, e, "PutItem", func(ctx context.Context) (struct{}, Call, error) {
		out, err := t.api.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: aws.String(t.name), Item: i, ConditionExpression: condition, ExpressionAttributeValues: values,
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
			ReturnConsumedCapacity:              types.ReturnConsumedCapacityTotal,
		})
		if err != nil {
			return struct{}{}, Call{}, err
		}
		return struct{}{}, Call{Writes: units(out.ConsumedCapacity)}, nil
	})
	return err
}
