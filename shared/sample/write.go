package sample

import (
	"strconv"
	"time"
)

// write makes the request of a parcel, with at most limit events in it.
func (g *Generator) write(v *visit, p parcel, limit int) Request {
	r := Request{
		UserAgent: v.machine.agent, Hints: v.machine.hints, Language: v.person.place.accept,
		Origin: "https://" + pages[v.steps[p.to-1].page].host, Address: v.address,
		Time: time.UnixMilli(p.at).UTC(), ContentType: "application/x-www-form-urlencoded",
	}
	b := append(g.json[:0], '[')
	for i := int(p.from); i < int(p.to); i++ {
		k := v.steps[i].kind
		if k.route() != p.route {
			continue
		}
		if k.event() && r.Events == limit {
			break
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		switch p.route {
		case toTrack:
			b = v.event(b, i)
		case toServer:
			b = v.serverEvent(b, i)
		default:
			b = v.update(b, i)
		}
		if k.event() {
			r.Events++
		} else {
			r.Updates++
		}
	}
	g.json = append(b, ']')
	r.Again = min(int(p.again), r.Events)

	if p.route == toServer {
		d := seeded(g.seed, tagAddress)
		r.UserAgent, r.Language, r.Origin = "Go-http-client/1.1", "", ""
		r.Hints.Brands, r.Hints.Mobile, r.Hints.Platform = "", "", ""
		r.Address = d.address(datacentre)
		r.Path, r.ContentType = "/track?verbose=1", "application/json"
		r.Body = append([]byte(nil), g.json...)
		return r
	}
	if p.beacon {
		r.ContentType = "text/plain;charset=UTF-8"
	}
	r.Path = routePaths[p.route] + "?verbose=1&ip=1&_=" + strconv.FormatInt(p.at, 10)
	r.Body = form(g.json)
	return r
}

var routePaths = [...]string{toTrack: "/track/", toEngage: "/engage/", toGroups: "/groups/"}
