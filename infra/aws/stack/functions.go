package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"loch/shared/checkup"
)

// functionNames are the functions, by what stands behind the stack's name.
var functionNames = []string{"ingest", "lookup", "query", "erase", "compact", "redrive"}

// alias is the name under which functions are called.
const alias = "live"

// lookAtFunctions looks whether each function is there, ready, of the kind that is
// deployed, and whether all of its traffic goes to one version.
func (s *Stack) lookAtFunctions(ctx context.Context) checkup.Finding {
	var wrong, shifting problems
	var versions []string
	for _, name := range functionNames {
		path := "/2015-03-31/functions/" + url.PathEscape(s.Name+"-"+name)
		var is struct {
			Runtime          string
			Architectures    []string
			State            string
			StateReason      string
			LastUpdateStatus string
		}
		err := s.access.get(ctx, functions, path+"/configuration?Qualifier="+alias, json.Unmarshal, &is)
		switch {
		case absent(err):
			wrong.addf("%s is not there", name)
			continue
		case err != nil:
			return s.blind(err, name, "lambda:GetFunctionConfiguration")
		}
		// A function that nobody called for weeks is Inactive, and wakes up by itself.
		if is.State != "" && is.State != "Active" && is.State != "Inactive" {
			wrong.addf("%s is %s", name, is.State)
		}
		if is.LastUpdateStatus == "Failed" {
			wrong.addf("the last change of %s failed", name)
		}
		if !slices.Equal(is.Architectures, []string{"arm64"}) || is.Runtime != "provided.al2023" {
			wrong.addf("%s runs on %s, %s", name, is.Runtime, strings.Join(is.Architectures, ", "))
		}
		var to struct {
			FunctionVersion string
			RoutingConfig   struct{ AdditionalVersionWeights map[string]float64 }
		}
		if err := s.access.get(ctx, functions, path+"/aliases/"+alias, json.Unmarshal, &to); err != nil {
			if absent(err) {
				wrong.addf("%s has no alias %s", name, alias)
				continue
			}
			return s.blind(err, name, "lambda:GetAlias")
		}
		versions = append(versions, name+" "+to.FunctionVersion)
		for version, part := range to.RoutingConfig.AdditionalVersionWeights {
			shifting.addf("%.0f %% of %s goes to version %s already", part*100, name, version)
		}
	}
	found := wrong.finding("on arm64, versions: "+strings.Join(versions, ", "), s.deploy())
	if found.State == checkup.OK && len(shifting) > 0 {
		return checkup.Warn("a new version gets its traffic: "+strings.Join(shifting, "; "), "look again in ten minutes")
	}
	return found
}

// fewest is how many functions an account should be able to run at once. New accounts
// have ten.
const fewest = 100

func (s *Stack) lookAtConcurrency(ctx context.Context) checkup.Finding {
	var is struct {
		AccountLimit struct{ ConcurrentExecutions, UnreservedConcurrentExecutions int }
	}
	if err := s.access.get(ctx, functions, "/2016-08-19/account-settings", json.Unmarshal, &is); err != nil {
		return s.blind(err, "the account's limit", "lambda:GetAccountSettings")
	}
	free := is.AccountLimit.UnreservedConcurrentExecutions
	words := fmt.Sprintf("the account runs %d functions at once", is.AccountLimit.ConcurrentExecutions)
	if free < is.AccountLimit.ConcurrentExecutions {
		words += fmt.Sprintf(", %d of them for whatever asks first", free)
	}
	if free < fewest {
		return checkup.Warn(words+"; clients get 503 beyond that and send again", "ask AWS for 1000 under Service Quotas, Lambda, Concurrent executions")
	}
	return checkup.Well(words)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
