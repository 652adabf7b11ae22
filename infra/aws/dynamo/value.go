package dynamo

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"loch/shared/profile"
)

// A trait's value is JSON text and comes back byte for byte. Numbers and lists that
// can be told back exactly from DynamoDB's own types are kept as such, so that
// DynamoDB can add to them and append to them; all else is its text.
//
//	5, -0.25              a number, if it is written as sums are and has at most 18
//	                      digits before the point and 9 behind it
//	["a",{"b":1.50}]      a list of texts, if nothing stands between its items
//	"free", 0.10, 1e3,    a text
//	{"a":1}, [ ], null

// DynamoDB keeps 38 digits. Of numbers within these bounds ten thousand million can be
// added up before a sum has more.
const (
	wholeDigits    = 18
	fractionDigits = 9
)

// listItems bounds a list that is kept as a list: a longer one is moved whole anyway.
const listItems = 10_000

func encodeValue(value json.RawMessage) types.AttributeValue {
	if len(value) == 0 {
		return text("")
	}
	switch c := value[0]; {
	case c == '-' || c >= '0' && c <= '9':
		if isPlain(value) {
			return &types.AttributeValueMemberN{Value: string(value)}
		}
	case c == '[':
		if items, ok := splitList(value); ok {
			return &types.AttributeValueMemberL{Value: items}
		}
	}
	return text(string(value))
}

// isPlain says whether a number is kept as a number.
func isPlain(value json.RawMessage) bool {
	digits := bytes.TrimPrefix(value, []byte("-"))
	whole, fraction, _ := bytes.Cut(digits, []byte("."))
	if len(whole) == 0 || len(whole) > wholeDigits || len(fraction) > fractionDigits || bytes.ContainsAny(digits, "eE") {
		return false
	}
	normal, ok := profile.NormalNumber(value)
	return ok && bytes.Equal(normal, value)
}

// splitList takes a list apart if joining its items gives the same text again.
func splitList(value json.RawMessage) (items []types.AttributeValue, ok bool) {
	var parts []json.RawMessage
	if json.Unmarshal(value, &parts) != nil || len(parts) > listItems {
		return nil, false
	}
	size := 2 + max(0, len(parts)-1)
	items = make([]types.AttributeValue, len(parts))
	for i, part := range parts {
		size += len(part)
		items[i] = text(string(part))
	}
	return items, size == len(value) // json keeps the items' own text
}

func decodeValue(v types.AttributeValue) (json.RawMessage, error) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return json.RawMessage(v.Value), nil
	case *types.AttributeValueMemberN:
		if normal, ok := profile.NormalNumber([]byte(v.Value)); ok {
			return normal, nil
		}
	case *types.AttributeValueMemberL:
		var b strings.Builder
		b.WriteByte('[')
		for i, part := range v.Value {
			if i > 0 {
				b.WriteByte(',')
			}
			s, ok := part.(*types.AttributeValueMemberS)
			if !ok {
				return nil, damaged("profiles")
			}
			b.WriteString(s.Value)
		}
		b.WriteByte(']')
		return json.RawMessage(b.String()), nil
	}
	return nil, damaged("profiles")
}
