package dynamo

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"loch/shared/fault"
)

// item is one item as DynamoDB has it.
type item map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func blob(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }
func yes() types.AttributeValue          { return &types.AttributeValueMemberBOOL{Value: true} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// blobs is a set; DynamoDB knows no empty one.
func blobs(set ...[]byte) types.AttributeValue { return &types.AttributeValueMemberBS{Value: set} }

// text returns a text, empty where the attribute is not there or no text.
func (i item) text(name string) string {
	if v, ok := i[name].(*types.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

func (i item) blob(name string) []byte {
	if v, ok := i[name].(*types.AttributeValueMemberB); ok {
		return v.Value
	}
	return nil
}

func (i item) blobs(name string) [][]byte {
	if v, ok := i[name].(*types.AttributeValueMemberBS); ok {
		return v.Value
	}
	return nil
}

// number returns a whole number, 0 where there is none.
func (i item) number(name string) int64 {
	if v, ok := i[name].(*types.AttributeValueMemberN); ok {
		n, err := strconv.ParseInt(v.Value, 10, 64)
		if err == nil {
			return n
		}
	}
	return 0
}

func (i item) has(name string) bool {
	_, ok := i[name]
	return ok
}

// size is about how many bytes DynamoDB counts.
func (i item) size() (n int) {
	for name, v := range i {
		n += len(name) + sizeOfValue(v)
	}
	return n
}

func sizeOfValue(v types.AttributeValue) (n int) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberB:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return len(v.Value)/2 + 1
	case *types.AttributeValueMemberBS:
		for _, member := range v.Value {
			n += len(member)
		}
		return n
	case *types.AttributeValueMemberL:
		for _, member := range v.Value {
			n += 1 + sizeOfValue(member)
		}
		return n + 3
	}
	return 1
}

// damaged is the error for an item that no version of ours wrote.
func damaged(what string) error {
	return fault.New(fault.Internal, "an item of the table of "+what+" is damaged")
}
