package local_test

import (
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"loch/infra/aws/dynamo"
	"loch/shared/profile/profiletest"
)

// store is a store of profiles that can be opened again.
type store struct {
	*dynamo.Profiles
	api *sdk.Client
}

func openProfiles(t *testing.T) profiletest.Store {
	api := account(t, nil)
	return store{dynamo.NewProfiles(api, options()), api}
}

// reopenProfiles is another process: it remembers nothing.
func reopenProfiles(_ *testing.T, s profiletest.Store) profiletest.Store {
	api := s.(store).api
	return store{dynamo.NewProfiles(api, options()), api}
}

func TestProfiles(t *testing.T) {
	t.Parallel()
	profiletest.Run(t, openProfiles, reopenProfiles)
}
