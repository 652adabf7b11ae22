package query

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"loch/shared/fault"
	"loch/shared/project"
	"loch/shared/web"
)

// The size of a page follows the size of events: the first is small, since an
// event may have a megabyte, and the next are as large as pageBytes allow.
const (
	firstPage = 256
	mostPage  = 20_000
	pageBytes = 16 << 20
)

// writeGrace is how long a client may take to read what is already written.
const writeGrace = time.Minute

// export streams events as lines of JSON, a page at a time, so that memory does
// not grow with the range. Nothing is sent before the first page is there: until
// then an error has a status of its own. After that an error cuts the
// connection, because a body that ends well says that it is whole.
func (h *handler) export(w http.ResponseWriter, r *http.Request) {
	key, err := web.Account(r, h.Registry)
	if err == nil {
		err = mayCountOne(key)
	}
	giveBack, ok := h.admit(w, r, key, err)
	if !ok {
		return
	}
	defer giveBack()
	spec, err := parseExport(r.URL.RawQuery)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	pages := &pager{h: h, project: key.Project, spec: spec, size: firstPage}
	page, err := pages.next(r.Context())
	if err != nil {
		fail(w, r, err)
		return
	}
	out := newLineWriter(w, r)
	for page != nil {
		h.extendDeadline(w)
		if err = out.write(page); err != nil {
			panic(http.ErrAbortHandler)
		}
		if page, err = pages.next(r.Context()); err != nil {
			panic(http.ErrAbortHandler)
		}
	}
	if err = out.close(); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// extendDeadline lets an export go on for longer than the server allows one
// answer, as long as each page is found and read in time.
func (h *handler) extendDeadline(w http.ResponseWriter) {
	// A writer that knows no deadlines has none to extend.
	_ = http.NewResponseController(w).SetWriteDeadline(h.Now().Add(h.MaxTime + writeGrace))
}

// pager walks the days that have events, and the pages of each.
type pager struct {
	h       *handler
	project project.Project
	spec    exportSpec
	days    []string
	begun   bool
	after   *place
	sent    int
	size    int
}

// next returns the next page that holds anything; nil is the end.
func (p *pager) next(ctx context.Context) ([][]string, error) {
	if !p.begun {
		rows, cut, err := p.ask(ctx, p.spec.daysSQL(), 1, p.spec.days)
		if err != nil {
			return nil, err
		}
		if cut {
			return nil, fault.New(fault.Internal, "the engine cut the list of days")
		}
		p.begun = true
		for _, row := range rows {
			if _, err := time.Parse(time.DateOnly, row[0]); err != nil {
				return nil, fault.Wrap(err, fault.Internal, "the engine gave a date that is none")
			}
			p.days = append(p.days, row[0])
		}
	}
	for len(p.days) > 0 && (p.spec.limit == 0 || p.sent < p.spec.limit) {
		n := p.size
		if p.spec.limit > 0 {
			n = min(n, p.spec.limit-p.sent)
		}
		rows, cut, err := p.ask(ctx, p.spec.pageSQL(p.days[0], p.after, n), colCount, n)
		if err != nil {
			return nil, err
		}
		switch {
		case len(rows) == 0 && cut:
			return nil, fault.New(fault.Internal, "the engine has no room for a single event")
		case len(rows) < n && !cut:
			p.days, p.after = p.days[1:], nil
		default:
			if p.after, err = placeOf(rows[len(rows)-1]); err != nil {
				return nil, err
			}
		}
		if len(rows) > 0 {
			p.sent += len(rows)
			p.resize(rows)
			return rows, nil
		}
	}
	return nil, nil
}

func (p *pager) resize(rows [][]string) {
	bytes := 1
	for _, row := range rows {
		bytes += len(row[colProperties]) + 256
	}
	p.size = max(1, min(pageBytes*len(rows)/bytes, 4*p.size, mostPage))
}

func placeOf(row []string) (*place, error) {
	for _, i := range []int{colTimeMS, colIndex} {
		if _, err := strconv.ParseInt(row[i], 10, 64); err != nil {
			return nil, fault.Wrap(err, fault.Internal, "the engine gave a number that is none")
		}
	}
	return &place{row[colTimeMS], row[colRequestID], row[colIndex]}, nil
}

// ask runs a statement whose columns are all text, and says whether the engine
// cut the rows for reasons of its own. Null is the empty text.
func (p *pager) ask(ctx context.Context, statement string, columns, rows int) (out [][]string, cut bool, err error) {
	result, err := p.h.ask(ctx, p.project, statement, rows)
	if err != nil {
		return nil, false, err
	}
	out = make([][]string, len(result.Rows))
	for i, row := range result.Rows {
		if len(row) != columns {
			return nil, false, fault.New(fault.Internal, "the engine gave another number of columns than it was asked for")
		}
		out[i] = make([]string, columns)
		for j, v := range row {
			text, ok := v.(string)
			if !ok && v != nil {
				return nil, false, fault.New(fault.Internal, "the engine gave a column that is not text")
			}
			out[i][j] = text
		}
	}
	return out, result.Truncated, nil
}

// lineWriter writes an export's body, compressed if the client takes gzip.
type lineWriter struct {
	buf  *bufio.Writer
	zip  *gzip.Writer // nil when not compressed
	line []byte
}

func newLineWriter(w http.ResponseWriter, r *http.Request) *lineWriter {
	head := w.Header()
	head.Set("Content-Type", "text/plain; charset=utf-8") // as Mixpanel's has it
	head.Set("X-Content-Type-Options", "nosniff")
	head.Add("Vary", "Accept-Encoding")
	web.NoStore(w)
	var to io.Writer = w
	out := &lineWriter{}
	if takesGzip(r.Header) {
		head.Set("Content-Encoding", "gzip")
		out.zip = gzip.NewWriter(w)
		to = out.zip
	}
	out.buf = bufio.NewWriterSize(to, 64<<10)
	w.WriteHeader(http.StatusOK)
	return out
}

func (o *lineWriter) write(page [][]string) error {
	for _, row := range page {
		var err error
		if o.line, err = appendLine(o.line[:0], row); err != nil {
			return err
		}
		if _, err = o.buf.Write(o.line); err != nil {
			return err
		}
	}
	return nil
}

func (o *lineWriter) close() error {
	if err := o.buf.Flush(); err != nil {
		return err
	}
	if o.zip != nil {
		return o.zip.Close()
	}
	return nil
}

// takesGzip reads Accept-Encoding as far as gzip goes.
func takesGzip(h http.Header) bool {
	for _, line := range h.Values("Accept-Encoding") {
		for part := range strings.SplitSeq(line, ",") {
			name, quality, _ := strings.Cut(strings.ToLower(strings.TrimSpace(part)), ";")
			if name = strings.TrimSpace(name); name != "gzip" && name != "x-gzip" {
				continue
			}
			_, value, found := strings.Cut(quality, "q=")
			if q, err := strconv.ParseFloat(strings.TrimSpace(value), 64); !found || err == nil && q > 0 {
				return true
			}
		}
	}
	return false
}
