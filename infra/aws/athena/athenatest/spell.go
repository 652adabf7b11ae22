package athenatest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// baseOf takes a type of Trino's apart: "timestamp(3) with time zone" is a
// "timestamp with time zone" with the arguments "3".
func baseOf(kind string) (base, arguments string) {
	open := strings.IndexByte(kind, '(')
	if open < 0 {
		return kind, ""
	}
	stop := strings.LastIndexByte(kind, ')')
	return kind[:open] + kind[stop+1:], kind[open+1 : stop]
}

func columnInfo(columns []Column) []map[string]any {
	list := make([]map[string]any, len(columns))
	for i, c := range columns {
		base, arguments := baseOf(c.Type)
		info := map[string]any{
			"CatalogName": "hive", "SchemaName": "", "TableName": "", "Name": c.Name, "Label": c.Name, "Type": base,
			"Precision": 0, "Scale": 0, "Nullable": "UNKNOWN", "CaseSensitive": base == "varchar",
		}
		if base == "decimal" {
			var precision, scale int
			_, _ = fmt.Sscanf(arguments, "%d,%d", &precision, &scale)
			info["Precision"], info["Scale"] = precision, scale
		}
		list[i] = info
	}
	return list
}

// spell writes a value as Athena does.
func spell(kind string, v any) string {
	base, _ := baseOf(kind)
	switch v := v.(type) {
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = spell("", e)
		}
		if base == "row" {
			return "{" + strings.Join(parts, ", ") + "}"
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		var parts []string
		for k, e := range v {
			parts = append(parts, k+"="+spell("", e))
		}
		slices.Sort(parts)
		return "{" + strings.Join(parts, ", ") + "}"
	case string:
		if base == "varbinary" {
			raw, _ := base64.StdEncoding.DecodeString(v)
			return strings.TrimSpace(fmt.Sprintf("% x", raw))
		}
		return v
	case nil:
		return "null"
	}
	return fmt.Sprint(v)
}

// substitute puts values in place of the question marks that stand outside of
// quotes and comments. A value is an expression, as the service has it: what is no
// whole expression changes the statement, and is not found out here.
func substitute(statement string, values []string) (string, error) {
	var b strings.Builder
	left := values
	for at := 0; at < len(statement); {
		next := at + 1
		switch c := statement[at]; {
		case c == '\'' || c == '"':
			stop := strings.IndexByte(statement[at+1:], c)
			if stop < 0 {
				return "", errors.New("a quote is not closed")
			}
			next = at + stop + 2
		case strings.HasPrefix(statement[at:], "--"):
			if next = strings.IndexByte(statement[at:], '\n'); next < 0 {
				next = len(statement) - at
			}
			next += at
		case strings.HasPrefix(statement[at:], "/*"):
			stop := strings.Index(statement[at+2:], "*/")
			if stop < 0 {
				return "", errors.New("a comment is not closed")
			}
			next = at + stop + 4
		case c == '?':
			if len(left) == 0 {
				return "", errors.New("incorrect number of parameters: there are too few")
			}
			b.WriteString(left[0])
			left = left[1:]
			at = next
			continue
		}
		b.WriteString(statement[at:next])
		at = next
	}
	if len(left) > 0 {
		return "", errors.New("incorrect number of parameters: there are too many")
	}
	return b.String(), nil
}
