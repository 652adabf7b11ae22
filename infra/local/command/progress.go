package command

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// sayEvery is how often progress is told where no line can be drawn again.
const sayEvery = 2 * time.Second

// progress tells how far a job is: a bar in a terminal, now and then a line
// elsewhere. It may be used from several goroutines.
type progress struct {
	w     io.Writer
	now   func() time.Time
	what  string // "events"
	pool  *mpb.Progress
	bar   *mpb.Bar
	begun time.Time

	mu    sync.Mutex
	said  time.Time
	done  int64
	total int64
	note  string
}

// newProgress begins to tell. total may be 0 when it is not known yet.
func newProgress(w io.Writer, s screen, now func() time.Time, what string, total int64) *progress {
	p := &progress{w: w, now: now, what: what, begun: now(), total: total}
	p.said = p.begun
	if !s.live {
		return p
	}
	look := mpb.BarStyle().Lbound("").Filler("━").Tip("╸").Padding("─").Rbound("")
	if s.colour {
		paint := func(st style) func(string) string {
			return func(text string) string { return s.paint(st, text) }
		}
		look = look.FillerMeta(paint(cyan)).TipMeta(paint(cyan)).PaddingMeta(paint(dim))
	}
	p.pool = mpb.New(mpb.WithOutput(w), mpb.WithWidth(min(s.width, 110)), mpb.WithAutoRefresh())
	p.bar = p.pool.New(total, look,
		mpb.BarWidth(max(10, min(s.width/3, 36))),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return p.percent() + " " })),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return " " + p.words() })),
	)
	return p
}

// at sets how much is done.
func (p *progress) at(done, total int64) {
	p.mu.Lock()
	p.done, p.total = done, total
	now := p.now()
	tell := p.bar == nil && now.Sub(p.said) >= sayEvery
	if tell {
		p.said = now
	}
	p.mu.Unlock()
	switch {
	case p.bar != nil:
		p.bar.SetTotal(total, false)
		p.bar.SetCurrent(done)
	case tell:
		fmt.Fprintln(p.w, p.percent()+"  "+p.words())
	}
}

// says sets a remark that stands beside the figures, or takes it away.
func (p *progress) says(note string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note = note
}

// end stops telling. The bar stays as it is.
func (p *progress) end() {
	if p.bar == nil {
		return
	}
	p.bar.Abort(false)
	p.pool.Wait()
}

func (p *progress) percent() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.total <= 0 {
		return "  0 %"
	}
	return fmt.Sprintf("%3d %%", min(100, p.done*100/p.total))
}

// words are the figures: how many of how many, how fast, how long still.
func (p *progress) words() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := count(p.done) + " of " + count(p.total) + " " + p.what
	took := p.now().Sub(p.begun)
	if p.done > 0 && took >= time.Second {
		rate := float64(p.done) / took.Seconds()
		text += ", " + count(int64(rate)) + "/s"
		if left := p.total - p.done; left > 0 {
			text += ", " + remaining(time.Duration(float64(left)/rate*float64(time.Second))) + " left"
		}
	}
	if p.note != "" {
		text += " · " + p.note
	}
	return text
}
