package command

import (
	"encoding/json"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// What the tables of reports are made of.

// segmentText is a segment as people read it.
func segmentText(raw json.RawMessage) string {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		parts := make([]string, len(list))
		for i, one := range list {
			parts[i] = plainText(one)
		}
		return strings.Join(parts, ", ")
	}
	return plainText(raw)
}

// number is a value as people read it, null as a dash.
func number(v json.Number) cell {
	if v == "" {
		return cell{text: "–", null: true}
	}
	if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
		return cell{text: count(n)}
	}
	f, err := v.Float64()
	if err != nil {
		return cell{text: clean(string(v), 0)}
	}
	digits := 2
	if f > -1 && f < 1 {
		digits = 4
	}
	return cell{text: strconv.FormatFloat(f, 'f', digits, 64)}
}

// ratio is a number from 0 to 1 as per cent, null as a dash.
func ratio(v json.Number) cell {
	f, err := v.Float64()
	if err != nil {
		return cell{text: "–", null: true}
	}
	return cell{text: percent(f)}
}

// percent writes a number from 0 to 1; what is not all or nothing does not look so.
func percent(f float64) string {
	switch text := strconv.FormatFloat(100*f, 'f', 1, 64); {
	case f >= 1 || f <= 0:
		return strconv.FormatFloat(100*f, 'f', 0, 64) + "%"
	case text == "0.0":
		return "<0.1%"
	case text == "100.0":
		return ">99.9%"
	default:
		return text + "%"
	}
}

// seconds is a number of seconds as people say it, null as a dash.
func seconds(v json.Number) cell {
	f, err := v.Float64()
	switch {
	case err != nil:
		return cell{text: "–", null: true}
	case f == 0:
		return cell{text: "0 s"}
	case f >= 48*3600:
		return cell{text: strconv.FormatFloat(f/86400, 'f', 1, 64) + " days"}
	}
	return cell{text: lasting(time.Duration(f * float64(time.Second)))}
}

// bar draws a number from 0 to 1, of which 1 is so many columns. What is not
// nothing is seen.
func bar(f float64, width int) string {
	const eighths = "▏▎▍▌▋▊▉█"
	if !(f > 0) {
		return ""
	}
	n := max(1, int(math.Round(min(f, 1)*float64(width)*8)))
	text := strings.Repeat("█", n/8)
	if rest := n % 8; rest > 0 {
		text += string([]rune(eighths)[rest-1])
	}
	return text
}

// barWidth is how long a bar can be on a screen.
func (s screen) barWidth() int {
	if s.width > 0 && s.width < 90 {
		return 10
	}
	return 24
}

// share is a part of a whole, 0 where that is nothing.
func share(n, of int64) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

// sparkline draws values as a line of bars, the highest of full height.
func sparkline(values []float64) string {
	const most = 60
	bars := []rune("▁▂▃▄▅▆▇█")
	step := (len(values) + most - 1) / most // so many values to a bar
	var high float64
	for _, v := range values {
		high = max(high, v)
	}
	var b strings.Builder
	for at := 0; at < len(values); at += step {
		var v float64
		for _, one := range values[at:min(at+step, len(values))] {
			v = max(v, one)
		}
		if high <= 0 || v <= 0 {
			b.WriteByte(' ')
			continue
		}
		b.WriteRune(bars[int(v/high*float64(len(bars)-1))])
	}
	return strings.TrimRight(b.String(), " ")
}

// nothing tells that an answer is empty, unless all of it is hidden.
func nothing(w io.Writer, s screen, words string, hidden int, noun string) error {
	if hidden == 0 {
		return lines(w, words)
	}
	return hiddenLine(w, s, hidden, noun)
}

// hiddenLine tells how much of an answer was left out, if anything was.
func hiddenLine(w io.Writer, s screen, n int, noun string) error {
	if n == 0 {
		return nil
	}
	are := " are"
	if n == 1 {
		are = " is"
	}
	return lines(w, s.paint(dim, plural(int64(n), noun)+" of too few people"+are+" hidden; a key of scope pii sees all"))
}

// answerOf is an answer for programs, with the columns of these names and no rows
// yet.
func answerOf(names ...string) *answer {
	out := &answer{}
	for _, name := range names {
		out.Columns = append(out.Columns, struct {
			Name string `json:"name"`
			Type string `json:"type"`
		}{Name: name})
	}
	return out
}

// quotedText is a text as JSON.
func quotedText(s string) json.RawMessage {
	b, _ := json.Marshal(s) // a text always encodes
	return b
}

// wholeValue is a whole number as JSON.
func wholeValue(n int64) json.RawMessage { return json.RawMessage(strconv.FormatInt(n, 10)) }

// segmentValue is a segment as the text that people read, null without one.
func segmentValue(raw json.RawMessage) json.RawMessage {
	if isNull(raw) {
		return json.RawMessage("null")
	}
	return quotedText(segmentText(raw))
}
