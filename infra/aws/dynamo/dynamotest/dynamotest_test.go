package dynamotest_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"loch/infra/aws/dynamo"
	"loch/infra/aws/dynamo/dynamotest"
	"loch/shared/audit"
	"loch/shared/audit/audittest"
	"loch/shared/profile/profiletest"
	"loch/shared/project"
	"loch/shared/project/projecttest"
	"loch/shared/roster/rostertest"
	"loch/shared/vault"
	"loch/shared/vault/vaulttest"
)

const prefix = "loch"

func options() dynamo.Options {
	return dynamo.Options{Prefix: prefix, Now: time.Now, Rand: rand.Reader, Patience: 2 * time.Minute, CallTime: 10 * time.Second}
}

// account is an empty account behind a network, as the contracts expect one.
func account(t *testing.T) *sdk.Client {
	s := dynamotest.New()
	s.Client(t, prefix)
	return dynamo.NewClient(dynamo.ClientOptions{
		Region: "eu-north-1", Endpoint: s.Listen(t), Credentials: credentials.NewStaticCredentialsProvider("AK", "SK", ""),
	})
}

// Each store is kept with its client, so that another process can be opened on it.
type (
	profiles struct {
		*dynamo.Profiles
		api *sdk.Client
	}
	identities struct {
		*dynamo.Vault
		api *sdk.Client
	}
	ledger struct {
		*dynamo.Ledger
		api *sdk.Client
	}
)

func openProfiles(api *sdk.Client) profiles {
	return profiles{dynamo.NewProfiles(api, options()), api}
}
func openVault(api *sdk.Client) identities { return identities{dynamo.NewVault(api, options()), api} }
func openLedger(api *sdk.Client) ledger    { return ledger{dynamo.NewLedger(api, options()), api} }

func TestProfiles(t *testing.T) {
	profiletest.Run(t, func(t *testing.T) profiletest.Store { return openProfiles(account(t)) },
		func(_ *testing.T, s profiletest.Store) profiletest.Store { return openProfiles(s.(profiles).api) })
}

func TestVault(t *testing.T) {
	vaulttest.Run(t, func(t *testing.T) vault.Store { return openVault(account(t)) },
		func(_ *testing.T, s vault.Store) vault.Store { return openVault(s.(identities).api) })
}

func TestLedger(t *testing.T) {
	audittest.Run(t, func(t *testing.T) audit.Store { return openLedger(account(t)) },
		func(_ *testing.T, s audit.Store) audit.Store { return openLedger(s.(ledger).api) })
}

func TestRoster(t *testing.T) {
	rostertest.Run(t, func(t *testing.T) rostertest.Store { return dynamo.NewProfiles(account(t), options()) }, nil)
}

func TestProjects(t *testing.T) {
	projecttest.Run(t, func(t *testing.T) projecttest.World {
		api := account(t)
		r := dynamo.NewProjects(api, options())
		c, err := r.Create(t.Context(), "default", "", project.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		return projecttest.World{
			Registry: r, Project: c.Project, Token: c.Token, Keys: c.Keys, Username: c.Username, Secret: c.Secret,
			Reopen: func() project.Registry { return dynamo.NewProjects(api, options()) },
			Set: func(change func(*project.Settings)) {
				if err := r.SetSettings(t.Context(), "default", change); err != nil {
					t.Fatal(err)
				}
			},
		}
	})
}
