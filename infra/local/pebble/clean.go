package pebble

import (
	"context"

	"github.com/cockroachdb/pebble/v2"
)

// everything are the places of the vault's that hold what a removal may be about.
var everything = [][]byte{{idByte}, {ownedByte}, {keyByte}, {indexByte}, {backByte}, {homeByte}, {secretByte}}

// clean carries out a removal and takes the bytes of what was removed out of the
// files. remove must make its writes durable, the mark among them, and returns the
// keys it touched.
//
// The mark says that a removal was written and its bytes may still be there. Where
// the process ended between, the keys are not known any more, and the next removal
// cleans the whole vault.
func (v *Vault) clean(ctx context.Context, remove func(mark func(*pebble.Batch) error) (touched [][]byte, err error)) error {
	v.cleaning.Lock()
	defer v.cleaning.Unlock()
	_, unfinished, err := v.get(markKey)
	if err != nil {
		return err
	}
	touched, err := remove(func(b *pebble.Batch) error { return b.Set(markKey, nil, nil) })
	if err != nil {
		return err
	}
	if unfinished {
		touched = everything
	}
	// Who asked may have gone meanwhile; what was begun is brought to its end.
	if err := v.scrub(context.WithoutCancel(ctx), touched); err != nil {
		return err
	}
	// If this is lost in a crash, the next removal does too much.
	if err := v.peb.Delete(markKey, pebble.NoSync); err != nil {
		return unscrubbed(err)
	}
	return nil
}
