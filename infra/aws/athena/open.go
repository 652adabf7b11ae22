package athena

import (
	"crypto/rand"

	"loch/infra/aws/instance"
)

// Open is the engine of a function's instance, in the stack's database and workgroup.
// It stands here and not beside the other clients so that functions that ask no
// question carry no client of Athena.
func Open(in *instance.Instance) (*Engine, error) {
	database, err := in.Setting("LOCH_DATABASE")
	if err != nil {
		return nil, err
	}
	workgroup, err := in.Setting("LOCH_WORKGROUP")
	if err != nil {
		return nil, err
	}
	client := NewClient(Access{Region: in.Region, Credentials: in.Credentials, Endpoint: in.Endpoint("athena"), Client: in.HTTP})
	return New(client, Options{Database: database, Workgroup: workgroup, Random: rand.Reader}), nil
}
