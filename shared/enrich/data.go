package enrich

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"

	"loch/shared/fault"
)

// Names of the embedded files.
const (
	countryFile = "data/made-country.mmdb"
	agentsFile  = "data/made-agents.gz"
	botsFile    = "data/made-bots.gz"
)

// RulesInfo says from which packages the embedded rules were made.
type RulesInfo struct {
	Agents string // "uap-core 0.18.0"
	Bots   string // "isbot 5.2.3"
}

// RulesInfo says which rules the Enricher uses.
func (e *Enricher) RulesInfo() RulesInfo {
	return RulesInfo{Agents: e.agents.source, Bots: e.bots.source}
}

// embedded reads an embedded file.
func embedded(name string) ([]byte, error) {
	b, err := made.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Newf(fault.Internal,
			"this program was built without shared/enrich/%s; run `make data`, then build again", name)
	}
	return b, err
}

// embeddedRules calls rule for each line of a rule list and returns the line
// that names its source.
func embeddedRules(name string, rule func(line string) error) (source string, err error) {
	b, err := embedded(name)
	if err != nil {
		return "", err
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return "", brokenRules(name, err)
	}
	lines := bufio.NewScanner(z)
	for lines.Scan() {
		if source == "" {
			source = lines.Text()
			continue
		}
		if err := rule(lines.Text()); err != nil {
			return "", brokenRules(name, err)
		}
	}
	if err := lines.Err(); err != nil {
		return "", brokenRules(name, err)
	}
	if source == "" {
		return "", brokenRules(name, nil)
	}
	return source, nil
}

func brokenRules(name string, cause error) error {
	return fault.Wrap(cause, fault.Internal,
		"the embedded shared/enrich/"+name+" is broken; run `make data`, then build again")
}
