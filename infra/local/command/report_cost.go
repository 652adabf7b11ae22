package command

import (
	"fmt"
	"io"
	"strconv"
)

// costAnswer is what ?explain=cost answers.
type costAnswer struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Files   int    `json:"files"`
	Bytes   int64  `json:"bytes"`
	Columns []struct {
		Name  string `json:"name"`
		Bytes int64  `json:"bytes"`
	} `json:"columns"`
	Looks   int     `json:"looks"`
	Scanned int64   `json:"scanned_bytes"`
	Billed  int64   `json:"billed_bytes"`
	USD     float64 `json:"usd"`
}

// costTable writes what a report would cost: what it reads by column, and the sum.
func costTable(w io.Writer, s screen, body []byte) error {
	var a costAnswer
	if err := unmarshal(body, &a); err != nil {
		return err
	}
	columns := []column{{name: "column"}, {name: "size", right: true, whole: true}, {name: "of all", right: true, whole: true}, {name: "", whole: true}}
	var rows [][]cell
	for _, c := range a.Columns {
		of := share(c.Bytes, a.Bytes)
		rows = append(rows, []cell{{text: clean(c.Name, 0)}, {text: size(c.Bytes)}, {text: percent(of)}, {text: bar(of, s.barWidth())}})
	}
	if err := s.table(w, columns, append(rows, []cell{{text: "one look"}, {text: size(a.Bytes)}, {}, {}})); err != nil {
		return err
	}
	read := fmt.Sprintf("%s of %s to %s", plural(int64(a.Files), "file"), clean(a.From, 0), clean(a.To, 0))
	scanned := size(a.Scanned) + " scanned"
	if a.Looks != 1 {
		scanned += " in " + plural(int64(a.Looks), "look")
	}
	if a.Billed > a.Scanned {
		scanned += ", billed as " + size(a.Billed)
	}
	return lines(w, read, "on Athena: about "+scanned, s.paint(bold, queryPrice(a.USD)+" a report, "+queryPrice(a.USD*1000)+" a thousand")+" at USD 5 a TB, 10 MB at least")
}

// queryPrice writes a price with the digits that it needs.
func queryPrice(usd float64) string {
	digits := 2
	switch {
	case usd < 0.01:
		digits = 6
	case usd < 1:
		digits = 4
	}
	return "USD " + strconv.FormatFloat(usd, 'f', digits, 64)
}
