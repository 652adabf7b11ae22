package dynamo

import (
	"context"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// expression is an UpdateItem being put together: what it does, and in its conditions
// what it relies on. Names and values stand in it by placeholders alone. Each
// condition is kept as a function as well, so that a record at hand can be asked
// before DynamoDB is.
type expression struct {
	names  map[string]string // by placeholder
	short  map[string]string // the same the other way
	values map[string]types.AttributeValue

	set, remove, add []string
	conditions       []string
	holds            []func(item) bool
}

func newExpression() *expression {
	return &expression{names: map[string]string{}, short: map[string]string{}, values: map[string]types.AttributeValue{}}
}

// name returns the placeholder of an attribute.
func (e *expression) name(attribute string) string {
	if s, ok := e.short[attribute]; ok {
		return s
	}
	s := "#" + strconv.Itoa(len(e.names))
	e.names[s], e.short[attribute] = attribute, s
	return s
}

func (e *expression) value(v types.AttributeValue) string {
	s := ":" + strconv.Itoa(len(e.values))
	e.values[s] = v
	return s
}

func (e *expression) setTo(attribute string, v types.AttributeValue) {
	e.set = append(e.set, e.name(attribute)+"="+e.value(v))
}

// setOnce leaves what is there.
func (e *expression) setOnce(attribute string, v types.AttributeValue) {
	n := e.name(attribute)
	e.set = append(e.set, n+"=if_not_exists("+n+","+e.value(v)+")")
}

func (e *expression) addTo(attribute string, v types.AttributeValue) {
	e.add = append(e.add, e.name(attribute)+" "+e.value(v))
}

func (e *expression) take(attribute string) { e.remove = append(e.remove, e.name(attribute)) }

func (e *expression) require(condition string, holds func(item) bool) {
	e.conditions = append(e.conditions, condition)
	e.holds = append(e.holds, holds)
}

func (e *expression) requireNone(attribute string) {
	e.require("attribute_not_exists("+e.name(attribute)+")", func(i item) bool { return !i.has(attribute) })
}

func (e *expression) requireSome(attribute string) {
	e.require("attribute_exists("+e.name(attribute)+")", func(i item) bool { return i.has(attribute) })
}

// requireText has an attribute be a text.
func (e *expression) requireText(attribute, is string) {
	e.require(e.name(attribute)+"="+e.value(text(is)), func(i item) bool { return i.has(attribute) && i.text(attribute) == is })
}

// requireAbsentOr has an attribute be absent or a text.
func (e *expression) requireAbsentOr(attribute, is string) {
	n := e.name(attribute)
	e.require("(attribute_not_exists("+n+") OR "+n+"="+e.value(text(is))+")",
		func(i item) bool { return !i.has(attribute) || i.text(attribute) == is })
}

// requireType has an attribute be there, and be of a type.
func (e *expression) requireType(attribute, kind string, is func(types.AttributeValue) bool) {
	e.require("attribute_type("+e.name(attribute)+","+e.value(text(kind))+")", func(i item) bool { return is(i[attribute]) })
}

// requireMost has a number be absent or at most a bound.
func (e *expression) requireMost(attribute string, bound int64) {
	n := e.name(attribute)
	e.require("(attribute_not_exists("+n+") OR "+n+"<="+e.value(number(bound))+")",
		func(i item) bool { return !i.has(attribute) || i.number(attribute) <= bound })
}

// requireWithout has a set not hold a value. A set that is not there holds none.
func (e *expression) requireWithout(attribute string, v []byte) {
	e.require("NOT contains("+e.name(attribute)+","+e.value(blob(v))+")", func(i item) bool {
		for _, member := range i.blobs(attribute) {
			if string(member) == string(v) {
				return false
			}
		}
		return true
	})
}

// requireFew has a set be absent or of fewer members than a bound.
func (e *expression) requireFew(attribute string, bound int) {
	n := e.name(attribute)
	e.require("(attribute_not_exists("+n+") OR size("+n+")<"+e.value(number(int64(bound)))+")",
		func(i item) bool { return len(i.blobs(attribute)) < bound })
}

// fits says whether all conditions hold for an item at hand.
func (e *expression) fits(i item) bool {
	for _, holds := range e.holds {
		if !holds(i) {
			return false
		}
	}
	return true
}

// update is the expression's text.
func (e *expression) update() string {
	var parts []string
	for _, part := range []struct {
		verb string
		list []string
	}{{"SET ", e.set}, {"REMOVE ", e.remove}, {"ADD ", e.add}} {
		if len(part.list) > 0 {
			parts = append(parts, part.verb+strings.Join(part.list, ","))
		}
	}
	return strings.Join(parts, " ")
}

// updateItem makes the call, and returns the item as it stands then. So does a refusal.
func (t *table) updateItem(ctx context.Context, e *effort, x *expression, key item) (item, error) {
	in := &dynamodb.UpdateItemInput{
		TableName: aws.String(t.name), Key: key, UpdateExpression: aws.String(x.update()),
		ExpressionAttributeNames:            x.names,
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		ReturnConsumedCapacity:              types.ReturnConsumedCapacityTotal,
	}
	if len(x.values) > 0 {
		in.ExpressionAttributeValues = x.values
	}
	if len(x.conditions) > 0 {
		in.ConditionExpression = aws.String(strings.Join(x.conditions, " AND "))
	}
	out, err := do(ctx, e, "UpdateItem", func(ctx context.Context) (*dynamodb.UpdateItemOutput, Call, error) {
		out, err := t.api.UpdateItem(ctx, in)
		if err != nil {
			return nil, Call{}, err
		}
		return out, Call{Writes: units(out.ConsumedCapacity)}, nil
	})
	if err != nil {
		return nil, err
	}
	return out.Attributes, nil
}
