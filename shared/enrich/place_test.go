package enrich

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"loch/shared/fault"
	"loch/shared/profile"
)

func newEnricher(t testing.TB, o Options) *Enricher {
	t.Helper()
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func TestEmbeddedCountries(t *testing.T) {
	e := newEnricher(t, Options{})
	for address, country := range map[string]string{
		"8.8.8.8":              "US", // a resolver
		"81.2.69.142":          "GB",
		"89.160.20.112":        "SE",
		"133.242.0.3":          "JP",
		"193.0.6.139":          "NL", // RIPE
		"196.216.2.1":          "ZA", // AFRINIC
		"200.160.2.3":          "BR", // NIC.br
		"2001:4860:4860::8888": "US",
		"2001:67c:2e8:22::1":   "NL",
		"::ffff:81.2.69.142":   "GB", // IPv4 within IPv6
	} {
		if got := e.Place(netip.MustParseAddr(address)); got != (profile.Place{Country: country}) {
			t.Errorf("%s: got %+v, want country %s alone", address, got, country)
		}
	}
	info := e.GeoInfo()
	if !info.Embedded || info.Cities || info.Built.Year() < 2026 {
		t.Errorf("info of the embedded database: %+v", info)
	}
	if s := info.String(); !strings.Contains(s, "embedded, countries by geo-whois-asn-country of 2026-") {
		t.Errorf("banner %q", s)
	}
}

// Nobody's addresses: no database may give these a place, not even one that has
// a record for all of the internet.
func TestReservedAddressesHaveNoPlace(t *testing.T) {
	everywhere := map[string]any{"country_code": "DE"}
	path := writeDatabase(t, "everywhere", 6, map[string]any{"::/1": everywhere, "8000::/1": everywhere})
	e := newEnricher(t, Options{GeoPath: path})
	for _, address := range []string{
		"0.0.0.0", "0.1.2.3", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.1.1", "172.16.0.1", "172.31.255.255",
		"192.0.0.8", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "100::1", "2001:db8::1", "3fff::1", "fc00::1", "fd12:3456::1",
		"fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "2001:db8::1%eth0",
	} {
		if got := e.Place(netip.MustParseAddr(address)); got != (profile.Place{}) {
			t.Errorf("%s has a place: %+v", address, got)
		}
	}
	if got := e.Place(netip.Addr{}); got != (profile.Place{}) {
		t.Errorf("no address has a place: %+v", got)
	}
	if got := e.Place(netip.MustParseAddr("1.2.3.4")); got.Country != "DE" {
		t.Errorf("the database is not the one that was asked for: %+v", got)
	}
}

var (
	nestedMunich = map[string]any{
		"continent": map[string]any{"code": "EU"},
		"country":   map[string]any{"iso_code": "DE", "geoname_id": uint32(2921044), "names": map[string]any{"en": "Germany"}},
		"subdivisions": []any{
			map[string]any{"iso_code": "BY", "names": map[string]any{"de": "Bayern", "en": "Bavaria"}},
			map[string]any{"names": map[string]any{"en": "Upper Bavaria"}},
		},
		"city":     map[string]any{"names": map[string]any{"de": "München", "en": "Munich"}},
		"location": map[string]any{"latitude": 48.1, "longitude": 11.6, "time_zone": "Europe/Berlin"},
	}
	munich = profile.Place{Country: "DE", Region: "Bavaria", City: "Munich", Timezone: "Europe/Berlin"}
)

func TestShapes(t *testing.T) {
	tests := []struct {
		name    string
		version uint16
		records map[string]any
		want    map[string]profile.Place
		cities  bool
	}{
		{
			"GeoIP2-City", 6, map[string]any{"81.2.69.0/24": nestedMunich, "2a01::/16": nestedMunich},
			map[string]profile.Place{"81.2.69.9": munich, "::ffff:81.2.69.9": munich, "2a01::9": munich, "81.2.70.9": {}}, true,
		},
		{
			"DBIP-City-Lite", 4, map[string]any{"81.2.69.0/24": map[string]any{ // no time zone, no codes of regions
				"country": map[string]any{"iso_code": "DE"}, "city": map[string]any{"names": map[string]any{"en": "Munich"}},
				"subdivisions": []any{map[string]any{"names": map[string]any{"en": "Bavaria"}}},
			}},
			map[string]profile.Place{
				"81.2.69.9": {Country: "DE", Region: "Bavaria", City: "Munich"},
				"2a01::9":   {}, // an IPv4 database asked for IPv6
			}, true,
		},
		{
			"GeoLite2-Country", 6, map[string]any{
				"1.2.3.0/24":   map[string]any{"registered_country": map[string]any{"iso_code": "FR"}}, // decides nothing
				"81.2.69.0/24": map[string]any{"country": map[string]any{"iso_code": "DE"}},
			},
			map[string]profile.Place{"81.2.69.9": {Country: "DE"}, "1.2.3.4": {}}, false,
		},
		{
			"city ipvAll", 6, map[string]any{"81.2.69.0/24": map[string]any{
				"country_code": "DE", "state1": "Bavaria", "state2": "", "city": "Munich", "postcode": "",
				"latitude": 48.1, "longitude": 11.6, "timezone": "Europe/Berlin",
			}},
			map[string]profile.Place{"81.2.69.9": munich}, true,
		},
		{
			"codes of nowhere", 4, map[string]any{
				"81.2.69.0/24": map[string]any{"country_code": "ZZ", "city": "Nowhere"},
				"81.2.70.0/24": map[string]any{"country_code": "", "city": "Nowhere"},
			},
			map[string]profile.Place{"81.2.69.9": {}, "81.2.70.9": {}}, true,
		},
		{
			"types of another kind", 4, map[string]any{
				"81.2.69.0/24": nestedMunich,
				"81.2.70.0/24": map[string]any{"country": "DE"},
			},
			map[string]profile.Place{"81.2.69.9": munich, "81.2.70.9": {}}, true,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := newEnricher(t, Options{GeoPath: writeDatabase(t, test.name, test.version, test.records)})
			for address, want := range test.want {
				if got := e.Place(netip.MustParseAddr(address)); got != want {
					t.Errorf("%s: got %+v, want %+v", address, got, want)
				}
			}
			info := e.GeoInfo()
			if info.Type != test.name || info.Embedded || info.Cities != test.cities {
				t.Errorf("info: %+v", info)
			}
		})
	}
}

func TestBadDatabases(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, err := os.ReadFile(writeDatabase(t, "GeoIP2-City", 6, map[string]any{"81.2.69.0/24": nestedMunich}))
	if err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"missing.mmdb":  filepath.Join(dir, "missing.mmdb"),
		"empty.mmdb":    write("empty.mmdb", nil),
		"text.mmdb":     write("text.mmdb", []byte("not a database")),
		"cut.mmdb":      write("cut.mmdb", good[:len(good)/2]),
		"headless.mmdb": write("headless.mmdb", good[len(good)/2:]),
		"ASN.mmdb":      writeDatabase(t, "ASN", 4, map[string]any{"81.2.69.0/24": map[string]any{"autonomous_system_number": uint32(1)}}),
		"hollow.mmdb":   writeDatabase(t, "hollow", 4, nil),
	} {
		e, err := New(Options{GeoPath: path})
		if err == nil {
			_ = e.Close()
			t.Errorf("%s: opened", name)
			continue
		}
		if fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), dir) {
			t.Errorf("%s: the error should name the file without its folder: %v", name, err)
		}
	}
}

// Whatever byte of a database is damaged, looking up must not panic.
func TestDamagedDatabase(t *testing.T) {
	good, err := os.ReadFile(writeDatabase(t, "GeoIP2-City", 4, map[string]any{"81.2.69.0/24": nestedMunich}))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "damaged.mmdb")
	address := netip.MustParseAddr("81.2.69.9")
	opened := 0
	for i := range good {
		for _, x := range []byte{0xff, 0x80, 0x01} {
			damaged := append([]byte(nil), good...)
			damaged[i] ^= x
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			p, err := openPlaces(path)
			if err != nil {
				continue
			}
			opened++
			p.lookup(address)
			if err := p.close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if opened == 0 {
		t.Error("no damaged file was opened, so nothing was looked up")
	}
}
