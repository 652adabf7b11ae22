package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// card is a framed list of names and values under a title, in sections.
type card struct {
	title string
	rows  []cardRow
}

type cardRow struct {
	name    string
	value   cell
	section bool
}

// add adds a line, if there is something to say.
func (c *card) add(name, value string) {
	if value != "" {
		c.addCell(name, cell{text: clean(value, 0)})
	}
}

func (c *card) addCell(name string, value cell) {
	c.rows = append(c.rows, cardRow{name: clean(name, 0), value: value})
}

func (c *card) section(name string) {
	c.rows = append(c.rows, cardRow{name: name, section: true})
}

// valueCell is a JSON value ready to be printed.
func valueCell(v json.RawMessage) cell {
	if isNull(v) {
		return cell{text: "null", null: true}
	}
	return cell{text: clean(plainText(v), 0)}
}

func (c *card) print(w io.Writer, s screen) error {
	name, value := 0, 0
	for _, r := range c.rows {
		if !r.section {
			name = max(name, cells.StringWidth(r.name))
			value = max(value, cells.StringWidth(r.value.text))
		}
	}
	name = min(name, 32)
	inner := max(name+2+value, cells.StringWidth(c.title)+2, 40)
	if s.width > 0 {
		inner = min(inner, s.width-4)
	}
	value = max(inner-name-2, narrow)
	inner = name + 2 + value

	var b strings.Builder
	head := func(left, title, right string) {
		title = fit(title, min(cells.StringWidth(title), inner-1), false)
		fill := strings.Repeat("─", inner-cells.StringWidth(title)-1)
		b.WriteString(s.paint(dim, left+"─ ") + s.paint(bold, title) + s.paint(dim, " "+fill+right) + "\n")
	}
	head("╭", c.title, "╮")
	bar := s.paint(dim, "│")
	for _, r := range c.rows {
		if r.section {
			head("├", r.name, "┤")
			continue
		}
		b.WriteString(bar + " " + s.paint(cyan, fit(r.name, name, false)) + "  " + s.value(r.value, fit(r.value.text, value, false)) + " " + bar + "\n")
	}
	b.WriteString(s.paint(dim, "╰"+strings.Repeat("─", inner+2)+"╯") + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// members is a JSON object in the order in which it was written.
type members []member

type member struct {
	name  string
	value json.RawMessage
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *members) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	open, err := d.Token()
	if err != nil {
		return err
	}
	if open == nil {
		return nil // null is an object without members
	}
	if open != json.Delim('{') {
		return errors.New("not a JSON object")
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		text, _ := name.(string) // a member's name is always a string
		*m = append(*m, member{text, value})
	}
	return nil
}

// text puts the values one after the other.
func (m members) text() []byte {
	var b []byte
	for _, one := range m {
		b = append(b, one.value...)
	}
	return b
}

// unmarshal reads an answer; one that is not what it should be comes from
// something that is not Loch.
func unmarshal(body []byte, v any) error {
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("the answer is not Loch's; is the address right? (%w)", err)
	}
	return nil
}
