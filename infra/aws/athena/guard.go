package athena

import (
	"slices"
	"strings"
	"unicode/utf8"

	"loch/infra/aws/glue"
	"loch/shared/fault"
)

const (
	relationWords = "the relations events, events_raw, profiles and rejected"
	readOnlyWords = "only statements that read may be run: SELECT, WITH, VALUES, EXPLAIN, DESCRIBE and SHOW TABLES, over " + relationWords
	// maxStatement leaves room, in what Athena takes, for the relations before it.
	maxStatement = 200 << 10
	// maxDepth bounds how deep brackets may be nested.
	maxDepth = 200
)

// guard finds every place in a statement where a relation is named, and accepts
// four names there, and those of the statement's own WITH queries. It knows just so
// much of the grammar as says where such a place is; where it is in doubt it takes
// a place for one. So it may refuse what Trino would run, and lets nothing through
// that names another table: not by a schema, not by a table function, not by a name
// that is a WITH query's elsewhere.
//
// Whatever else is wrong with a statement Trino says itself.
type guard struct {
	statement string
	tokens    []token
	at        int
	depth     int
	uses      map[string]bool // the relations that the statement reads
	person    bool            // it could see the column person_id of events
}

// scope are the names of the WITH queries that are visible at a place.
type scope []string

// admitted is a statement that may run.
type admitted struct {
	statement string
	explain   int             // how many bytes the word EXPLAIN takes, with what is before it
	with      int             // where the word WITH begins, -1 for none
	describe  string          // it is DESCRIBE of this relation
	tables    bool            // it is SHOW TABLES
	uses      map[string]bool //
	person    bool
}

// admit judges a statement.
func admit(statement string) (*admitted, error) {
	if err := checkText(statement); err != nil {
		return nil, err
	}
	tokens, err := lex(statement)
	if err != nil {
		return nil, err
	}
	// Semicolons at the end end it; they are not sent on.
	last := len(tokens) - 1
	for last > 0 && tokens[last-1].is(";") {
		last--
	}
	stop := tokens[last].at
	tokens = append(slices.Clip(tokens[:last]), token{at: stop})
	if last == 0 {
		return nil, fault.New(fault.Invalid, "the statement is empty")
	}
	a := &admitted{statement: statement[:stop], with: -1}
	g := guard{statement: a.statement, tokens: tokens, uses: map[string]bool{}}
	switch {
	case g.peek().is("describe"), g.peek().is("desc"), g.peek().is("show"):
		return a, g.catalogue(a)
	case g.peek().is("explain"):
		g.at++
		a.explain = g.peek().at
	}
	if g.peek().is("with") {
		a.with = g.peek().at
	}
	if !g.begins() && !g.peek().is("(") {
		return nil, fault.New(fault.Forbidden, readOnlyWords)
	}
	if err := g.query(nil, true); err != nil {
		return nil, err
	}
	if g.peek().kind != end {
		return nil, wrong(statement, g.peek().at, "a bracket is closed that was not opened")
	}
	a.uses, a.person = g.uses, g.person
	return a, nil
}

// checkText refuses what is no text, before anything else looks at it.
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

// catalogue reads DESCRIBE name, SHOW COLUMNS FROM name and SHOW TABLES, which are
// answered without Athena.
func (g *guard) catalogue(a *admitted) error {
	first := g.next()
	second := g.next()
	if first.is("show") {
		switch {
		case second.is("tables") && g.peek().kind == end:
			a.tables = true
			return nil
		case second.is("columns") && (g.peek().is("from") || g.peek().is("in")):
			g.at++
			second = g.next()
		default:
			return fault.New(fault.Forbidden, "of SHOW there are SHOW TABLES and SHOW COLUMNS FROM, of a relation by its name")
		}
	}
	if second.kind != word && second.kind != quoted || !slices.Contains(glue.Relations, second.name) || g.peek().kind != end {
		return fault.New(fault.Forbidden, "only one of "+relationWords+" can be described, by its name")
	}
	a.describe = second.name
	return nil
}

func (g *guard) peek() token { return g.tokens[g.at] }

func (g *guard) next() token {
	t := g.tokens[g.at]
	if t.kind != end {
		g.at++
	}
	return t
}

// before is the token n places before the next one.
func (g *guard) before(n int) token {
	if g.at < n {
		return token{}
	}
	return g.tokens[g.at-n]
}

// begins tells whether a query begins here.
func (g *guard) begins() bool {
	t := g.peek()
	return t.is("select") || t.is("with") || t.is("values") || t.is("table")
}

func (g *guard) expect(name string) error {
	if t := g.peek(); !t.is(name) {
		return wrong(g.statement, t.at, strings.ToUpper(name)+" is missing")
	}
	g.at++
	return nil
}

// query reads one up to the bracket that closes it, or the end. Its WITH queries
// see those before them, and nobody outside sees any.
func (g *guard) query(s scope, top bool) error {
	if g.peek().is("with") {
		g.at++
		if g.peek().is("recursive") {
			return fault.New(fault.Forbidden, "a WITH query that reads itself cannot be run here")
		}
		for {
			name := g.next()
			if name.kind != word && name.kind != quoted {
				return wrong(g.statement, name.at, "a WITH query's name is missing")
			}
			if top && (slices.Contains(glue.Relations, name.name) || strings.HasPrefix(name.name, "loch_")) {
				return fault.Newf(fault.Invalid, "a WITH query cannot be called events, events_raw, profiles, rejected or loch_…, which stand before it; give it another name")
			}
			if g.peek().is("(") {
				if err := g.brackets(s); err != nil {
					return err
				}
			}
			if err := g.expect("as"); err != nil {
				return err
			}
			if !g.peek().is("(") {
				return wrong(g.statement, g.peek().at, "a bracket is missing")
			}
			if err := g.brackets(s); err != nil {
				return err
			}
			s = append(slices.Clip(s), name.name)
			if !g.peek().is(",") {
				break
			}
			g.at++
		}
	}
	return g.body(s, false)
}

// brackets reads from a bracket to the one that closes it: a query or an expression.
func (g *guard) brackets(s scope) error {
	if g.depth++; g.depth > maxDepth {
		return fault.New(fault.Invalid, "the statement is nested too deeply")
	}
	defer func() { g.depth-- }()
	g.at++
	read := func() error { return g.body(s, false) }
	if g.begins() {
		read = func() error { return g.query(s, false) }
	}
	if err := read(); err != nil {
		return err
	}
	return g.close()
}

func (g *guard) close() error {
	if !g.peek().is(")") {
		return wrong(g.statement, g.peek().at, "a bracket is not closed")
	}
	g.at++
	return nil
}

// body reads what is between brackets. joined says that it begins with a relation,
// as what is in brackets after FROM may.
func (g *guard) body(s scope, joined bool) error {
	wanted, list := joined, joined // a relation comes next; a comma is followed by one
	selects := false               // without SELECT before it, FROM is a function's
	for {
		t := g.peek()
		if wanted {
			if err := g.relation(s); err != nil {
				return err
			}
			wanted = false
			continue
		}
		switch {
		case t.kind == end, t.is(")"):
			return nil
		case t.is(";"):
			return fault.New(fault.Forbidden, "one statement at a time")
		case t.is("("):
			if err := g.brackets(s); err != nil {
				return err
			}
			continue
		case t.is("select"):
			selects, list = true, false
		case t.is("values"):
			list = false
		case t.is("where"), t.is("having"), t.is("union"), t.is("except"), t.is("intersect"):
			list = false
		case t.is("group"), t.is("order"): // but not WITHIN GROUP
			list = list && !g.tokens[g.at+1].is("by")
		case t.is("from"):
			compared := g.before(1).is("distinct") && (g.before(2).is("is") || g.before(2).is("not") && g.before(3).is("is"))
			if selects && !compared {
				wanted, list = true, true
			}
		case t.is("join"):
			wanted, list = true, true
		case t.is("table"):
			wanted, g.person = true, true
		case t.is(","):
			wanted = list
		default:
			g.note(t)
		}
		g.at++
	}
}

// note sees whether a token could show the column person_id.
func (g *guard) note(t token) {
	switch {
	case t.name == glue.PersonColumn && (t.kind == word || t.kind == quoted), t.is("natural"):
		g.person = true
	case t.is("*"):
		b := g.before(1)
		if b.is("select") || b.is("distinct") || b.is("all") || b.is(",") || b.is(".") {
			g.person = true
		}
	}
}

// relation reads what may stand after FROM, without its alias.
func (g *guard) relation(s scope) error {
	t := g.peek()
	switch {
	case t.is("("):
		if g.depth++; g.depth > maxDepth {
			return fault.New(fault.Invalid, "the statement is nested too deeply")
		}
		defer func() { g.depth-- }()
		g.at++
		read := func() error { return g.body(s, true) }
		if g.begins() {
			read = func() error { return g.query(s, false) }
		}
		if err := read(); err != nil {
			return err
		}
		return g.close()
	case t.is("unnest") && g.tokens[g.at+1].is("("), t.is("lateral") && g.tokens[g.at+1].is("("):
		g.at++
		return g.brackets(s)
	case t.kind != word && t.kind != quoted:
		return wrong(g.statement, t.at, "a relation's name is missing")
	}
	g.at++
	if g.peek().is(".") {
		return fault.New(fault.Forbidden, "a relation is named without a schema or catalogue; there are "+relationWords)
	}
	if g.peek().is("(") {
		return fault.New(fault.Forbidden, "of functions only UNNEST can stand after FROM")
	}
	if slices.Contains(s, t.name) {
		return nil
	}
	if !slices.Contains(glue.Relations, t.name) {
		return fault.New(fault.Forbidden, "there is no such relation; a statement may read "+relationWords+", and its own WITH queries")
	}
	g.uses[t.name] = true
	return nil
}
