package erase

import (
	"bytes"
	"encoding/json"
	"time"

	"loch/shared/audit"
	"loch/shared/profile"
)

// profileJSON is a profile in an export. What is not known is null, so that
// every field is always there.
type profileJSON struct {
	GroupKey   string  `json:"group_key,omitempty"`
	FirstSeen  *string `json:"first_seen"`
	LastSeen   *string `json:"last_seen"`
	Updated    *string `json:"updated"`
	Properties traits  `json:"properties"`
	Geo        geo     `json:"geo"`
	Device     device  `json:"device"`
}

type geo struct {
	Country  *string `json:"country"`
	Region   *string `json:"region"`
	City     *string `json:"city"`
	Timezone *string `json:"timezone"`
}

type device struct {
	Browser *string `json:"browser"`
	OS      *string `json:"os"`
	Type    *string `json:"device_type"`
	Brand   *string `json:"device_brand"`
	Model   *string `json:"device_model"`
}

func profileOf(p *profile.Profile, clear []profile.Trait) *profileJSON {
	return &profileJSON{
		GroupKey: p.GroupKey, FirstSeen: instant(p.FirstSeenMS), LastSeen: instant(p.LastSeenMS), Updated: instant(p.UpdatedMS),
		Properties: traits(clear),
		Geo:        geo{text(p.Place.Country), text(p.Place.Region), text(p.Place.City), text(p.Place.Timezone)},
		Device:     device{text(p.Device.Browser), text(p.Device.OS), text(p.Device.DeviceType), text(p.Device.Brand), text(p.Device.Model)},
	}
}

// readJSON is a row of the ledger as the person gets to see it.
type readJSON struct {
	LedgerEntry uint64     `json:"ledger_entry"`
	Time        *string    `json:"time"`
	Kind        audit.Kind `json:"kind"`
	Key         string     `json:"key,omitempty"`
	Fields      []string   `json:"fields,omitempty"`
	Why         string     `json:"why,omitempty"`
	RequestID   string     `json:"request_id,omitempty"`
}

func readOf(e *audit.Entry) readJSON {
	return readJSON{e.Seq, instant(e.TimeMS), e.Kind, e.Key, e.Fields, e.Why, e.RequestID}
}

// instant writes a time: RFC 3339, UTC, milliseconds; null for never.
func instant(ms int64) *string {
	if ms == 0 {
		return nil
	}
	s := time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
	return &s
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// marshal is json.Marshal that leaves <, > and & alone.
func marshal(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}

// traits writes itself as one JSON object, in the order in which the traits
// were first set, each value as it was sent.
type traits []profile.Trait

// MarshalJSON implements json.Marshaler.
func (t traits) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, trait := range t {
		if i > 0 {
			out = append(out, ',')
		}
		name, err := marshal(trait.Name)
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, name...), ':'), trait.Value...)
	}
	return append(out, '}'), nil
}
