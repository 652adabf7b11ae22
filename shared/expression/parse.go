package expression

// Parse reads an expression, which must not be empty.
func Parse(text string) (*Condition, error) {
	p, err := open(text)
	if err != nil {
		return nil, err
	}
	c, err := p.or()
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != 0 {
		return nil, p.unsupported(t)
	}
	return &c, nil
}

// ParseProperty reads an expression that is one property: properties["plan"]. A bare
// name means the same, as scripts write it.
func ParseProperty(text string) (Property, bool) {
	p, err := open(text)
	if err != nil {
		return Property{}, false
	}
	if t := p.peek(); t.kind == 'w' && t.text != "properties" && t.text != "user" && len(p.tokens) == 2 {
		return Property{Name: t.text}, true
	}
	of, err := p.operand()
	if err != nil || of.Property == nil || p.peek().kind != 0 {
		return Property{}, false
	}
	return *of.Property, true
}

// parser reads tokens from left to right, each operator by a function of its own.
type parser struct {
	tokens []token
	i      int
	nested int
}

func open(text string) (*parser, error) {
	if len(text) > MaxBytes {
		return nil, Wrong("the expression has %d bytes; at most %d are taken", len(text), MaxBytes)
	}
	tokens, err := lex(text)
	return &parser{tokens: tokens}, err
}

func (p *parser) peek() token { return p.tokens[p.i] }

func (p *parser) next() token {
	t := p.tokens[p.i]
	if t.kind != 0 {
		p.i++
	}
	return t
}

// accept takes the next token if it is the given word or operator.
func (p *parser) accept(kind byte, text string) bool {
	if t := p.peek(); t.kind == kind && t.text == text {
		p.i++
		return true
	}
	return false
}

func (p *parser) expect(text, where string) error {
	if !p.accept('o', text) {
		return Wrong("%s is missing %s at byte %d", text, where, p.peek().at)
	}
	return nil
}

func (p *parser) or() (Condition, error) { return p.chain(Or, p.and) }

func (p *parser) and() (Condition, error) { return p.chain(And, p.not) }

func (p *parser) chain(word Op, operand func() (Condition, error)) (Condition, error) {
	at := p.peek().at
	var parts []Condition
	for {
		part, err := operand()
		if err != nil {
			return part, err
		}
		parts = append(parts, part)
		if !p.accept('w', string(word)) {
			if len(parts) == 1 {
				return part, nil
			}
			return Condition{Op: word, At: at, Of: parts}, nil
		}
	}
}

func (p *parser) not() (Condition, error) {
	p.nested++
	defer func() { p.nested-- }()
	if p.nested > maxNested {
		return Condition{}, Wrong("the expression is nested deeper than %d", maxNested)
	}
	at := p.peek().at
	switch {
	case p.accept('w', "not"):
		of, err := p.not()
		return Condition{Op: Not, At: at, Of: []Condition{of}}, err
	case p.accept('o', "("):
		c, err := p.or()
		if err != nil {
			return c, err
		}
		return c, p.expect(")", "after a condition")
	case p.accept('w', "defined"):
		if err := p.expect("(", "after defined"); err != nil {
			return Condition{}, err
		}
		of, err := p.operand()
		if err != nil {
			return Condition{}, err
		}
		if of.Property == nil {
			return Condition{}, Wrong("defined() at byte %d asks about something other than a property%s", of.At, Supported)
		}
		return Condition{Op: Defined, At: at, Left: of}, p.expect(")", "after defined(…")
	}
	return p.comparison()
}

// mirrored are the operators for a comparison whose sides change places.
var mirrored = map[Op]Op{Eq: Eq, Ne: Ne, Gt: Lt, Gte: Lte, Lt: Gt, Lte: Gte}

func (p *parser) comparison() (c Condition, err error) {
	if c.Left, err = p.operand(); err != nil {
		return c, err
	}
	sign := p.next()
	c.Op, c.At = Op(sign.text), sign.at
	isIn := sign.kind == 'w' && c.Op == In
	if !isIn && (sign.kind != 'o' || mirrored[c.Op] == "") {
		if sign.kind == 0 || sign.kind == 'o' && sign.text == ")" || sign.kind == 'w' && (sign.text == "and" || sign.text == "or") {
			return c, Wrong("a value alone, without a comparison, is not supported (byte %d)%s", c.Left.At, Supported)
		}
		return c, p.unsupported(sign)
	}
	if c.Right, err = p.operand(); err != nil || isIn {
		return c, err
	}
	if c.Left.Property == nil {
		c.Left, c.Right, c.Op = c.Right, c.Left, mirrored[c.Op]
	}
	if c.Left.Property == nil || c.Right.Value == nil {
		return c, Wrong("the comparison at byte %d is not supported: one side must be a property, the other a string, a number, true or false%s", c.At, Supported)
	}
	return c, nil
}

func (p *parser) operand() (Operand, error) {
	t := p.next()
	constant := func(l Literal) (Operand, error) { return Operand{At: t.at, Value: &l}, nil }
	switch {
	case t.kind == 's':
		return constant(Literal{Kind: Text, Text: t.text})
	case t.kind == 'n':
		return constant(Literal{Kind: Number, Num: t.num})
	case t.kind == 'o' && t.text == "-" && p.peek().kind == 'n':
		return constant(Literal{Kind: Number, Num: -p.next().num})
	case t.kind == 'w' && (t.text == "true" || t.text == "false"):
		return constant(Literal{Kind: Boolean, Yes: t.text == "true"})
	case t.kind == 'w' && (t.text == "properties" || t.text == "user"):
		return p.property(t)
	case t.kind == 'o' && t.text == "[":
		return p.list(t.at)
	}
	return Operand{}, p.unsupported(t)
}

func (p *parser) property(word token) (Operand, error) {
	if err := p.expect("[", "after "+word.text); err != nil {
		return Operand{}, err
	}
	name := p.next()
	if name.kind != 's' {
		return Operand{}, Wrong("the property's name in quotes is missing at byte %d", name.at)
	}
	of := &Property{Name: name.text, User: word.text == "user"}
	return Operand{At: word.at, Property: of}, p.expect("]", "after the property's name")
}

func (p *parser) list(at int) (Operand, error) {
	out := Operand{At: at, List: []Literal{}}
	if p.accept('o', "]") {
		return out, nil
	}
	for {
		item := p.peek()
		if item.kind == 'o' && item.text == "[" {
			return out, Wrong("a list within a list, at byte %d, is not supported", item.at)
		}
		of, err := p.operand()
		if err != nil {
			return out, err
		}
		if of.Value == nil {
			return out, Wrong("a list may hold constants only (byte %d)%s", of.At, Supported)
		}
		if out.List = append(out.List, *of.Value); len(out.List) > maxItems {
			return out, Wrong("the list at byte %d has more than %d items", at, maxItems)
		}
		if !p.accept('o', ",") {
			return out, p.expect("]", "after a list")
		}
	}
}

// known are the words of Mixpanel's language that an error may name. Other
// words are the client's own and are told by their place.
var known = map[string]string{
	"event": `event["…"]`, "number": "number()", "string": "string()", "boolean": "boolean()", "datetime": "datetime()",
	"floor": "floor()", "round": "round()", "ceil": "ceil()", "typeof": "typeof()",
	"null": "null", "undefined": "undefined", "list": "list()", "set": "set()", "len": "len()",
	"any": "any()", "all": "all()", "let": "let()", "if": "if()", "lower": "lower()", "upper": "upper()",
	"in": "in here", "and": "and here", "or": "or here", "not": "not here", "defined": "defined() here",
}

func (p *parser) unsupported(t token) error {
	switch t.kind {
	case 0:
		return Wrong("the expression ends too early%s", Supported)
	case 'w':
		if name, ok := known[t.text]; ok {
			return Wrong("%s is not supported (byte %d)%s", name, t.at, Supported)
		}
		return Wrong("the word at byte %d is not known%s", t.at, Supported)
	case 'o':
		return Wrong("the operator %s is not supported there (byte %d)%s", t.text, t.at, Supported)
	}
	return Wrong("an operator is missing before byte %d%s", t.at, Supported)
}
