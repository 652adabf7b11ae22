package vault

import (
	"encoding/binary"

	"loch/shared/event"
	"loch/shared/fault"
)

// SealRejected encrypts the payload of a rejected record with AES-256-GCM. The
// row's own facts are bound to it: a sealed payload cannot be moved to another
// row unnoticed.
func (v *Vault) SealRejected(r *event.Rejected, payload []byte) []byte {
	return v.rejected.Seal(nil, nil, payload, rejectedContext(r))
}

// OpenRejected decrypts what SealRejected made for the same row.
func (v *Vault) OpenRejected(r *event.Rejected) ([]byte, error) {
	payload, err := v.rejected.Open(nil, nil, r.Sealed, rejectedContext(r))
	if err != nil {
		return nil, fault.New(fault.Invalid, "the sealed payload does not belong to this row or to this vault's key")
	}
	return payload, nil
}

func rejectedContext(r *event.Rejected) []byte {
	b := append([]byte("rejected/1\x00"), r.Project...)
	b = append(append(b, 0), r.RequestID...)
	b = append(append(b, 0), r.Reason...)
	return binary.AppendVarint(append(b, 0), r.BatchIndex)
}
