package vault

import "loch/shared/event"

// SealRejectedAsBefore seals as builds did before payloads were compressed.
func (v *Vault) SealRejectedAsBefore(r *event.Rejected, payload []byte) []byte {
	return v.rejected.Seal(nil, nil, payload, rejectedContext(rejectedPlain, r))
}

// SealBomb seals a frame that unfolds to n bytes, as no pack would.
func (v *Vault) SealBomb(r *event.Rejected, n int) []byte {
	frame := v.packer.in.EncodeAll(make([]byte, n), nil)
	b := append([]byte{packedZstd, byte(len(frame)&0x7f | 0x80), byte(len(frame) >> 7 & 0x7f)}, frame...)
	if len(frame) >= 1<<14 {
		panic("the frame is too long for two bytes of length")
	}
	return v.rejected.Seal(nil, nil, b, rejectedContext(rejectedPacked, r))
}
