package local_test

import (
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"loch/infra/aws/dynamo"
	"loch/shared/vault"
	"loch/shared/vault/vaulttest"
)

type vaultStore struct {
	*dynamo.Vault
	api *sdk.Client
}

func openVault(t *testing.T) vault.Store {
	api := account(t, nil)
	return vaultStore{dynamo.NewVault(api, options()), api}
}

func reopenVault(_ *testing.T, s vault.Store) vault.Store {
	api := s.(vaultStore).api
	return vaultStore{dynamo.NewVault(api, options()), api}
}

func TestVault(t *testing.T) {
	t.Parallel()
	vaulttest.Run(t, openVault, reopenVault)
}
