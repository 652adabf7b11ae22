package dynamotest

import (
	"maps"
)

// write is one write, alone or within a transaction.
type write struct {
	TableName                           string
	Item                                item
	Key                                 item
	UpdateExpression                    string
	ConditionExpression                 string
	ExpressionAttributeNames            map[string]string
	ExpressionAttributeValues           map[string]value
	ReturnValues                        string
	ReturnValuesOnConditionCheckFailure string
	ReturnConsumedCapacity              string
}

// AWS's bounds.
const (
	maxItemBytes    = 400 << 10
	maxBatchWrites  = 25
	maxTransaction  = 100
	maxTransactSize = 4 << 20
)

// outcome is what a write comes to, before it is kept.
type outcome struct {
	t             *table
	at            place
	before, after item // after is nil where the item goes
	holds         bool
	failed        *failure
}

func (o *outcome) keep() {
	if o.after == nil {
		o.t.remove(o.at)
		return
	}
	o.t.put(o.at, o.after)
}

// plan finds out what a write comes to; change makes the new item of the old one.
func (s *Server) plan(w *write, key item, change func(x *expressions, before item) (item, *failure)) (o outcome) {
	if o.t, o.failed = s.table(w.TableName); o.failed != nil {
		return o
	}
	if o.at, o.failed = o.t.at(key, w.Item == nil); o.failed != nil {
		return o
	}
	o.before = o.t.get(o.at)
	x := &expressions{names: w.ExpressionAttributeNames, values: w.ExpressionAttributeValues}
	if o.holds, o.failed = x.holds(w.ConditionExpression, o.before); o.failed != nil {
		return o
	}
	if o.after, o.failed = change(x, o.before); o.failed != nil && !o.holds {
		o.failed = nil // the condition is looked at first
	}
	if o.failed == nil && o.holds {
		if o.failed = x.used(); o.failed == nil && o.after.size() > maxItemBytes {
			o.failed = invalid("Item size has exceeded the maximum allowed size")
		}
	}
	return o
}

func (s *Server) put(w *write) outcome {
	return s.plan(w, w.Item, func(*expressions, item) (item, *failure) { return w.Item, nil })
}

func (s *Server) update(w *write) outcome {
	return s.plan(w, w.Key, func(x *expressions, before item) (item, *failure) {
		if before == nil {
			before = maps.Clone(w.Key)
		}
		return x.apply(w.UpdateExpression, before)
	})
}

func (s *Server) delete(w *write) outcome {
	return s.plan(w, w.Key, func(*expressions, item) (item, *failure) { return nil, nil })
}

func (s *Server) check(w *write) outcome {
	return s.plan(w, w.Key, func(_ *expressions, before item) (item, *failure) { return before, nil })
}

// one carries out a write by itself.
func (s *Server) one(kind func(*Server, *write) outcome) func(*write) (any, error) {
	return func(w *write) (any, error) {
		o := kind(s, w)
		switch {
		case o.failed != nil:
			return nil, o.failed
		case !o.holds:
			f := &failure{kind: "ConditionalCheckFailedException", words: "The conditional request failed"}
			if w.ReturnValuesOnConditionCheckFailure == "ALL_OLD" {
				f.item = o.before
			}
			return nil, f
		}
		o.keep()
		out := map[string]any{"ConsumedCapacity": consumed(w.TableName, writeUnits(o.before, o.after))}
		if w.ReturnValues == "ALL_NEW" {
			out["Attributes"] = o.after
		}
		return out, nil
	}
}

func consumed(table string, units float64) map[string]any {
	return map[string]any{"TableName": table, "CapacityUnits": units}
}

type batchWrites struct {
	RequestItems map[string][]struct {
		PutRequest    *struct{ Item item }
		DeleteRequest *struct{ Key item }
	}
	ReturnConsumedCapacity string
}

func (s *Server) batchWriteItem(in *batchWrites) (any, error) {
	var capacity []any
	n := 0
	for name, list := range in.RequestItems {
		units, seen := 0.0, map[place]bool{}
		for _, r := range list {
			var o outcome
			if r.PutRequest != nil {
				o = s.put(&write{TableName: name, Item: r.PutRequest.Item})
			} else {
				o = s.delete(&write{TableName: name, Key: r.DeleteRequest.Key})
			}
			if o.failed != nil {
				return nil, o.failed
			}
			if n++; n > maxBatchWrites || seen[o.at] {
				return nil, invalid("Too many items requested, or provided list of item keys contains duplicates")
			}
			seen[o.at] = true
			o.keep()
			units += writeUnits(o.before, o.after)
		}
		capacity = append(capacity, consumed(name, units))
	}
	return map[string]any{"ConsumedCapacity": capacity, "UnprocessedItems": map[string]any{}}, nil
}

type transaction struct {
	TransactItems []struct {
		Put, Update, Delete, ConditionCheck *write
	}
	ClientRequestToken     string
	ReturnConsumedCapacity string
}

// transactWriteItems keeps all writes or none, and a transaction that it knows by its
// token once.
func (s *Server) transactWriteItems(in *transaction) (any, error) {
	if len(in.TransactItems) > maxTransaction {
		return nil, invalid("Member must have length less than or equal to 100")
	}
	if in.ClientRequestToken != "" && s.done[in.ClientRequestToken] {
		return map[string]any{"ConsumedCapacity": []any{}}, nil
	}
	type where struct {
		table string
		at    place
	}
	var outcomes []outcome
	reasons, seen, bytes, cancelled := []any{}, map[where]bool{}, 0, false
	for _, i := range in.TransactItems {
		var o outcome
		var w *write
		switch {
		case i.Put != nil:
			w, o = i.Put, s.put(i.Put)
		case i.Update != nil:
			w, o = i.Update, s.update(i.Update)
		case i.Delete != nil:
			w, o = i.Delete, s.delete(i.Delete)
		default:
			w, o = i.ConditionCheck, s.check(i.ConditionCheck)
		}
		reason := map[string]any{"Code": "None"}
		switch {
		case o.failed != nil && o.failed.kind != "ValidationException":
			return nil, o.failed
		case o.failed != nil:
			reason, cancelled = map[string]any{"Code": "ValidationError", "Message": o.failed.words}, true
		case !o.holds:
			reason, cancelled = map[string]any{"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}, true
			if w.ReturnValuesOnConditionCheckFailure == "ALL_OLD" && o.before != nil {
				reason["Item"] = o.before
			}
		}
		reasons = append(reasons, reason)
		if seen[where{w.TableName, o.at}] {
			return nil, invalid("Transaction request cannot include multiple operations on one item")
		}
		seen[where{w.TableName, o.at}] = true
		outcomes, bytes = append(outcomes, o), bytes+o.after.size()
	}
	if bytes > maxTransactSize {
		return nil, invalid("Collection size exceeded")
	}
	if cancelled {
		return nil, &failure{kind: "TransactionCanceledException", words: "Transaction cancelled, please refer cancellation reasons for specific reasons", reasons: reasons}
	}
	units := map[string]float64{}
	for i := range outcomes {
		o := &outcomes[i]
		units[o.t.name] += 2 * writeUnits(o.before, o.after)
		o.keep()
	}
	s.done[in.ClientRequestToken] = true
	capacity := []any{}
	for name, n := range units {
		capacity = append(capacity, consumed(name, n))
	}
	return map[string]any{"ConsumedCapacity": capacity}, nil
}
