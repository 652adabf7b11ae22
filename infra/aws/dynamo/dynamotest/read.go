package dynamotest

import (
	"hash/fnv"
	"maps"
	"slices"
	"strings"
)

// read asks for items: one, those of a key, or all.
type read struct {
	TableName                 string
	Key                       item
	ConsistentRead            bool
	ProjectionExpression      string
	KeyConditionExpression    string
	FilterExpression          string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]value
	ScanIndexForward          *bool
	Limit                     int
	Segment, TotalSegments    int
	ExclusiveStartKey         item
	ReturnConsumedCapacity    string
}

// maxPageBytes is how much Query and Scan read in one call; maxBatchBytes and
// maxBatchKeys are BatchGetItem's bounds.
const (
	maxPageBytes  = 1 << 20
	maxBatchBytes = 16 << 20
	maxBatchKeys  = 100
)

// projected leaves the attributes that were asked for.
func projected(i item, expression string, x *expressions) item {
	if expression == "" {
		return i
	}
	out := item{}
	for name := range strings.SplitSeq(expression, ",") {
		p := x.parser(name, i)
		attribute := p.path()
		if v, ok := i[attribute]; ok {
			out[attribute] = v
		}
	}
	return out
}

func (s *Server) getItem(in *read) (any, error) {
	t, no := s.table(in.TableName)
	if no != nil {
		return nil, no
	}
	at, no := t.at(in.Key, true)
	if no != nil {
		return nil, no
	}
	i := t.get(at)
	out := map[string]any{"ConsumedCapacity": consumed(t.name, readUnits(i.size(), in.ConsistentRead))}
	if i != nil {
		out["Item"] = projected(i, in.ProjectionExpression, &expressions{names: in.ExpressionAttributeNames})
	}
	return out, nil
}

type batchReads struct {
	RequestItems map[string]struct {
		Keys                     []item
		ConsistentRead           bool
		ProjectionExpression     string
		ExpressionAttributeNames map[string]string
	}
	ReturnConsumedCapacity string
}

func (s *Server) batchGetItem(in *batchReads) (any, error) {
	responses, left, capacity := map[string]any{}, map[string]any{}, []any{}
	for name, ask := range in.RequestItems {
		t, no := s.table(name)
		if no != nil {
			return nil, no
		}
		if len(ask.Keys) > maxBatchKeys {
			return nil, invalid("Too many items requested for the BatchGetItem call")
		}
		found, rest, units, bytes, seen := []item{}, []item{}, 0.0, 0, map[place]bool{}
		for _, k := range ask.Keys {
			at, no := t.at(k, true)
			if no != nil {
				return nil, no
			}
			if seen[at] {
				return nil, invalid("Provided list of item keys contains duplicates")
			}
			seen[at] = true
			i := t.get(at)
			if bytes += i.size(); bytes > maxBatchBytes {
				rest = append(rest, k)
				continue
			}
			units += readUnits(i.size(), ask.ConsistentRead)
			if i != nil {
				found = append(found, projected(i, ask.ProjectionExpression, &expressions{names: ask.ExpressionAttributeNames}))
			}
		}
		if responses[name] = found; len(rest) > 0 {
			left[name] = map[string]any{"Keys": rest, "ConsistentRead": ask.ConsistentRead}
		}
		capacity = append(capacity, consumed(name, units))
	}
	return map[string]any{"Responses": responses, "UnprocessedKeys": left, "ConsumedCapacity": capacity}, nil
}

// query reads the items of one partition key.
func (s *Server) query(in *read) (any, error) {
	t, no := s.table(in.TableName)
	if no != nil {
		return nil, no
	}
	x := &expressions{names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues}
	pk, ok := in.ExpressionAttributeValues[":pk"].bytes(t.types[t.keys[0]])
	if !ok || !strings.HasPrefix(in.KeyConditionExpression, "pk=:pk") {
		return nil, invalid("Query condition missed key schema element: pk")
	}
	var candidates []item
	for _, sk := range t.sorted(string(pk)) {
		i := t.items[string(pk)][sk]
		ok, no := x.holds(in.KeyConditionExpression, i)
		if no != nil {
			return nil, no
		}
		if ok {
			candidates = append(candidates, i)
		}
	}
	if in.ScanIndexForward != nil && !*in.ScanIndexForward {
		slices.Reverse(candidates)
	}
	return s.page(t, in, x, candidates)
}

// scan reads the items of a segment.
func (s *Server) scan(in *read) (any, error) {
	t, no := s.table(in.TableName)
	if no != nil {
		return nil, no
	}
	var candidates []item
	for _, pk := range slices.Sorted(maps.Keys(t.items)) {
		h := fnv.New32a()
		_, _ = h.Write([]byte(pk))
		if in.TotalSegments > 1 && int(h.Sum32())%in.TotalSegments != in.Segment {
			continue
		}
		for _, sk := range t.sorted(pk) {
			candidates = append(candidates, t.items[pk][sk])
		}
	}
	return s.page(t, in, &expressions{names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues}, candidates)
}

// page is what one call of Query or Scan returns of the items that it goes through:
// as many as Limit says or a megabyte holds, before the filter.
func (s *Server) page(t *table, in *read, x *expressions, candidates []item) (any, error) {
	if in.ExclusiveStartKey != nil {
		start, no := t.at(in.ExclusiveStartKey, true)
		if no != nil {
			return nil, no
		}
		at := slices.IndexFunc(candidates, func(i item) bool { p, no := t.at(i, false); return no == nil && p == start })
		if at < 0 {
			return nil, invalid("The provided starting key is not there")
		}
		candidates = candidates[at+1:]
	}
	found, bytes, count := []item{}, 0, 0
	var last item
	for n, i := range candidates {
		bytes, count = bytes+i.size(), count+1
		ok, no := x.holds(in.FilterExpression, i)
		if no != nil {
			return nil, no
		}
		if ok {
			found = append(found, projected(i, in.ProjectionExpression, x))
		}
		if n+1 < len(candidates) && (count == in.Limit || bytes > maxPageBytes) {
			last = item{}
			for _, name := range t.keys {
				last[name] = i[name]
			}
			break
		}
	}
	out := map[string]any{
		"Items": found, "Count": len(found), "ScannedCount": count,
		"ConsumedCapacity": consumed(t.name, readUnits(bytes, in.ConsistentRead)),
	}
	if last != nil {
		out["LastEvaluatedKey"] = last
	}
	return out, nil
}
