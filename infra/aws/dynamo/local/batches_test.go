package local_test

import (
	"encoding/json"
)

// halve takes the second half out of a batch. It is false for a batch of one.
func halve(body []byte) (half []byte, rest map[string]json.RawMessage, ok bool) {
	var batch map[string]json.RawMessage
	var tables map[string]json.RawMessage
	if json.Unmarshal(body, &batch) != nil || json.Unmarshal(batch["RequestItems"], &tables) != nil {
		return nil, nil, false
	}
	rest = map[string]json.RawMessage{}
	for table, asked := range tables {
		first, second, split := halveTable(asked)
		if !split {
			return nil, nil, false
		}
		tables[table], rest[table] = first, second
	}
	batch["RequestItems"] = encode(tables)
	return encode(batch), rest, true
}

// halveTable halves what is asked of one table: a list of writes, or keys to read.
func halveTable(asked json.RawMessage) (first, second json.RawMessage, ok bool) {
	var writes []json.RawMessage
	if json.Unmarshal(asked, &writes) == nil {
		n := len(writes) / 2
		return encode(writes[:n]), encode(writes[n:]), n > 0
	}
	var read map[string]json.RawMessage
	var keys []json.RawMessage
	if json.Unmarshal(asked, &read) != nil || json.Unmarshal(read["Keys"], &keys) != nil || len(keys) < 2 {
		return nil, nil, false
	}
	n := len(keys) / 2
	read["Keys"] = encode(keys[:n])
	first = encode(read)
	read["Keys"] = encode(keys[n:])
	return first, encode(read), true
}

// leftOver puts what was taken out of a batch into its answer.
func leftOver(answered []byte, rest map[string]json.RawMessage) ([]byte, error) {
	var out map[string]json.RawMessage
	if err := json.Unmarshal(answered, &out); err != nil {
		return nil, err
	}
	name := "UnprocessedItems"
	if out["Responses"] != nil {
		name = "UnprocessedKeys"
	}
	out[name] = encode(rest)
	return json.Marshal(out)
}

func encode(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // it was JSON a moment ago
	}
	return text
}
