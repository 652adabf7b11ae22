// Package command holds the commands of the binary loch that ask a server
// something: seed, sql, schema, report, profile, profiles, journey, export, erase, audit,
// compact, verify and rotate; doctor, which looks whether all is well; and cost, which
// asks nobody.
//
// They speak HTTP and nothing else. Who answers is the business of a Connector,
// which the main provides: the server that runs on a data folder, over its Unix
// socket, or, when none runs, the same handlers on the folder opened in process.
// With --url they speak to any Loch, on one machine or on AWS, and with --aws to a
// stack by its name.
//
// What a person reads goes to standard output, progress and problems to
// standard error, and --json gives every answer to programs. Exit codes mean
// the same for all commands; see ExitCode.
package command

import (
	"context"
	random "crypto/rand"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"loch/shared/checkup"
)

// Connector reaches what commands ask.
type Connector interface {
	// Connect opens a session on a data folder.
	Connect(ctx context.Context, dataDir string) (*Session, error)
	// Find finds a stack in an AWS account.
	Find(ctx context.Context, s Stack) (*Deployment, error)
	// Examine looks at a data folder, and at the server that runs on it if one does.
	Examine(dataDir string) []checkup.Check
}

// Session is a way to a server, and what is needed to be let in.
type Session struct {
	Client    *http.Client
	BaseURL   string            // without a slash at the end; with a socket, any host will do
	PublicURL string            // where a browser finds the server; empty when there is none
	Token     string            // the write token
	Keys      map[string]string // API keys by scope: "read", "pii", "erase"
	Close     func() error      // may be nil
}

// close ends a session; what cannot be closed is gone anyway.
func (s *Session) close() {
	if s.Close != nil {
		_ = s.Close()
	}
}

// tools are the outside world of a command, which tests replace.
type tools struct {
	now    func() time.Time
	sleep  func(ctx context.Context, d time.Duration) error
	jitter func() float64 // from 0 up to 1
	unique func() string  // a word that nobody else has
	screen func(w any) screen
	typing func(in any) bool // somebody sits there and can be asked
}

func realTools() tools {
	return tools{now: time.Now, sleep: sleep, jitter: rand.Float64, unique: unique, screen: screenOf, typing: typing}
}

func unique() string {
	b := make([]byte, 8)
	_, _ = random.Read(b) // never fails
	return hex.EncodeToString(b)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// target is whom a command speaks to: its common flags.
type target struct {
	connector Connector
	data      string
	url       string
	key       string
	token     string
	stack     Stack
	plain     bool // no colour
	tools     *tools
}

// FromEnvironment lets the environment choose the defaults of the flags of c's
// commands: LOCH_DATA the data folder, NO_COLOR (https://no-color.org) and a
// TERM of "dumb" that there is no colour. The main calls it, since only mains
// read the environment.
func FromEnvironment(c *cobra.Command, getenv func(string) string) error {
	defaults := map[string]string{"data": getenv("LOCH_DATA")}
	if getenv("NO_COLOR") != "" || getenv("TERM") == "dumb" {
		defaults["no-color"] = "true"
	}
	for _, sub := range c.Commands() {
		if err := FromEnvironment(sub, getenv); err != nil {
			return err
		}
		for name, value := range defaults {
			f := sub.Flags().Lookup(name)
			if f == nil || value == "" {
				continue
			}
			if err := f.Value.Set(value); err != nil {
				return fmt.Errorf("the environment's --%s cannot be used: %w", name, err)
			}
			f.DefValue = value
		}
	}
	return nil
}

// screen looks at what output is written on.
func (t *target) screen(w any) screen {
	s := t.tools.screen(w)
	s.colour = s.colour && !t.plain
	return s
}

// flags adds --data, --no-color, and, for commands that any server answers,
// --url and --aws.
func (t *target) flags(c *cobra.Command, remote bool) {
	c.Flags().BoolVar(&t.plain, "no-color", false, "no colour, also in a terminal (as with NO_COLOR=1)")
	c.Flags().StringVar(&t.data, "data", "./data", "data folder; its running server is asked, or the folder itself when none runs")
	if remote {
		c.Flags().StringVar(&t.url, "url", "", "ask this server instead of the one on --data")
		t.stackFlags(c)
	}
}

func (t *target) keyFlag(c *cobra.Command) {
	c.Flags().StringVar(&t.key, "key", "", "API key; default: the one in the data folder's credentials.json, or with --aws in aws-STACK.credentials.json there")
}

// open makes the session.
func (t *target) open(ctx context.Context) (*Session, error) {
	if err := t.checkStack(); err != nil {
		return nil, err
	}
	if t.stack.Name != "" {
		return t.openStack(ctx)
	}
	if t.url == "" {
		s, err := t.connector.Connect(ctx, t.data)
		if err != nil {
			return nil, err
		}
		if t.token != "" {
			s.Token = t.token
		}
		if t.key != "" {
			s.Keys = keysOf(t.key)
		}
		return s, nil
	}
	base := strings.TrimRight(t.url, "/")
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	return overNetwork(base, t.token, keysOf(t.key)), nil
}

// overNetwork is a session with a server at an address.
func overNetwork(base, token string, keys map[string]string) *Session {
	return &Session{
		// A client of its own: the default one would share connections and limits
		// with whoever else uses it.
		Client:  &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute}},
		BaseURL: base, PublicURL: base, Token: token, Keys: keys,
	}
}

// keysOf uses one key for whatever it may do.
func keysOf(key string) map[string]string {
	return map[string]string{"read": key, "pii": key, "erase": key}
}

// again is the end of a command line that speaks to the same server.
func (t *target) again() string {
	switch {
	case t.stack.Name != "":
		return t.stack.again()
	case t.url != "":
		return " --url " + quoted(t.url) + " --key KEY"
	case t.data != "./data":
		return " --data " + quoted(t.data)
	default:
		return ""
	}
}

// quoted puts a word between quotes if a shell would cut it.
func quoted(word string) string {
	if strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@%") == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
