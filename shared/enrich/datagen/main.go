// Datagen turns the npm packages under shared/enrich/data/node_modules into the
// files that package enrich embeds: the country database as it is, and two
// compact rule lists, each with the literals that a matcher can look for before
// it runs a regular expression.
//
// Run it from the root of the repository, after npm ci in shared/enrich/data:
//
//	go run ./shared/enrich/datagen
//
// It does nothing when its inputs and its own program are the same as last time.
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The inputs, below the folder of node_modules.
const (
	countryInput = "@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb"
	agentsInput  = "uap-core/regexes.yaml"
	botsInput    = "isbot/index.js"
)

func main() {
	dir := flag.String("data", "shared/enrich/data", "the folder with package.json, where the files are made")
	force := flag.Bool("force", false, "make the files even if nothing changed")
	flag.Parse()
	if err := run(*dir, *force); err != nil {
		fmt.Fprintln(os.Stderr, "datagen:", err)
		if errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintln(os.Stderr, "datagen: run `npm ci --ignore-scripts` in", *dir, "first, or `make data` for both")
		}
		os.Exit(1)
	}
}

func run(dir string, force bool) error {
	modules := filepath.Join(dir, "node_modules")
	inputs := map[string][]byte{}
	for _, name := range []string{countryInput, agentsInput, botsInput} {
		b, err := os.ReadFile(filepath.Join(modules, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		inputs[name] = b
	}
	stamp, err := stampOf(inputs)
	if err != nil {
		return err
	}
	if !force && upToDate(dir, stamp) {
		fmt.Println("datagen: the data are up to date")
		return nil
	}

	agents, err := agentRules(inputs[agentsInput])
	if err != nil {
		return fmt.Errorf("%s: %w", agentsInput, err)
	}
	bots, err := botRules(inputs[botsInput])
	if err != nil {
		return fmt.Errorf("%s: %w", botsInput, err)
	}
	agentsVersion, err := versionOf(modules, "uap-core")
	if err != nil {
		return err
	}
	botsVersion, err := versionOf(modules, "isbot")
	if err != nil {
		return err
	}
	if err := replace(filepath.Join(dir, "made-country.mmdb"), inputs[countryInput]); err != nil {
		return err
	}
	if err := writeRules(filepath.Join(dir, "made-bots.gz"), stamp, botsVersion, bots); err != nil {
		return err
	}
	// Last, because its stamp says that all three are there.
	if err := writeRules(filepath.Join(dir, "made-agents.gz"), stamp, agentsVersion, agents); err != nil {
		return err
	}
	fmt.Printf("datagen: %d agent rules (%s), %d bot rules (%s), country database of %.1f MB\n",
		len(agents), agentsVersion, len(bots), botsVersion, float64(len(inputs[countryInput]))/1e6)
	return nil
}

// stampOf names the inputs and this program by content. Times would not do: npm
// gives every file the same one.
func stampOf(inputs map[string][]byte) (string, error) {
	h := sha256.New()
	for _, name := range []string{countryInput, agentsInput, botsInput} {
		sum := sha256.Sum256(inputs[name])
		h.Write(sum[:])
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	program, err := os.ReadFile(self)
	if err != nil {
		return "", err
	}
	h.Write(program)
	return hex.EncodeToString(h.Sum(nil)), nil
}

func upToDate(dir, stamp string) bool {
	if _, err := os.Stat(filepath.Join(dir, "made-country.mmdb")); err != nil {
		return false
	}
	for _, name := range []string{"made-agents.gz", "made-bots.gz"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return false
		}
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil || z.Comment != stamp {
			return false
		}
	}
	return true
}

func versionOf(modules, name string) (string, error) {
	b, err := os.ReadFile(filepath.Join(modules, name, "package.json"))
	if err != nil {
		return "", err
	}
	var p struct{ Version string }
	if err := json.Unmarshal(b, &p); err != nil {
		return "", fmt.Errorf("%s/package.json: %w", name, err)
	}
	return name + " " + p.Version, nil
}

// writeRules writes the source's name and version, then one rule a line.
func writeRules(path, stamp, source string, rules []string) error {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return err
	}
	z.Comment = stamp
	if _, err := fmt.Fprintln(z, source); err != nil {
		return err
	}
	for _, r := range rules {
		if _, err := fmt.Fprintln(z, r); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	return replace(path, out.Bytes())
}

// replace writes a file so that a build running meanwhile sees the old one or
// the new one.
func replace(path string, b []byte) error {
	// The leading underscore keeps a half-written file out of the embedding.
	tmp := filepath.Join(filepath.Dir(path), "_"+filepath.Base(path))
	if err := os.WriteFile(tmp, b, 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
