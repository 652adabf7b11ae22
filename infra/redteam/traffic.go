package main

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strconv"
)

// A website that is careless everywhere: it puts what it knows of people into
// events, addresses, referrers, titles and requests that are refused. Loch has to
// keep its promise in spite of it.

// send posts what one person does: visits, signs up, is described, and makes the
// kind of mistakes that are refused. nowMS is when.
func (p *person) send(ctx context.Context, s *server, at int, nowMS int64) error {
	from := p[address]
	events := []any{p.visit(at, nowMS), p.signUp(at, nowMS+1000), p.ask(nowMS + 2000), p.broken(nowMS)}
	if err := s.post(ctx, "/track?verbose=1", from, events); err != nil {
		return err
	}
	updates := []any{p.traits(), map[string]any{"$token": writeToken, "$distinct_id": p[user], "$add": map[string]any{"logins": 1, p[email]: "x"}}}
	return s.post(ctx, "/engage?verbose=1", from, updates)
}

func newRecord(name string, timeMS int64, properties map[string]any) map[string]any {
	properties["token"], properties["time"] = writeToken, timeMS
	return map[string]any{"event": name, "properties": properties}
}

// visit is a page before anybody has signed in.
func (p *person) visit(at int, timeMS int64) any {
	return newRecord("Page Viewed", timeMS, map[string]any{
		"distinct_id": "$device:" + p[device], "$device_id": p[device], "$insert_id": p.insertID(at, "Page Viewed", timeMS),
		"$current_url": "https://shop.example/users/" + url.PathEscape(p[user]) + "/orders?email=" + url.QueryEscape(p[email]) +
			"&utm_source=news&phone=" + url.QueryEscape(p[phone]) + "#" + url.QueryEscape(p[email]),
		"current_page_title": "Orders of " + p[email],
		"$referrer":          "https://mail.example/inbox/" + url.PathEscape(p[email]) + "?to=" + url.QueryEscape(p[email]),
		"$referring_domain":  "mail.example", "ip": p[address],
	})
}

// signUp is the event that has both ids, and a form in it.
func (p *person) signUp(at int, timeMS int64) any {
	return newRecord("Sign Up", timeMS, map[string]any{
		"distinct_id": p[user], "$user_id": p[user], "$device_id": p[device], "$insert_id": p.insertID(at, "Sign Up", timeMS),
		"form": map[string]any{"contact": map[string]any{"mail": p[email], "tel": p[phone]}, "plan": "pro"},
		"seen": []any{p[address], p[user], p[device]}, "seats": at % 7,
	})
}

// ask is text that somebody typed. It has no insert id: Loch makes one.
func (p *person) ask(timeMS int64) any {
	return newRecord("Asked Support", timeMS, map[string]any{
		"distinct_id": p[user], "$user_id": p[user],
		"text":   fmt.Sprintf("Please write to %s or call %s, I am at %s.", p[email], p[phone], p[address]),
		"ticket": "https://help.example/t?from=" + url.QueryEscape(p[email]),
	})
}

// broken is refused: its time is no time.
func (p *person) broken(int64) any {
	r := newRecord("Broken for "+p[email], 0, map[string]any{"distinct_id": p[user], "$device_id": p[device], "mail": p[email], "tel": p[phone]})
	r["properties"].(map[string]any)["time"] = "at the time of " + p[email]
	return r
}

// traits is what the website knows of the person.
func (p *person) traits() any {
	return map[string]any{"$token": writeToken, "$distinct_id": p[user], "$ip": p[address], "$set": map[string]any{
		"$email": p[email], "$phone": p[phone], "$name": p[email], "plan": "pro", "backup_mail": p[email],
		"last_login_from": p[address], "note": "call " + p[phone], "devices": []any{p[device]}, "login": p[user],
	}}
}

// insertID is made as import scripts make it so that it is the same when the
// event is sent again: from who, what and when.
func (p *person) insertID(at int, name string, timeMS int64) string {
	seconds := strconv.FormatInt(timeMS/1000, 10)
	switch at % 4 {
	case 0:
		sum := sha256.Sum256([]byte(p[user] + "-" + name + "-" + seconds))
		return hex.EncodeToString(sum[:])
	case 1:
		sum := md5.Sum([]byte(p[email] + name + seconds))
		return hex.EncodeToString(sum[:])
	case 2:
		sum := sha1.Sum([]byte(name + ":" + p[device] + ":" + seconds))
		return hex.EncodeToString(sum[:])
	}
	return p[user] + "-" + seconds
}
