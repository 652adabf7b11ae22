package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"loch/shared/checkup"
)

// patient is a server whose answers are looked at. What one check learns, the next uses.
type patient struct {
	doctor     *doctorCommand
	session    *Session
	noKeys     error // why there are none
	flush      time.Duration
	cloudFront bool
	errs       io.Writer

	id       string // who the event is about
	sentAt   time.Time
	personID string // in the lake; empty until the person was found
	arrived  bool   // SQL has it
	country  string
	erased   bool
}

// checks are those before the event has arrived in the lake, and those after.
func (p *patient) checks() (before, after []checkup.Check) {
	before = []checkup.Check{
		{Name: "credentials", Look: p.lookAtKeys},
		{Name: "API", Look: p.lookAtAPI},
		{Name: "doubled slashes", Look: p.lookAtSlashes},
		{Name: "export's route", Look: p.lookAtExport},
	}
	p.id = "loch-doctor/" + p.doctor.tools.unique()
	scopes := checkup.Check{Name: "keys", Look: p.lookAtScopes}
	if p.doctor.noEvent {
		return append(before, scopes), nil
	}
	before = append(before, checkup.Check{Name: "an event", Look: p.sendEvent}, checkup.Check{Name: "its person", Look: p.lookAtPerson}, scopes)
	return before, []checkup.Check{
		{Name: "the event in SQL", Look: p.waitForEvent},
		{Name: "its country", Look: p.lookAtCountry},
		{Name: "erasing it", Look: p.erase},
	}
}

// lookAtKeys looks whether the three keys and the write token are there, and whether
// others on this machine can read them.
func (p *patient) lookAtKeys(context.Context) checkup.Finding {
	if p.noKeys != nil {
		words, do, _ := strings.Cut(p.noKeys.Error(), "\n")
		return checkup.Unseen(words, do)
	}
	var missing []string
	for _, scope := range []string{"read", "pii", "erase"} {
		if p.session.Keys[scope] == "" {
			missing = append(missing, scope)
		}
	}
	if p.session.Token == "" {
		missing = append(missing, "the write token")
	}
	if len(missing) > 0 {
		return checkup.Unseen("there is no key for "+strings.Join(missing, ", "), "name one that may do all with --key, and the write token with --token")
	}
	if p.doctor.target.stack.Name == "" || p.doctor.target.key != "" {
		return checkup.Well("a token and keys")
	}
	file := p.doctor.target.credentialsFile()
	if info, err := os.Stat(file); err == nil && info.Mode().Perm()&0o077 != 0 {
		return checkup.Warn(fmt.Sprintf("%s can be read by others on this machine (%04o)", file, info.Mode().Perm()), "chmod 600 "+quoted(file))
	}
	return checkup.Well("a token and keys in " + file)
}

// path is where the person of the check is looked up: by query, since an HTTP API undoes
// the escapes of a path.
func (p *patient) path(more string) string {
	return "/api/profile" + more + "?id=" + url.QueryEscape(p.id)
}

// lookAtAPI asks without a key, which must be refused.
func (p *patient) lookAtAPI(ctx context.Context) checkup.Finding {
	begun := p.doctor.tools.now()
	status, _, err := p.plain(ctx, http.MethodGet, "/api/schema", "")
	switch {
	case err != nil:
		words, _, _ := strings.Cut(unreachable(err).Error(), "\n")
		return checkup.Bad(words, "see whether the address and its certificate are right, and whether a proxy stands between")
	case status != http.StatusUnauthorized:
		return checkup.Bad(fmt.Sprintf("a question without a key is answered with %d in place of 401", status), "see whether the address is Loch's; "+p.seeLog("query"))
	}
	return checkup.Well("answers in " + lasting(p.doctor.tools.now().Sub(begun)) + ", and lets nobody in without a key")
}

// lookAtScopes asks with each key for a person that nobody knows. The first event of all
// makes the vault, without which nobody can be looked up, so this comes after it.
func (p *patient) lookAtScopes(ctx context.Context) checkup.Finding {
	var taken []string
	for _, scope := range []string{"read", "pii", "erase"} {
		key := p.session.Keys[scope]
		if key == "" {
			continue
		}
		path := "/api/profile"
		if scope == "erase" {
			path += "/export"
		}
		_, _, err := ask(ctx, p.session, http.MethodGet, path+"?id="+url.QueryEscape(p.id+"/none"), key, nil, []header{reasonHeader("loch doctor")})
		r, answered := errors.AsType[*refusal](err)
		switch {
		case answered && r.Code == "not_found":
			taken = append(taken, scope)
		case answered && r.status == http.StatusUnauthorized:
			return checkup.Bad("the one for "+scope+" is not known", "use the keys of this server: --data, or --key")
		case err != nil:
			words, _, _ := strings.Cut(err.Error(), "\n")
			return checkup.Bad("a look-up with the one for "+scope+" fails: "+words, p.seeLog("lookup")+"; before the first event of all there is nobody to look up")
		default:
			return checkup.Bad("a look-up of nobody finds somebody", "report it")
		}
	}
	if len(taken) == 0 {
		return checkup.Unseen("there are none", "name one with --key")
	}
	return checkup.Well("good for " + strings.Join(taken, ", "))
}

func (p *patient) seeLog(function string) string {
	if name := p.doctor.target.stack.Name; name != "" {
		return "see the log /aws/lambda/" + name + "-" + function
	}
	return "see the server's log"
}

// plain makes a request as an SDK does, without a key.
func (p *patient) plain(ctx context.Context, method, path, body string) (status int, answer string, err error) {
	r, err := http.NewRequestWithContext(ctx, method, p.session.BaseURL+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := p.session.Client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	return response.StatusCode, strings.TrimSpace(string(text)), err
}

// lookAtSlashes sends no events to //track/, as SDKs do whose address ends with a slash.
func (p *patient) lookAtSlashes(ctx context.Context) checkup.Finding {
	status, answer, err := p.plain(ctx, http.MethodPost, "//track/", "data=[]")
	switch {
	case err != nil:
		return checkup.Bad("//track/ is not answered: "+err.Error(), "look at the API")
	case status != http.StatusOK || answer != "1":
		return checkup.Bad(fmt.Sprintf("//track/ is answered with %d, and not in Mixpanel's words", status), "SDKs whose api_host ends with a slash lose events; see whether something before the API changes paths")
	}
	return checkup.Well("//track/ reaches what takes events")
}

// lookAtExport looks whether Mixpanel's export, whose path ends with a slash, reaches
// what exports: without a key it must refuse.
func (p *patient) lookAtExport(ctx context.Context) checkup.Finding {
	status, _, err := p.plain(ctx, http.MethodGet, "/api/2.0/export/", "")
	switch {
	case err != nil:
		return checkup.Bad("it is not answered: "+err.Error(), "look at the API")
	case status != http.StatusUnauthorized:
		return checkup.Bad(fmt.Sprintf("without a key /api/2.0/export/ answers %d in place of 401", status), "the route goes elsewhere than the template means; deploy again")
	}
	return checkup.Well("/api/2.0/export/ asks for a key")
}

// sendEvent sends an event as an SDK does.
func (p *patient) sendEvent(ctx context.Context) checkup.Finding {
	if p.session.Token == "" {
		return checkup.Unseen("there is no write token", "name it with --token")
	}
	p.sentAt = p.doctor.tools.now().UTC()
	_, word, _ := strings.Cut(p.id, "/")
	batch, err := marshal([]any{map[string]any{"event": doctorEvent, "properties": map[string]any{
		"token": p.session.Token, "time": p.sentAt.Unix(), "distinct_id": p.id, "$insert_id": "loch-doctor-" + word, "mp_lib": "loch doctor",
	}}})
	if err != nil {
		return checkup.Unseen(err.Error(), "")
	}
	status, answer, err := p.plain(ctx, http.MethodPost, "/track?verbose=1", "data="+url.QueryEscape(string(batch)))
	if err != nil {
		return checkup.Bad("it was not taken: "+err.Error(), p.seeLog("ingest"))
	}
	var told struct {
		Status int    `json:"status"`
		Error  string `json:"error"`
	}
	if json.Unmarshal([]byte(answer), &told) != nil || status != http.StatusOK || told.Status != 1 {
		p.sentAt = time.Time{}
		return checkup.Bad(strings.TrimSpace(fmt.Sprintf("it was answered with %d: %s", status, told.Error)), p.seeLog("ingest"))
	}
	return checkup.Well("taken in " + lasting(p.doctor.tools.now().Sub(p.sentAt)))
}

// lookAtPerson looks whether somebody is known by the id, which has a slash in it, as
// soon as the event is taken.
func (p *patient) lookAtPerson(ctx context.Context) checkup.Finding {
	if p.sentAt.IsZero() {
		return checkup.Unseen("no event was taken", "")
	}
	if p.session.Keys["read"] == "" {
		return checkup.Unseen("there is no key for read", "name it with --key")
	}
	answer, _, err := ask(ctx, p.session, http.MethodGet, p.path(""), p.session.Keys["read"], nil, nil)
	var who struct {
		PersonID string `json:"person_id"`
	}
	if err == nil {
		err = unmarshal(answer, &who)
	}
	if err != nil || who.PersonID == "" {
		words := "nobody"
		if err != nil {
			words, _, _ = strings.Cut(err.Error(), "\n")
		}
		return checkup.Bad("not found by an id with a slash: "+words, p.seeLog("lookup"))
	}
	p.personID = who.PersonID
	return checkup.Well("known at once, by an id with a slash in it")
}
