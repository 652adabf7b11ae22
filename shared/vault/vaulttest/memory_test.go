package vaulttest_test

import (
	"testing"

	"loch/shared/vault"
	"loch/shared/vault/vaulttest"
)

// The suite holds the plainest store there is to the contract.
func TestRun(t *testing.T) {
	vaulttest.Run(t, func(*testing.T) vault.Store { return vaulttest.NewMemory() },
		func(_ *testing.T, s vault.Store) vault.Store { return s })
}
