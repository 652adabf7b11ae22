package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"loch/shared/checkup"
)

const (
	// spareTime is how much longer than the stream holds events an event may take: the
	// stream's own work, and Athena's.
	spareTime = 5 * time.Minute
	// longestFlush is how long a stream may be told to hold events.
	longestFlush = 15 * time.Minute
	// firstLook and lastLook are the pauses between two looks. Each is a statement that
	// Athena asks 5 cents of a thousandth for.
	firstLook = time.Second
	lastLook  = 20 * time.Second
)

// waitForEvent asks in SQL for the event until it is there.
func (p *patient) waitForEvent(ctx context.Context) checkup.Finding {
	if p.personID == "" {
		return checkup.Unseen("no event was taken", "")
	}
	flush := p.flush
	if flush == 0 {
		flush = longestFlush
	}
	patience := p.doctor.wait
	if patience == 0 {
		patience = flush + spareTime
	}
	t := &p.doctor.tools
	bar := newProgress(p.errs, p.doctor.target.screen(p.errs), t.now, "seconds that it may take", int64(patience.Seconds()))
	defer bar.end()
	for pause := firstLook; ; pause = min(pause*2, lastLook) {
		n, err := p.find(ctx)
		waited := t.now().Sub(p.sentAt)
		switch {
		case err != nil && ctx.Err() == nil:
			words, _, _ := strings.Cut(err.Error(), "\n")
			return checkup.Bad("SQL does not answer: "+words, p.seeLog("query"))
		case n == 1:
			return checkup.Well("there after " + lasting(waited))
		case n > 1:
			return checkup.Bad(fmt.Sprintf("it is there %d times", n), "events are counted more than once; report it")
		case waited >= patience:
			return checkup.Bad("not there after "+lasting(waited), p.lost(flush))
		}
		bar.at(int64(waited.Seconds()), int64(patience.Seconds()))
		if t.sleep(ctx, min(pause, patience-waited)) != nil {
			return checkup.Unseen("interrupted", "")
		}
	}
}

// lost says where to look for an event that does not arrive.
func (p *patient) lost(flush time.Duration) string {
	if name := p.doctor.target.stack.Name; name != "" {
		return fmt.Sprintf("the stream holds events for %d s. See its log /aws/kinesisfirehose/%s, and infra/aws/README.md#events-delivery", int(flush.Seconds()), name)
	}
	return "wait longer with --wait, or see the server's log"
}

// find counts the event in SQL, and notes its country.
func (p *patient) find(ctx context.Context) (int64, error) {
	key := p.session.Keys["pii"] // a project that hides small groups hides one event from others
	if key == "" {
		key = p.session.Keys["read"]
	}
	// A day earlier, for clocks that differ.
	statement := fmt.Sprintf("select count(*) as n, max(country) as country from events where date >= date '%s' and event = '%s' and person_id = '%s'",
		p.sentAt.AddDate(0, 0, -1).Format(time.DateOnly), doctorEvent, strings.ReplaceAll(p.personID, "'", ""))
	body, err := p.doctor.tools.call(ctx, p.session, http.MethodPost, "/api/sql", key, question{SQL: statement})
	if err != nil {
		return 0, err
	}
	var a struct {
		Rows [][]json.RawMessage `json:"rows"`
	}
	if err := unmarshal(body, &a); err != nil {
		return 0, err
	}
	var n int64
	if len(a.Rows) != 1 || len(a.Rows[0]) != 2 || json.Unmarshal(a.Rows[0][0], &n) != nil {
		return 0, errors.New("the answer is not Loch's; is the address right?")
	}
	if n > 0 {
		_ = json.Unmarshal(a.Rows[0][1], &p.country) // null leaves it empty
		p.arrived = true
	}
	return n, nil
}

// lookAtCountry shows where the event seems to come from: only who asks knows whether
// that is so.
func (p *patient) lookAtCountry(context.Context) checkup.Finding {
	do := "is this machine's address a public one? Behind a proxy: loch serve --trust-proxy"
	if p.doctor.target.stack.Name != "" {
		do = "is this machine's address a public one?"
	}
	if p.cloudFront {
		do = "CloudFront must tell the viewer's address and show its secret; deploy again"
	}
	switch {
	case !p.arrived:
		return checkup.Unseen("the event is not there", "")
	case p.country == "":
		return checkup.Warn("none is known for this machine's address", do)
	}
	return checkup.Well(p.country + "; if that is not where you are, the API sees another address than yours")
}

// erase removes the person of the check, with the event.
func (p *patient) erase(ctx context.Context) checkup.Finding {
	if p.sentAt.IsZero() {
		return checkup.Unseen("no event was taken", "")
	}
	key := p.session.Keys["erase"]
	if key == "" {
		return checkup.Unseen("there is no key for erase", p.left())
	}
	answer, err := p.doctor.tools.call(ctx, p.session, http.MethodDelete, p.path(""), key, erasure{RemoveRows: true, Why: "loch doctor"})
	var done erased
	if err == nil {
		err = unmarshal(answer, &done)
	}
	switch {
	case err != nil:
		words, _, _ := strings.Cut(err.Error(), "\n")
		return checkup.Bad("it is not erased: "+words, p.left())
	case string(done.Erased) == `"pending"`:
		p.erased = true
		return checkup.Warn("ordered, and not carried out yet", "it is tried again every five minutes; see "+strings.TrimPrefix(p.seeLog("erase"), "see "))
	case string(done.Erased) != "true":
		return checkup.Bad("nobody was erased", p.left())
	}
	p.erased = true
	return checkup.Well("forgotten, entry " + count(done.LedgerEntry) + " of the ledger; SQL shows the event no more")
}

// left says how to remove what the check has left behind; empty if that is nothing.
func (p *patient) left() string {
	if p.sentAt.IsZero() || p.erased {
		return ""
	}
	return "to forget the event of this check: loch erase " + p.id + " --remove-rows --yes" + p.doctor.target.again()
}
