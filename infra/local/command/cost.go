package command

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"loch/shared/cost"
)

// Cost returns the command `loch cost`.
func Cost() *cobra.Command { return newCost(realTools()) }

func newCost(t tools) *cobra.Command {
	c := costCommand{target: target{tools: &t}}
	cmd := &cobra.Command{
		Use:   "cost",
		Short: "Price a month on AWS",
		Long: `Price a month of Loch on AWS at 1, 10 and 50 events a request. The amounts were counted:
sample traffic went through the function and the adapters that are deployed, and a test
counts it anew. The prices are AWS's list for one region at a date, and both dates are
printed. What the stack itself costs, its keys, alarms and metrics, stands apart.

Not in it: traffic out to browsers, questions that people ask (5 USD for each terabyte
that Athena reads), CloudFront, backups, support and taxes.` +
			fmt.Sprintf(exitHelp, "3 and 4 not used"),
		Example: `  loch cost
  loch cost --events-per-month 250000000 --months-kept 24
  loch cost --prices eu-north-1.json --json`,
		RunE: c.run,
	}
	f := cmd.Flags()
	f.BoolVar(&c.target.plain, "no-color", false, "no colour, also in a terminal (as with NO_COLOR=1)")
	f.Int64Var(&c.use.EventsAMonth, "events-per-month", 10_000_000, "how many events a month")
	f.IntVar(&c.use.MemoryMB, "memory-mb", 256, "the memory of the function that takes events, as IngestMemoryMB")
	f.Float64Var(&c.use.RequestMS, "request-ms", 0, "how long a request takes, if you know; default: 12, 20 and 45 ms")
	f.Float64Var(&c.use.KeptMonths, "months-kept", 1, "for how many months events are kept, and paid for as storage")
	f.StringVar(&c.prices, "prices", "", "a file of prices in the form of shared/cost/prices.json, such as another region's")
	f.BoolVar(&c.json, "json", false, "print the bill as JSON")
	RefuseStack(cmd, "it asks nobody. What a stack did cost stands in Cost Explorer, under the tag loch = STACK")
	return cmd
}

type costCommand struct {
	target target
	use    cost.Use
	prices string
	json   bool
}

// bills is the answer in JSON.
type bills struct {
	Prices struct {
		Date   string `json:"date"`
		Region string `json:"region"`
		Terms  string `json:"terms"`
	} `json:"prices"`
	Counted struct {
		Date    string `json:"date"`
		Traffic string `json:"traffic"`
	} `json:"counted"`
	Assumed      cost.Assumed `json:"assumed"`
	EventsAMonth int64        `json:"events_a_month"`
	Events       []cost.Bill  `json:"events"`
	Stack        []cost.Line  `json:"stack"` // of a month
}

func (c *costCommand) check(args []string) error {
	switch {
	case len(args) > 0:
		return usage("cost takes flags only; %s is none", quoted(args[0]))
	case c.use.EventsAMonth < 1:
		return usage("--events-per-month must be a number from 1")
	case c.use.MemoryMB < 128 || c.use.MemoryMB > 10240:
		return usage("--memory-mb must be a number from 128 to 10240")
	case c.use.RequestMS < 0 || c.use.KeptMonths < 0:
		return usage("--request-ms and --months-kept must not be below 0")
	}
	return nil
}

func (c *costCommand) run(cmd *cobra.Command, args []string) error {
	if err := c.check(args); err != nil {
		return err
	}
	p, err := c.table()
	if err != nil {
		return err
	}
	m, err := cost.Sample()
	if err != nil {
		return err
	}
	b := bills{Assumed: m.Assumed, EventsAMonth: c.use.EventsAMonth, Stack: cost.Stack(&p, &m, c.use)}
	b.Prices.Date, b.Prices.Region, b.Prices.Terms = p.Date, p.Region, p.Terms
	b.Counted.Date, b.Counted.Traffic = m.Date, m.Traffic
	for i := range m.Counts {
		b.Events = append(b.Events, cost.Price(&p, &m, &m.Counts[i], c.use))
	}
	out := cmd.OutOrStdout()
	if c.json {
		text, err := marshal(b)
		if err != nil {
			return err
		}
		return lines(out, string(text))
	}
	return b.print(out, c.target.screen(out))
}

// table is the table of prices.
func (c *costCommand) table() (cost.Prices, error) {
	if c.prices == "" {
		return cost.ListPrices()
	}
	f, err := os.Open(c.prices)
	if err != nil {
		return cost.Prices{}, usage("--prices cannot be read: %v", err)
	}
	defer f.Close()
	p, err := cost.ReadPrices(f)
	if err != nil {
		return p, UsageError(err)
	}
	return p, nil
}

// print writes the bill: a column for each way of sending, a row for each part.
func (b *bills) print(w io.Writer, s screen) error {
	columns := []column{{name: "USD for a million events", whole: true}}
	for i := range b.Events {
		name := strconv.Itoa(b.Events[i].EventsARequest) + " a request"
		columns = append(columns, column{name: name, right: true, whole: true})
	}
	var rows [][]cell
	add := func(name string, usd func(*cost.Bill) string) {
		row := []cell{{text: name}}
		for i := range b.Events {
			row = append(row, cell{text: usd(&b.Events[i])})
		}
		rows = append(rows, row)
	}
	for n, l := range b.Events[0].Lines {
		add(l.Service+", "+l.What, func(bill *cost.Bill) string { return dollars(bill.Lines[n].USD, 3) })
	}
	add("together", func(bill *cost.Bill) string { return dollars(bill.Million, 3) })
	if err := s.table(w, columns, rows); err != nil {
		return err
	}
	stack := 0.0
	var parts []string
	for _, l := range b.Stack {
		stack += l.USD
		parts = append(parts, l.What+" "+dollars(l.USD, 2))
	}
	columns[0].name, rows = "USD for a month", nil
	add(count(b.EventsAMonth)+" events", func(bill *cost.Bill) string { return dollars(bill.Month-stack, 2) })
	add("the stack itself", func(*cost.Bill) string { return dollars(stack, 2) })
	add("together", func(bill *cost.Bill) string { return dollars(bill.Month, 2) })
	if err := s.table(w, columns, rows); err != nil {
		return err
	}
	return lines(w,
		s.paint(dim, "The stack: "+strings.Join(parts, ", ")+"."),
		s.paint(dim, fmt.Sprintf("Prices of %s, %s: %s.", b.Prices.Region, b.Prices.Date, b.Prices.Terms)),
		s.paint(dim, fmt.Sprintf("Counted %s: %s.", b.Counted.Date, b.Counted.Traffic)),
		s.paint(dim, "Assumed: "+b.Assumed.Source+"."))
}

// dollars writes an amount; what is less than it can show is not nothing.
func dollars(usd float64, digits int) string {
	text := strconv.FormatFloat(usd, 'f', digits, 64)
	if usd > 0 && strings.Trim(text, "0.") == "" {
		return "<" + text[:len(text)-1] + "1"
	}
	return text
}
