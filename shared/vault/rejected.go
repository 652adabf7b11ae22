package vault

import (
	"encoding/binary"
	"errors"

	"loch/shared/event"
	"loch/shared/fault"
)

// The versions of a sealed payload. They are part of what is bound to it, so that
// one cannot be taken for the other.
const (
	rejectedPlain  = "rejected/1\x00" // by builds before 2026-11-27: the payload as it is
	rejectedPacked = "rejected/2\x00" // the payload as pack writes it
)

// SealRejected compresses the payload of a rejected record and encrypts it with
// AES-256-GCM. The row's own facts are bound to it: a sealed payload cannot be
// moved to another row unnoticed.
func (v *Vault) SealRejected(r *event.Rejected, payload []byte) []byte {
	return v.rejected.Seal(nil, nil, v.packer.pack(payload), rejectedContext(rejectedPacked, r))
}

// OpenRejected decrypts what SealRejected made for the same row, in this build or
// an earlier one.
func (v *Vault) OpenRejected(r *event.Rejected) ([]byte, error) {
	packed, err := v.rejected.Open(nil, nil, r.Sealed, rejectedContext(rejectedPacked, r))
	if err == nil {
		payload, err := v.packer.unpack(packed)
		if err != nil {
			return nil, fault.Wrap(err, fault.Internal, "the sealed payload is whole, but this build cannot unpack it")
		}
		return payload, nil
	}
	payload, errPlain := v.rejected.Open(nil, nil, r.Sealed, rejectedContext(rejectedPlain, r))
	if errPlain != nil {
		return nil, fault.Wrap(errors.Join(err, errPlain), fault.Invalid,
			"the sealed payload does not belong to this row or to this vault's key")
	}
	return payload, nil
}

func rejectedContext(version string, r *event.Rejected) []byte {
	b := append([]byte(version), r.Project...)
	b = append(append(b, 0), r.RequestID...)
	b = append(append(b, 0), r.Reason...)
	return binary.AppendVarint(append(b, 0), r.BatchIndex)
}
