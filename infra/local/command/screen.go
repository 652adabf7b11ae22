package command

import (
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"
)

// screen is what output is written on.
type screen struct {
	width  int  // columns; 0 when lines may be as long as they like
	colour bool //
	live   bool // a terminal, where a line may be drawn again
}

// screenOf looks at a writer. Colour is for terminals only.
func screenOf(w any) screen {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return screen{}
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width < 20 {
		width = 80
	}
	return screen{width: width, live: true, colour: true}
}

// typing says that a reader is a terminal, where somebody can be asked.
func typing(in any) bool {
	f, ok := in.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// style is a way to write, by its SGR number.
type style string

const (
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	cyan   style = "36"
)

// paint writes s in a style, where there is colour.
func (s screen) paint(st style, text string) string {
	if !s.colour || text == "" {
		return text
	}
	return "\x1b[" + string(st) + "m" + text + "\x1b[0m"
}

// cells measures text as terminals do, whatever the locale, so that output does
// not depend on it.
var cells = func() *runewidth.Condition {
	c := runewidth.NewCondition()
	c.EastAsianWidth = false
	c.StrictEmojiNeutral = true
	return c
}()

// fit cuts text to a number of columns and fills it up to them.
func fit(text string, width int, right bool) string {
	w := cells.StringWidth(text)
	if w > width {
		text = cells.Truncate(text, width, "…")
		w = cells.StringWidth(text)
	}
	pad := strings.Repeat(" ", max(0, width-w))
	if right {
		return pad + text
	}
	return text + pad
}

// clean makes text safe for a terminal: what websites send must not move the
// cursor, change colours or turn the reading direction round. keep is one
// control character that stays.
func clean(text string, keep rune) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return hostile(r) && r != keep }) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == keep || !hostile(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteRune('↵')
		case r == '\t':
			b.WriteByte(' ')
		default:
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
		}
	}
	return b.String()
}

// hostile says that a character could do something to a terminal.
func hostile(r rune) bool {
	return !unicode.IsPrint(r) && r != ' ' && r != '\u00a0' && r != '\u200d' || r == unicode.ReplacementChar
}

// count writes 1234567 as 1,234,567.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	at := len(s) - 3
	for ; at > 0 && s[at-1] != '-'; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}

// size writes a number of bytes.
func size(n int64) string {
	units := []string{"kB", "MB", "GB", "TB"}
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	v := float64(n)
	unit := -1
	for v >= 999.95 && unit < len(units)-1 {
		v /= 1000
		unit++
	}
	return strconv.FormatFloat(v, 'f', 1, 64) + " " + units[unit]
}

// lasting writes a duration as people say it.
func lasting(d time.Duration) string {
	switch {
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min " + strconv.Itoa(int(d.Seconds())%60) + " s"
	default:
		return strconv.Itoa(int(d.Hours())) + " h " + strconv.Itoa(int(d.Minutes())%60) + " min"
	}
}

// remaining is lasting without a fraction, which a guess does not have.
func remaining(d time.Duration) string {
	if d < time.Minute {
		return strconv.Itoa(max(1, int(d.Round(time.Second).Seconds()))) + " s"
	}
	return lasting(d)
}

// ago says how long before now a time was.
func ago(t, now time.Time) string {
	d := now.Sub(t)
	unit := func(n int, name string) string {
		if n == 1 {
			return "1 " + name + " ago"
		}
		return strconv.Itoa(n) + " " + name + "s ago"
	}
	switch {
	case d < 0:
		return ""
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return unit(int(d.Minutes()), "minute")
	case d < 48*time.Hour:
		return unit(int(d.Hours()), "hour")
	default:
		return unit(int(d.Hours()/24), "day")
	}
}

// plural writes a number with its noun.
func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}

// lines writes each part on a line of its own.
func lines(w io.Writer, parts ...string) error {
	_, err := io.WriteString(w, strings.Join(parts, "\n")+"\n")
	return err
}
