package duckdb

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"unicode/utf8"

	"loch/shared/fault"
)

// maxStatement is far above what people and reports write. The parser's time
// grows with the square of some inputs.
const maxStatement = 256 << 10

// checkText refuses what is no text, before anything else looks at it. DuckDB
// takes texts that end at a zero byte: behind one, a statement could hide.
func checkText(statement string) error {
	switch {
	case len(statement) > maxStatement:
		return fault.Newf(fault.TooLarge, "the statement has %d bytes; at most %d are taken", len(statement), maxStatement)
	case strings.IndexByte(statement, 0) >= 0:
		return fault.New(fault.Invalid, "the statement has a zero byte in it")
	case !utf8.ValidString(statement):
		return fault.New(fault.Invalid, "the statement is not valid UTF-8")
	case strings.TrimSpace(statement) == "":
		return fault.New(fault.Invalid, "the statement is empty")
	}
	return nil
}

// statement is one that the guard has let in.
type statement struct {
	body    string          // without EXPLAIN before and semicolons after it
	at      int             // where body begins in what was sent
	explain string          // "EXPLAIN", "EXPLAIN ANALYZE" or ""
	tables  bool            // it is SHOW TABLES; there is nothing to run
	uses    map[string]bool // the relations that it reads
	tree    any             // what the parser made of body
}

// admit lets DuckDB's parser read a statement and the guard judge it.
func (db *database) admit(ctx context.Context, text string) (*statement, error) {
	st := &statement{body: text}
	tree, err := db.parse(ctx, text, 0, text)
	if isNotSelect(err) {
		// EXPLAIN is the one statement that is let in although the parser has
		// no tree for it: what it explains has one.
		if st.explain, st.at = explainPrefix(text); st.explain != "" {
			st.body = text[st.at:]
			tree, err = db.parse(ctx, st.body, st.at, text)
		}
	}
	if err != nil {
		return nil, err
	}
	st.body = st.body[:bodyEnd(st.body)]
	st.tree = tree
	if st.tables = isShowTables(tree); st.tables {
		return st, nil
	}
	g := guard{known: db.known, uses: map[string]bool{}}
	if err := g.check(tree, nil); err != nil {
		return nil, err
	}
	st.uses = g.uses
	return st, nil
}

// errNotSelect stands for statements that DuckDB makes no tree of: all that do
// not read, and EXPLAIN.
var errNotSelect = fault.New(fault.Forbidden, readOnlyWords)

func isNotSelect(err error) bool { return err == errNotSelect } //nolint:errorlint // this very value

// parse returns the tree of the one SELECT in text, without the places of its
// nodes. at is where text begins in what was sent.
func (db *database) parse(ctx context.Context, text string, at int, sent string) (any, error) {
	out, err := db.text(ctx, "SELECT json_serialize_sql(?::VARCHAR)::VARCHAR", text)
	if err != nil {
		return nil, place{folders: db.folders()}.fault(ctx, err)
	}
	var parsed struct {
		Error      bool   `json:"error"`
		Type       string `json:"error_type"`
		Message    string `json:"error_message"`
		Position   string `json:"position"`
		Statements []struct {
			Node       any   `json:"node"`
			Parameters []any `json:"named_param_map"`
		} `json:"statements"`
	}
	decoder := json.NewDecoder(strings.NewReader(out))
	decoder.UseNumber()
	if err := decoder.Decode(&parsed); err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "the statement cannot be checked: it is nested too deeply, or holds a number that is too large for a DOUBLE")
	}
	switch {
	case parsed.Error && parsed.Type == "not implemented":
		return nil, errNotSelect
	case parsed.Error:
		p := place{statement: sent, offset: -at, folders: db.folders()}
		return nil, fault.New(fault.Invalid, p.words(complaint{Type: "Parser", Message: parsed.Message, Position: parsed.Position}))
	case len(parsed.Statements) == 0:
		return nil, fault.New(fault.Invalid, "the statement is empty")
	case len(parsed.Statements) > 1:
		return nil, fault.New(fault.Forbidden, "one statement at a time")
	case len(parsed.Statements[0].Parameters) > 0:
		return nil, fault.New(fault.Invalid, "a statement has no parameters; write the values into it")
	}
	return withoutPlaces(parsed.Statements[0].Node), nil
}

// withoutPlaces drops where each node stood in the text, so that two trees of
// the same statement are equal.
func withoutPlaces(v any) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "query_location")
		for _, below := range v {
			withoutPlaces(below)
		}
	case []any:
		for _, below := range v {
			withoutPlaces(below)
		}
	}
	return v
}

// isShowTables recognises SHOW TABLES and a DESCRIBE without a name, which
// DuckDB would answer with all that is in its catalogue.
func isShowTables(tree any) bool {
	n, _ := tree.(map[string]any)
	from, _ := n["from_table"].(map[string]any)
	if from["type"] != "SHOW_REF" || from["show_type"] != "SHOW_UNQUALIFIED" {
		return false
	}
	return from["table_name"] == `"tables"` || from["table_name"] == "__show_tables_expanded"
}

// wrapped checks that text, which is ours with the statement inside, is what we
// think: a query over the statement as a subquery, that same statement and
// nothing else. A statement that only looks closed cannot pass.
func (db *database) wrapped(ctx context.Context, text string, st *statement) error {
	tree, err := db.parse(ctx, text, 0, text)
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "the statement cannot stand inside another; write it in another way")
	}
	n, _ := tree.(map[string]any)
	from, _ := n["from_table"].(map[string]any)
	subquery, _ := from["subquery"].(map[string]any)
	if from["type"] != "SUBQUERY" || !reflect.DeepEqual(subquery["node"], st.tree) {
		return fault.New(fault.Invalid, "the statement cannot stand inside another; write it in another way")
	}
	return nil
}
