package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// identityPage is the page that is made of the cases.
var identityPage = filepath.Join("..", "..", "shared", "profile", "IDENTITY.md")

// identityCase is one table of testdata/identity.txt.
type identityCase struct {
	number  int
	title   string
	scheme  string // both, simplified, original
	words   string
	steps   []identityStep
	results []identityResult
}

// identityStep is one line of a table.
type identityStep struct {
	line   string // of a profile or a group, which is no event
	name   string // "Page View", or "$create_alias ann, ann-mail"
	device string
	user   string
	person string
	flag   string
}

// identityResult is what is to be seen at the end: find ID = PERSON, or holds ID:
// TRAITS.
type identityResult struct{ verb, id, want string }

// identityCases reads the file: the words of the page, and the tables.
func identityCases(t *testing.T) (page string, cases []*identityCase) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "identity.txt"))
	if err != nil {
		t.Fatal(err)
	}
	page, rest, _ := strings.Cut(string(text), "\n== ")
	for n, block := range strings.Split(rest, "\n== ") {
		lines := strings.Split(strings.TrimSpace(block), "\n")
		c := &identityCase{number: n + 1, title: lines[0], scheme: strings.TrimPrefix(lines[1], "scheme ")}
		for _, line := range lines[2:] {
			c.read(t, line)
		}
		cases = append(cases, c)
	}
	return page, cases
}

func (c *identityCase) read(t *testing.T, line string) {
	t.Helper()
	verb, rest, _ := strings.Cut(line, " ")
	switch {
	case verb == "find":
		id, want, _ := strings.Cut(rest, " = ")
		c.results = append(c.results, identityResult{verb, id, want})
	case verb == "holds":
		id, want, _ := strings.Cut(rest, ": ")
		c.results = append(c.results, identityResult{verb, id, want})
	case verb == "profile" || verb == "group":
		c.steps = append(c.steps, identityStep{line: line})
	case strings.Contains(line, "|"):
		cells := strings.Split(line, "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		s := identityStep{name: cells[0], device: cells[1], user: cells[2], person: cells[3]}
		if len(cells) > 4 {
			s.flag = cells[4]
		}
		c.steps = append(c.steps, s)
	case c.words == "" && len(c.steps) == 0:
		c.words = line
	default:
		t.Fatalf("%s: this line cannot be read: %s", c.title, line)
	}
}

// TestIdentityPage holds that the page says what the cases prove.
func TestIdentityPage(t *testing.T) {
	page, cases := identityCases(t)
	var b strings.Builder
	b.WriteString(strings.TrimSpace(page) + "\n")
	for _, c := range cases {
		c.write(&b)
	}
	b.WriteString("\n---\nMade of `infra/e2e/testdata/identity.txt`, whose every line is sent to a server and asked for again: `go test ./infra/e2e -run Identity`, with `-rewrite` to make this page anew.\n")
	if *rewrite {
		if err := os.WriteFile(identityPage, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(identityPage)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != b.String() {
		t.Errorf("%s is not what the cases say; go test ./infra/e2e -run TestIdentityPage -rewrite makes it anew", identityPage)
	}
}

// write writes a case as the page has it.
func (c *identityCase) write(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\n", c.title)
	scheme := "Under both schemes."
	if c.scheme != "both" {
		scheme = "Under `" + c.scheme + "`."
	}
	b.WriteString(strings.TrimSpace(scheme+" "+c.words) + "\n\n| | What arrives | Device | User | Counts for |\n|---|---|---|---|---|\n")
	for i, s := range c.steps {
		what, person := "`"+s.name+"`", "**"+s.person+"**"
		if !strings.HasPrefix(s.name, "$") {
			what = s.name
		}
		if s.line != "" {
			verb, rest, _ := strings.Cut(s.line, " ")
			id, traits, _ := strings.Cut(rest, ": ")
			what, person = "Traits of the "+map[string]string{"profile": "profile", "group": "group"}[verb]+" `"+id+"`: `"+traits+"`", ""
		}
		if s.flag == "merged" {
			person += ", merged"
		} else if s.flag != "" {
			person += ", flag `" + s.flag + "`"
		}
		fmt.Fprintf(b, "| %d | %s | %s | %s | %s |\n", i+1, what, s.device, s.user, person)
	}
	for i, r := range c.results {
		if i == 0 {
			b.WriteString("\n")
		}
		if r.verb == "find" {
			fmt.Fprintf(b, "- Looking `%s` up finds **%s**.\n", r.id, r.want)
		} else {
			fmt.Fprintf(b, "- The profile of `%s` holds `%s`.\n", r.id, r.want)
		}
	}
}
