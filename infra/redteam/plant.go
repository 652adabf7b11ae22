package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"loch/infra/local/parquet"
	"loch/shared/event"
)

// weakness is a mistake that somebody could make in Loch, made on purpose.
type weakness struct {
	words string
	row   func(*event.Row, *person)
}

// weaknesses are what --plant takes.
var weaknesses = map[string]weakness{
	"hash-id": {"a plain hash as user id", func(r *event.Row, p *person) {
		sum := sha256.Sum256([]byte(p[user]))
		r.UserID = hex.EncodeToString(sum[:16]) // cut, so that it looks like a lake id
	}},
	"email-url": {"an e-mail in a URL", func(r *event.Row, p *person) {
		r.PageURL = "https://shop.example/welcome?to=" + url.QueryEscape(p[email])
	}},
	"salted-device": {"a device id hashed with the write token", func(r *event.Row, p *person) {
		sum := sha256.Sum256([]byte(writeToken + p[device]))
		r.DeviceID = hex.EncodeToString(sum[:16])
	}},
	"phone-trait": {"a phone inside a property, in base64", func(r *event.Row, p *person) {
		r.Properties = fmt.Sprintf(`{"v":"%s"}`, base64.StdEncoding.EncodeToString([]byte(p[phone])))
	}},
}

// plantNames are the weaknesses in order.
func plantNames() []string { return slices.Sorted(maps.Keys(weaknesses)) }

// plant writes rows with a weakness into a lake, as the roll-over writes rows: one
// for each of the people.
func plant(lake, name string, people []person) error {
	w, ok := weaknesses[name]
	if !ok {
		return fmt.Errorf("there is no weakness %q: choose from %s", name, strings.Join(plantNames(), ", "))
	}
	dir := filepath.Join(lake, "lake", "landing", "dt=2026-01-02", "hour=03")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	_, err := parquet.WriteEvents(filepath.Join(dir, "planted-"+name+".parquet"), func(yield func(*event.Row, error) bool) {
		for i := range people {
			id := sha256.Sum256([]byte(fmt.Sprint("row ", name, i)))
			r := event.Row{
				Project: "default", Date: "2026-01-02", Name: "Planted", Kind: event.KindEvent, Protocol: "mixpanel",
				InsertID: hex.EncodeToString(id[:16]), InsertIDSource: "hash", TimeMS: 1767323045000 + int64(i),
				TimeSource: "client", RequestID: "planted", BatchIndex: int64(i), Properties: "{}", Context: "{}", Revenue: event.NoRevenue,
			}
			w.row(&r, &people[i])
			if !yield(&r, nil) {
				return
			}
		}
	})
	return err
}
