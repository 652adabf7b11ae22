package lookup

import (
	"bytes"
	"encoding/json"
	"time"

	"loch/shared/profile"
)

// answer is the body of a lookup. What is not known is null, so that every
// field is always there.
type answer struct {
	DistinctID string  `json:"distinct_id"` // as it was asked
	PersonID   string  `json:"person_id"`   // the lake id, as SQL has it
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

func answerOf(asked string, p profile.Profile) answer {
	return answer{
		DistinctID: asked,
		PersonID:   p.ID,
		GroupKey:   p.GroupKey,
		FirstSeen:  instant(p.FirstSeenMS),
		LastSeen:   instant(p.LastSeenMS),
		Updated:    instant(p.UpdatedMS),
		Properties: traits(p.Traits),
		Geo:        geo{text(p.Place.Country), text(p.Place.Region), text(p.Place.City), text(p.Place.Timezone)},
		Device:     device{text(p.Device.Browser), text(p.Device.OS), text(p.Device.DeviceType), text(p.Device.Brand), text(p.Device.Model)},
	}
}

// instant writes a time of a profile: RFC 3339, UTC, milliseconds.
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

// traits writes itself as one JSON object, in the order in which the traits
// were first set, each value as it was sent.
type traits []profile.Trait

// MarshalJSON implements json.Marshaler.
func (t traits) MarshalJSON() ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	buf.WriteByte('{')
	for i, trait := range t {
		if i > 0 {
			buf.WriteByte(',')
		}
		if err := enc.Encode(trait.Name); err != nil {
			return nil, err
		}
		buf.WriteByte(':')
		buf.Write(trait.Value)
	}
	buf.WriteByte('}')
	return buf.Bytes(), nil
}
