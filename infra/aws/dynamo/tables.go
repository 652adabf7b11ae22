package dynamo

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"loch/shared/fault"
)

// The tables' names, behind the stack's prefix.
const (
	ProfilesTable = "profiles"
	VaultTable    = "vault"
	LedgerTable   = "ledger"
	ProjectsTable = "projects"
)

// The attributes that every table is keyed by, and the one by which old items go.
const (
	pk      = "pk"
	sk      = "sk"
	expires = "expires" // seconds since 1970
)

// Table is how a table is laid out. The stack's template says the same.
type Table struct {
	Name     string
	KeyType  types.ScalarAttributeType // of pk, and of sk where there is one
	Sorted   bool                      // the key is pk and sk, not pk alone
	Expires  bool                      // items go when their attribute "expires" is past
	Recovery bool                      // point-in-time recovery
}

// Tables are all there are, all of them on demand. The vault has no point-in-time
// recovery: somebody who was erased could be had back from it for 35 days.
var Tables = []Table{
	{Name: ProfilesTable, KeyType: types.ScalarAttributeTypeS, Sorted: true, Expires: true, Recovery: true},
	{Name: VaultTable, KeyType: types.ScalarAttributeTypeB, Sorted: true},
	{Name: LedgerTable, KeyType: types.ScalarAttributeTypeS, Sorted: true, Recovery: true},
	{Name: ProjectsTable, KeyType: types.ScalarAttributeTypeS, Recovery: true},
}

// input is the table as DynamoDB is asked to make it.
func (t *Table) input(prefix string) *dynamodb.CreateTableInput {
	in := &dynamodb.CreateTableInput{
		TableName: aws.String(prefix + "-" + t.Name), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String(pk), AttributeType: t.KeyType}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String(pk), KeyType: types.KeyTypeHash}},
	}
	if t.Sorted {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: aws.String(sk), AttributeType: t.KeyType})
		in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: aws.String(sk), KeyType: types.KeyTypeRange})
	}
	return in
}

// tableTime is how long a table may take to come up.
const tableTime = time.Minute

// CreateTables makes the tables where no template does: in tests, and against an
// engine on this machine. A table that is there stays as it is. It leaves
// point-in-time recovery to the template, since an engine on a machine has none.
func CreateTables(ctx context.Context, api *dynamodb.Client, prefix string) error {
	for i := range Tables {
		t := &Tables[i]
		in := t.input(prefix)
		if _, err := api.CreateTable(ctx, in); err != nil {
			if _, there := errors.AsType[*types.ResourceInUseException](err); !there {
				return fault.Wrap(err, fault.Unavailable, "the table "+*in.TableName+" could not be made")
			}
		}
		up := dynamodb.NewTableExistsWaiter(api)
		if err := up.Wait(ctx, &dynamodb.DescribeTableInput{TableName: in.TableName}, tableTime); err != nil {
			return fault.Wrap(err, fault.Unavailable, "the table "+*in.TableName+" does not come up")
		}
		if !t.Expires {
			continue
		}
		if _, err := api.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
			TableName: in.TableName, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String(expires), Enabled: aws.Bool(true)},
		}); err != nil && !malformed(err) { // which says that it is so already
			return fault.Wrap(err, fault.Unavailable, "old items of the table "+*in.TableName+" would not go by themselves")
		}
	}
	return nil
}
