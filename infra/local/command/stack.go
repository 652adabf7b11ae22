package command

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"loch/shared/checkup"
)

// Stack names a stack of an AWS account. Region and Profile may be empty: AWS's own
// settings say them then.
type Stack struct {
	Name    string
	Region  string
	Profile string // of AWS's configuration
}

// Deployment is a stack that was found.
type Deployment struct {
	Region     string
	URL        string          // of its API
	Checks     []checkup.Check // of what it is made of
	FlushTime  time.Duration   // how long events wait before SQL sees them
	CloudFront bool            // a distribution stands before the API
}

// stackFlags adds --aws and what goes with it.
func (t *target) stackFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&t.stack.Name, "aws", "", "ask the `stack` of this name in your AWS account instead")
	f.StringVar(&t.stack.Region, "region", "", "with --aws: the stack's region; default: AWS_REGION, or the profile's")
	f.StringVar(&t.stack.Profile, "profile", "", "with --aws: the profile of AWS's configuration; default: AWS_PROFILE")
}

// stackName is what .ci/deploy takes for a name.
var stackName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]{0,127}$`)

// checkStack says what cannot be meant.
func (t *target) checkStack() error {
	switch {
	case t.stack.Name == "" && (t.stack.Region != "" || t.stack.Profile != ""):
		return usage("--region and --profile go with --aws STACK only")
	case t.stack.Name == "":
		return nil
	case t.url != "":
		return usage("--aws and --url both say whom to ask; leave one out")
	case !stackName.MatchString(t.stack.Name):
		return usage("--aws takes the name of a stack: letters, digits and dashes")
	}
	return nil
}

// openStack makes a session with a stack. Its keys are those that `make deploy` has
// written, unless others are named.
func (t *target) openStack(ctx context.Context) (*Session, error) {
	found, err := t.connector.Find(ctx, t.stack)
	if err != nil {
		return nil, err
	}
	return t.sessionWith(found)
}

func (t *target) sessionWith(found *Deployment) (*Session, error) {
	token, keys, err := t.credentials()
	if err != nil {
		return nil, err
	}
	s := overNetwork(found.URL, token, keys)
	s.PublicURL = "" // a stack has no dashboard
	return s, nil
}

// credentialsFile is where `make deploy` writes the token and the keys.
func (t *target) credentialsFile() string {
	return filepath.Join(t.data, "aws-"+t.stack.Name+".credentials.json")
}

// credentials are the token and keys for a stack. What flags say goes before the file.
func (t *target) credentials() (token string, keys map[string]string, err error) {
	kept, err := readKeys(t.credentialsFile())
	switch {
	case errors.Is(err, fs.ErrNotExist) && t.key == "" && t.token == "":
		return "", nil, &exit{code: exitFailed, cause: err, words: "there is no " + t.credentialsFile() + ", into which the first `make deploy` wrote the stack's keys\n" +
			"name a key with --key, or the folder with --data; `go run ./infra/aws/operate create " + t.stack.Name + " NAME` makes a project with new ones"}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", nil, err
	}
	token, keys = kept.Token, kept.Keys
	if t.token != "" {
		token = t.token
	}
	if t.key != "" {
		keys = keysOf(t.key)
	}
	return token, keys, nil
}

// kept are a token and keys as they lie in a file.
type kept struct {
	Token string            `json:"token"`
	Keys  map[string]string `json:"keys"`
}

func readKeys(file string) (k kept, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return k, &exit{code: exitFailed, words: "the stack's keys cannot be read: " + err.Error(), cause: err}
	}
	if err := json.Unmarshal(text, &k); err != nil || k.Token == "" || len(k.Keys) == 0 {
		return k, &exit{code: exitFailed, words: file + " does not hold a token and keys, as `make deploy` writes it; restore it, or name a key with --key", cause: err}
	}
	return k, nil
}

// again is the end of a command line for the same stack.
func (s *Stack) again() string {
	words := " --aws " + s.Name
	if s.Region != "" {
		words += " --region " + quoted(s.Region)
	}
	if s.Profile != "" {
		words += " --profile " + quoted(s.Profile)
	}
	return words
}

// RefuseStack has a command that no stack answers say why, and what to do instead.
func RefuseStack(c *cobra.Command, why string) {
	var name, unused string
	c.Flags().StringVar(&name, "aws", "", "")
	c.Flags().StringVar(&unused, "region", "", "")
	c.Flags().StringVar(&unused, "profile", "", "")
	for _, f := range []string{"aws", "region", "profile"} {
		_ = c.Flags().MarkHidden(f) // they are there
	}
	run := c.RunE
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if name != "" {
			return usage("%s takes no --aws: %s", cmd.Name(), strings.ReplaceAll(why, "STACK", name))
		}
		return run(cmd, args)
	}
}
