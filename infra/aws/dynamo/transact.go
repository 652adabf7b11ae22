package dynamo

import (
	"context"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// mostInTransaction is how many items one transaction may write. DynamoDB takes 100.
const mostInTransaction = 100

// transact writes all of the items or none. A condition that does not hold is told as
// a *refusedCall.
func (t *table) transact(ctx context.Context, e *effort, writes []types.TransactWriteItem) error {
	// By its token DynamoDB knows a transaction whose answer was lost, for ten minutes.
	n, err := t.random()
	if err != nil {
		return err
	}
	token := aws.String(strconv.FormatUint(n, 16))
	_, err = do(ctx, e, "TransactWriteItems", func(ctx context.Context) (struct{}, Call, error) {
		out, err := t.api.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
			TransactItems: writes, ClientRequestToken: token, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		})
		if err != nil {
			return struct{}{}, Call{}, err
		}
		return struct{}{}, Call{Writes: max(sum(out.ConsumedCapacity), float64(2*len(writes)))}, nil
	})
	return err
}

// putting writes an item whole, under a condition if there is one.
func (t *table) putting(i item, condition *string, values item) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{
		TableName: aws.String(t.name), Item: i, ConditionExpression: condition, ExpressionAttributeValues: values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

// deleting takes an item away, under a condition if there is one.
func (t *table) deleting(k item, condition *string, values item) types.TransactWriteItem {
	return types.TransactWriteItem{Delete: &types.Delete{
		TableName: aws.String(t.name), Key: k, ConditionExpression: condition, ExpressionAttributeValues: values,
	}}
}
