package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"loch/shared/fault"
	"loch/shared/vault"
)

// Vault is a vault.Store. Its table has binary keys; the first byte of pk says what an
// item is:
//
//	01 <keyed hash, 32>  00                an identifier or token: its lake id
//	02 <owner, 16>       00                the owner: their wrapped key, the hashes of
//	                                       their own identifiers, their project, that
//	                                       they were erased
//	02 <owner>           01 <keyed hash>   that a token goes with the owner
//	02 <owner>           02 <index key>    that they stand under a blind index key
//	03 <index key, 32>   <owner>           the same from the index's side
//	04                   00                the secrets of the vault itself, wrapped
//
// Whatever is made for an owner is made in one transaction with the question whether
// they were erased. There is one exception, and it is the usual case: the entry of a
// new identifier, whose owner is the lake id that was drawn for it a moment ago. Nobody
// can have erased an id that nobody has been told. There the owner's item comes first,
// then the entry, each by itself at half the price: an entry without its owner's item,
// which an erasure could not find, cannot be.
type Vault struct{ *table }

var _ vault.Store = (*Vault)(nil)

// NewVault returns the store over the vault's table.
func NewVault(api *dynamodb.Client, o Options) *Vault {
	return &Vault{newTable(api, VaultTable, o)}
}

const (
	kindEntry   = 0x01
	kindOwner   = 0x02
	kindIndex   = 0x03
	kindSecrets = 0x04

	underOwned = 0x01
	underIndex = 0x02
)

// The attributes of the vault's items.
const (
	vID   = "id"         // of an entry: the lake id
	vOwn  = "own"        // of an owner: the hashes of their identifiers
	vKey  = "person_key" // of an owner: their key, wrapped
	vHome = "of_project" // of an owner: their project; builds before 2026-11-28 wrote none
	vDead = "dead"       // of an owner: was erased
)

// vaultItem is an item of the vault by its keys; without under it is a head.
func vaultItem(kind byte, of []byte, under ...byte) item {
	if len(under) == 0 {
		under = []byte{0}
	}
	return item{pk: blob(append([]byte{kind}, of...)), sk: blob(under)}
}

func entryItem(k *vault.Key) item { return vaultItem(kindEntry, k[:]) }
func ownerItem(o *vault.ID) item  { return vaultItem(kindOwner, o[:]) }

func ownedItem(o *vault.ID, k *vault.Key) item {
	return vaultItem(kindOwner, o[:], append([]byte{underOwned}, k[:]...)...)
}

func indexItems(o *vault.ID, k *vault.Key) (front, back item) {
	return vaultItem(kindIndex, k[:], o[:]...), vaultItem(kindOwner, o[:], append([]byte{underIndex}, k[:]...)...)
}

// Find returns the lake id of each key, in order, and whether it exists.
func (v *Vault) Find(ctx context.Context, keys []vault.Key) ([]vault.ID, []bool, error) {
	ids, found := make([]vault.ID, len(keys)), make([]bool, len(keys))
	entries, err := v.entries(ctx, v.effort(ctx), keys)
	if err != nil {
		return nil, nil, err
	}
	for i := range keys {
		ids[i], found[i] = entries[keys[i]]
	}
	return ids, found, nil
}

// entries reads the entries that are there.
func (v *Vault) entries(ctx context.Context, e *effort, keys []vault.Key) (map[vault.Key]vault.ID, error) {
	list := make([]item, 0, len(keys))
	asked := make(map[vault.Key]bool, len(keys))
	for i := range keys {
		if !asked[keys[i]] {
			asked[keys[i]] = true
			list = append(list, entryItem(&keys[i]))
		}
	}
	items, err := v.getItems(ctx, e, list)
	if err != nil {
		return nil, err
	}
	found := make(map[vault.Key]vault.ID, len(items))
	for _, i := range items {
		var k vault.Key
		copy(k[:], i.blob(pk)[1:])
		if found[k], err = entryID(i); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func entryID(i item) (id vault.ID, err error) {
	if copy(id[:], i.blob(vID)) != len(id) {
		return id, damaged("the vault")
	}
	return id, nil
}

// FindPersonKeys returns the wrapped key of each owner, in order, nil for none.
func (v *Vault) FindPersonKeys(ctx context.Context, owners []vault.ID) ([][]byte, error) {
	heads, err := v.heads(ctx, v.effort(ctx), owners)
	if err != nil {
		return nil, err
	}
	keys := make([][]byte, len(owners))
	for i := range owners {
		keys[i] = heads[owners[i]].blob(vKey)
	}
	return keys, nil
}

// FindIndex returns the owners under a blind index key.
func (v *Vault) FindIndex(ctx context.Context, key vault.Key, limit int) (ids []vault.ID, err error) {
	q := query{pk: blob(append([]byte{kindIndex}, key[:]...)), most: limit}
	err = v.walk(ctx, v.effort(ctx), q, func(i item) error {
		var id vault.ID
		copy(id[:], i.blob(sk))
		ids = append(ids, id)
		return nil
	})
	return ids, err
}

// alive is the part of a transaction that holds it up if an owner was erased.
func (v *Vault) alive(o *vault.ID) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: aws.String(v.name), Key: ownerItem(o), ConditionExpression: aws.String("attribute_not_exists(dead)"),
	}}
}

func errOtherProject() error {
	return fault.Wrap(vault.ErrOtherProject, fault.Internal, "a person belongs to another project")
}

func errErased() error {
	return fault.Wrap(vault.ErrErased, fault.Unavailable, "the person was erased meanwhile; send again")
}
