package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"runtime/debug"
	"time"

	"loch/shared/fault"
	"loch/shared/web"
)

//go:embed welcome.html
var welcomeHTML string

var welcomePage = template.Must(template.New("welcome").Parse(welcomeHTML))

// welcome is the page at /: what to paste into a website and where to ask.
func (p *product) welcome(w http.ResponseWriter, r *http.Request) {
	web.NameRoute(r, "GET /")
	web.NoStore(w)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'")
	_ = welcomePage.Execute(w, map[string]string{"Host": "http://" + r.Host, "Token": p.registry.DefaultToken(), "Version": version()})
}

// healthz is 200 when writes would be taken, 503 when they would not.
func (p *product) healthz(w http.ResponseWriter, r *http.Request) {
	if err := p.guard.Check(); err != nil {
		web.WriteError(w, r, fault.From(err))
		return
	}
	web.WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// banner tells a person who has just started the server what to do next.
func (p *product) banner(out io.Writer, r running, took time.Duration) {
	base := "http://" + r.Addr
	c, err := readCredentials(p.settings.dataDir)
	if err != nil {
		return
	}
	fmt.Fprintf(out, "loch %s is up after %d ms, data in %s\n", version(), took.Milliseconds(), p.settings.dataDir)
	if p.recovery.CutBytes > 0 {
		fmt.Fprintf(out, "  the log ended in the middle of a write that nobody was told of: %d bytes cut from segment %d\n",
			p.recovery.CutBytes, p.recovery.CutSegment)
	}
	if p.created {
		fmt.Fprintf(out, "  made project %q; its token and keys are in %s/credentials.json\n", c.Project, p.settings.dataDir)
	}
	fmt.Fprintf(out, `
  page       %[1]s/
  paste      mixpanel.init("%[2]s", {api_host: "%[1]s"})
  try        curl %[1]s/track -d 'data=[{"event":"Hello","properties":{"token":"%[2]s","distinct_id":"me"}}]'
  ask        curl %[1]s/api/sql -H 'Authorization: Bearer %[3]s' -d '{"sql":"select event, count(*) from events group by 1"}'
  sample     loch seed --data %[4]s

listening on %[1]s
`, base, c.Token, c.Keys["read"], p.settings.dataDir)
}

// version is the module's version, or the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return s.Value[:12]
		}
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "development"
}
