package profile

import (
	"encoding/json"

	"loch/shared/rawjson"
)

// Texts are the texts that a value consists of: itself, or those of a list and of
// the lists in it. What objects hold is another trait's matter.
func Texts(value json.RawMessage) (texts []string) {
	if len(value) == 0 {
		return nil
	}
	switch value[0] {
	case '"':
		return []string{rawjson.Text(value)}
	case '[':
		var items []json.RawMessage
		if json.Unmarshal(value, &items) != nil {
			return nil
		}
		for _, item := range items {
			texts = append(texts, Texts(item)...)
		}
	}
	return texts
}
