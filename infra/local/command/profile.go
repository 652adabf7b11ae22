package command

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// Profile returns the command `loch profile`.
func Profile(c Connector) *cobra.Command { return newProfile(c, realTools()) }

func newProfile(c Connector, t tools) *cobra.Command {
	p := profileCommand{target: target{connector: c, tools: &t}, tools: t}
	cmd := &cobra.Command{
		Use:   "profile ID",
		Short: "Show what is known about one person or group",
		Long: `Show what is known about one person, by the id that the website uses: a user's
id, or a device's as $device:ID. Names, e-mail addresses and the like are masked;
--pii shows them in clear, which needs a key of scope pii and is written into the
audit ledger, with the reason that --why gives.` +
			fmt.Sprintf(exitHelp, "4 nobody is known by this id"),
		Example: `  loch profile user-1
  loch profile user-1 --pii --why "support ticket 4711"
  loch profile user-1 --events
  loch profile jane@example.com --email
  loch profile '$device:5f1d7c0e-84ba-4a5e-9f6c-0c7a9b0f2d11' --json
  loch profile acme --group company`,
		RunE: p.run,
	}
	p.target.flags(cmd, true)
	p.target.keyFlag(cmd)
	cmd.Flags().BoolVar(&p.pii, "pii", false, "show personal traits in clear")
	cmd.Flags().BoolVar(&p.email, "email", false, "ID is the e-mail address of a person; needs and shows what --pii does")
	cmd.Flags().BoolVar(&p.events, "events", false, "show the newest events, too; loch journey shows all")
	cmd.Flags().StringVar(&p.why, "why", "", "with --pii or --email: the reason, for the audit ledger; without names")
	cmd.Flags().StringVar(&p.group, "group", "", "ID is a group of this kind, such as company")
	cmd.Flags().BoolVar(&p.json, "json", false, "the server's answer, as JSON")
	return cmd
}

type profileCommand struct {
	target target
	tools  tools
	pii    bool
	email  bool
	group  string
	why    string
	events bool
	json   bool
}

// shownEvents is how many events are shown below a profile.
const shownEvents = 20

// known is what the server tells about a person.
type known struct {
	DistinctID string  `json:"distinct_id"`
	PersonID   string  `json:"person_id"`
	GroupKey   string  `json:"group_key"`
	FirstSeen  string  `json:"first_seen"`
	LastSeen   string  `json:"last_seen"`
	Updated    string  `json:"updated"`
	Properties members `json:"properties"`
	Geo        struct {
		Country  string `json:"country"`
		Region   string `json:"region"`
		City     string `json:"city"`
		Timezone string `json:"timezone"`
	} `json:"geo"`
	Device struct {
		Browser string `json:"browser"`
		OS      string `json:"os"`
		Type    string `json:"device_type"`
		Brand   string `json:"device_brand"`
		Model   string `json:"device_model"`
	} `json:"device"`
	Arrival struct {
		Referrer    string `json:"referrer_host"`
		Channel     string `json:"channel"`
		Source      string `json:"source"`
		UTMCampaign string `json:"utm_campaign"`
	} `json:"first_arrival"`
}

func (p *profileCommand) run(cmd *cobra.Command, args []string) error {
	if len(args) != 1 || args[0] == "" {
		return usage("name one id: loch profile ID")
	}
	if p.events && p.group != "" {
		return usage("a group has no journey; its people do")
	}
	who := subject{group: p.group, email: p.email}
	path, err := who.path(args[0], "")
	if err != nil {
		return err
	}
	p.pii = p.pii || p.email
	if p.why != "" && !p.pii {
		return usage("--why goes with --pii or --email: a profile with masks is no entry in the audit ledger that could hold a reason")
	}
	session, err := p.target.open(cmd.Context())
	if err != nil {
		return err
	}
	defer session.close()
	scope := "read"
	if p.pii {
		scope = "pii"
	}
	body, err := p.tools.call(cmd.Context(), session, http.MethodGet, path, session.Keys[scope], nil, reasonHeader(p.why))
	if err != nil {
		return notFound(err)
	}
	out := cmd.OutOrStdout()
	var page []byte
	if p.events {
		if page, err = p.tools.journey(cmd.Context(), session, subject{email: p.email}, args[0], shownEvents, "", p.pii, p.why); err != nil {
			return err
		}
	}
	if p.json && p.events {
		_, err := fmt.Fprintf(out, "{\"profile\":%s,\"journey\":%s}\n", bytes.TrimSpace(body), bytes.TrimSpace(page))
		return err
	}
	if p.json {
		_, err := out.Write(append([]byte(strings.TrimSpace(string(body))), '\n'))
		return err
	}
	var k known
	if err := unmarshal(body, &k); err != nil {
		return err
	}
	if err := p.print(out, &k); err != nil || !p.events {
		return err
	}
	var steps walked
	if err := unmarshal(page, &steps); err != nil {
		return err
	}
	return p.target.screen(out).journey(out, steps.Events, p.tools.now())
}

func (p *profileCommand) print(w io.Writer, k *known) error {
	s := p.target.screen(w)
	c := card{title: clean(k.DistinctID, 0)}
	if k.GroupKey != "" {
		c.title = clean(k.GroupKey+" "+k.DistinctID, 0)
	}
	now := p.tools.now()
	c.add("In the lake", k.PersonID)
	c.add("First seen", instant(k.FirstSeen, now))
	c.add("Last seen", instant(k.LastSeen, now))
	if k.Updated != k.LastSeen {
		c.add("Updated", instant(k.Updated, now))
	}
	c.add("Place", joined(" · ", joined(", ", k.Geo.City, k.Geo.Region, k.Geo.Country), k.Geo.Timezone))
	browser := joined(" on ", k.Device.Browser, k.Device.OS)
	c.add("Device", joined(" · ", browser, k.Device.Type, joined(" ", k.Device.Brand, k.Device.Model)))
	source := k.Arrival.Source
	if source == k.Arrival.Referrer || source == "(direct)" {
		source = ""
	}
	c.add("First came by", joined(" · ", k.Arrival.Channel, source, k.Arrival.Referrer, k.Arrival.UTMCampaign))
	if len(k.Properties) > 0 {
		c.section("Properties")
		for _, m := range k.Properties {
			c.addCell(m.name, valueCell(m.value))
		}
	}
	if err := c.print(w, s); err != nil {
		return err
	}
	if !p.pii && k.GroupKey == "" && strings.Contains(string(k.Properties.text()), "…") {
		return lines(w, s.paint(dim, "Personal traits are masked; --pii shows them in clear."))
	}
	return nil
}

// joined puts the parts that are not empty together.
func joined(by string, parts ...string) string {
	var some []string
	for _, p := range parts {
		if p != "" {
			some = append(some, p)
		}
	}
	return strings.Join(some, by)
}

// instant writes a time of the API for people, with how long ago it is.
func instant(text string, now time.Time) string {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	return joined(" · ", t.UTC().Format("2006-01-02 15:04:05 UTC"), ago(t, now))
}
