package instance

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"loch/infra/aws/dynamo"
	"loch/infra/aws/kms"
	"loch/infra/aws/s3"
	"loch/shared/vault"
)

// Dynamo is a client of DynamoDB.
func (in *Instance) Dynamo() *dynamodb.Client {
	return dynamo.NewClient(dynamo.ClientOptions{Region: in.Region, Endpoint: in.Endpoint("dynamodb"), Credentials: in.Credentials, HTTP: in.HTTP})
}

// Stores are the means of the stores in DynamoDB, whose calls are counted.
func (in *Instance) Stores() dynamo.Options {
	return dynamo.Options{Prefix: in.Prefix, Now: time.Now, Rand: rand.Reader, Count: in.CountStore}
}

// CountStore adds a call of a store to the metrics.
func (in *Instance) CountStore(c dynamo.Call) {
	in.Metrics.Add("StoreCalls", "Count", 1)
	in.Metrics.Add("StoreReadUnits", "Count", c.Reads)
	in.Metrics.Add("StoreWriteUnits", "Count", c.Writes)
	if c.Failed {
		in.Metrics.Add("StoreCallsFailed", "Count", 1)
	}
}

// Bucket is the lake's bucket.
func (in *Instance) Bucket() (*s3.Bucket, error) {
	name, err := in.Setting("LOCH_BUCKET")
	if err != nil {
		return nil, err
	}
	return s3.New(s3.Options{Region: in.Region, Bucket: name, Credentials: in.Credentials, Endpoint: in.Endpoint("s3"), Client: in.HTTP}), nil
}

// Vault opens the vault when it is needed first, since its key must be asked for.
func (in *Instance) Vault(table *dynamodb.Client) (*Late[*vault.Vault], error) {
	key, err := in.Setting("LOCH_VAULT_KEY")
	if err != nil {
		return nil, err
	}
	return MakeLate(func(ctx context.Context) (*vault.Vault, error) {
		wrapper := kms.New(kms.NewClient(in.Region, in.Endpoint("kms"), in.Credentials, in.HTTP), key)
		return vault.Open(ctx, dynamo.NewVault(table, in.Stores()), wrapper, vault.Options{Rand: rand.Reader, Now: time.Now})
	}), nil
}
