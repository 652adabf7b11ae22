package dynamotest

import (
	"slices"
	"strings"
)

// table holds items by their keys' bytes, which is also how DynamoDB orders them.
type table struct {
	name   string
	keys   []string          // "pk", or "pk" and "sk"
	types  map[string]string // of the keys: S, B
	items  map[string]map[string]item
	expiry string
}

// place is where an item stands.
type place struct{ pk, sk string }

// at finds an item's place, and refuses a key that is not of the table's types.
func (t *table) at(i item, onlyKey bool) (place, *failure) {
	if onlyKey && len(i) != len(t.keys) {
		return place{}, invalid("The provided key element does not match the schema")
	}
	var parts [2]string
	for n, name := range t.keys {
		v, ok := i[name]
		if !ok {
			return place{}, invalid("One or more parameter values were invalid: Missing the key " + name + " in the item")
		}
		b, ok := v.bytes(t.types[name])
		if !ok || len(b) == 0 {
			return place{}, invalid("One or more parameter values were invalid: Type mismatch for key " + name)
		}
		parts[n] = string(b)
	}
	return place{parts[0], parts[1]}, nil
}

func (t *table) get(p place) item { return t.items[p.pk][p.sk] }

func (t *table) put(p place, i item) {
	if t.items[p.pk] == nil {
		t.items[p.pk] = map[string]item{}
	}
	t.items[p.pk][p.sk] = i
}

func (t *table) remove(p place) {
	delete(t.items[p.pk], p.sk)
	if len(t.items[p.pk]) == 0 {
		delete(t.items, p.pk)
	}
}

// sorted are the sort keys under one partition key.
func (t *table) sorted(pk string) []string {
	list := make([]string, 0, len(t.items[pk]))
	for sk := range t.items[pk] {
		list = append(list, sk)
	}
	slices.SortFunc(list, strings.Compare)
	return list
}

func (s *Server) table(name string) (*table, *failure) {
	if t := s.tables[name]; t != nil {
		return t, nil
	}
	return nil, &failure{kind: "ResourceNotFoundException", words: "Cannot do operations on a non-existent table"}
}

type attribute struct{ AttributeName, AttributeType string }

type keyElement struct{ AttributeName, KeyType string }

type createTable struct {
	TableName, BillingMode string
	AttributeDefinitions   []attribute
	KeySchema              []keyElement
}

func (s *Server) createTable(in *createTable) (any, error) {
	if s.tables[in.TableName] != nil {
		return nil, &failure{kind: "ResourceInUseException", words: "Table already exists: " + in.TableName}
	}
	t := &table{name: in.TableName, types: map[string]string{}, items: map[string]map[string]item{}}
	for _, k := range in.KeySchema {
		t.keys = append(t.keys, k.AttributeName)
	}
	for _, a := range in.AttributeDefinitions {
		t.types[a.AttributeName] = a.AttributeType
	}
	s.tables[in.TableName] = t
	return map[string]any{"TableDescription": t.described()}, nil
}

func (t *table) described() map[string]any {
	return map[string]any{"TableName": t.name, "TableStatus": "ACTIVE"}
}

type describeTable struct{ TableName string }

func (s *Server) describeTable(in *describeTable) (any, error) {
	t, no := s.table(in.TableName)
	if no != nil {
		return nil, no
	}
	return map[string]any{"Table": t.described()}, nil
}

type timeToLive struct {
	TableName               string
	TimeToLiveSpecification struct {
		AttributeName string
		Enabled       bool
	}
}

// updateTimeToLive is kept and not acted upon: DynamoDB itself may take days.
func (s *Server) updateTimeToLive(in *timeToLive) (any, error) {
	t, no := s.table(in.TableName)
	if no != nil {
		return nil, no
	}
	if t.expiry != "" {
		return nil, invalid("TimeToLive is already enabled")
	}
	t.expiry = in.TimeToLiveSpecification.AttributeName
	return map[string]any{"TimeToLiveSpecification": in.TimeToLiveSpecification}, nil
}
