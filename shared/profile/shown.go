package profile

import (
	"bytes"
	"encoding/json"
	"time"
)

// Shown is a profile as look-ups and exports write it. What is not known is null,
// so that every field is always there.
type Shown struct {
	GroupKey   string      `json:"group_key,omitempty"`
	FirstSeen  *string     `json:"first_seen"`
	LastSeen   *string     `json:"last_seen"`
	Updated    *string     `json:"updated"`
	Properties ShownTraits `json:"properties"`
	Geo        shownPlace  `json:"geo"`
	Device     shownDevice `json:"device"`
	// Arrival is how they first came.
	Arrival shownArrival `json:"first_arrival"`
}

type shownPlace struct {
	Country  *string `json:"country"`
	Region   *string `json:"region"`
	City     *string `json:"city"`
	Timezone *string `json:"timezone"`
}

type shownDevice struct {
	Browser *string `json:"browser"`
	OS      *string `json:"os"`
	Type    *string `json:"device_type"`
	Brand   *string `json:"device_brand"`
	Model   *string `json:"device_model"`
}

type shownArrival struct {
	Referrer    *string `json:"referrer_host"`
	Channel     *string `json:"channel"`
	Source      *string `json:"source"`
	UTMSource   *string `json:"utm_source"`
	UTMMedium   *string `json:"utm_medium"`
	UTMCampaign *string `json:"utm_campaign"`
	UTMTerm     *string `json:"utm_term"`
	UTMContent  *string `json:"utm_content"`
	ClickIDKind *string `json:"click_id_kind"`
}

// Show writes a profile with the traits that the asker may see.
func (p *Profile) Show(traits []Trait) Shown {
	return Shown{
		GroupKey: p.GroupKey, FirstSeen: ShowTime(p.FirstSeenMS), LastSeen: ShowTime(p.LastSeenMS), Updated: ShowTime(p.UpdatedMS),
		Properties: ShownTraits(traits),
		Geo:        shownPlace{known(p.Place.Country), known(p.Place.Region), known(p.Place.City), known(p.Place.Timezone)},
		Device: shownDevice{
			known(p.Device.Browser), known(p.Device.OS), known(p.Device.DeviceType), known(p.Device.Brand), known(p.Device.Model),
		},
		Arrival: shownArrival{
			known(p.Arrival.Referrer), known(p.Arrival.Channel), known(p.Arrival.Source), known(p.Arrival.UTMSource), known(p.Arrival.UTMMedium),
			known(p.Arrival.UTMCampaign), known(p.Arrival.UTMTerm), known(p.Arrival.UTMContent), known(p.Arrival.ClickIDKind),
		},
	}
}

// ShowTime writes milliseconds since 1970 as RFC 3339 in UTC with milliseconds;
// nil, which is null, for never.
func ShowTime(ms int64) *string {
	if ms == 0 {
		return nil
	}
	s := time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
	return &s
}

func known(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// ShownTraits writes itself as one JSON object, in the order in which the traits
// were first set, each value as it was sent.
type ShownTraits []Trait

// MarshalJSON implements json.Marshaler.
func (t ShownTraits) MarshalJSON() ([]byte, error) {
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
