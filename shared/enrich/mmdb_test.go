package enrich

import (
	"encoding/binary"
	"maps"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// writeDatabase writes a MaxMind DB file with one record for each network. It
// knows just enough of the format (https://maxmind.github.io/MaxMind-DB/) for
// tests: a tree of 24-bit records and the types below.
func writeDatabase(t *testing.T, kind string, ipVersion uint16, records map[string]any) string {
	t.Helper()
	type node [2]int // 0: nothing; above 0: a node; below 0: a record, as -1 - offset
	nodes := []node{{}}
	var data []byte
	for _, network := range slices.Sorted(maps.Keys(records)) {
		prefix := netip.MustParsePrefix(network)
		address, bits := prefix.Addr().AsSlice(), prefix.Bits()
		if ipVersion == 6 && prefix.Addr().Is4() {
			address, bits = append(make([]byte, 12), address...), bits+96
		}
		offset := len(data)
		data = append(data, encodeMMDB(t, records[network])...)
		at := 0
		for i := range bits {
			bit := int(address[i/8]>>(7-i%8)) & 1
			if i == bits-1 {
				nodes[at][bit] = -1 - offset
				break
			}
			if nodes[at][bit] == 0 {
				nodes = append(nodes, node{})
				nodes[at][bit] = len(nodes) - 1
			}
			at = nodes[at][bit]
		}
	}
	var file []byte
	for _, n := range nodes {
		for _, to := range n {
			value := to
			switch {
			case to == 0:
				value = len(nodes)
			case to < 0:
				value = len(nodes) + 16 + (-1 - to)
			}
			file = append(file, byte(value>>16), byte(value>>8), byte(value))
		}
	}
	file = append(file, make([]byte, 16)...)
	file = append(file, data...)
	file = append(file, "\xab\xcd\xefMaxMind.com"...)
	file = append(file, encodeMMDB(t, map[string]any{
		"binary_format_major_version": uint16(2), "binary_format_minor_version": uint16(0),
		"build_epoch": uint64(1_790_000_000), "database_type": kind, "description": map[string]any{"en": "made for a test"},
		"ip_version": ipVersion, "languages": []any{"en"}, "node_count": uint32(len(nodes)), "record_size": uint16(24),
	})...)
	path := filepath.Join(t.TempDir(), kind+".mmdb")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func encodeMMDB(t *testing.T, v any) []byte {
	t.Helper()
	head := func(kind, size int) []byte {
		var b []byte
		first := kind << 5
		if kind > 7 {
			first = 0
		}
		switch {
		case size < 29:
			b = append(b, byte(first|size))
		case size < 285:
			b = append(b, byte(first|29))
		default:
			t.Fatalf("a value of %d bytes is too long for this writer", size)
		}
		if kind > 7 {
			b = append(b, byte(kind-7))
		}
		if size >= 29 {
			b = append(b, byte(size-29))
		}
		return b
	}
	switch v := v.(type) {
	case string:
		return append(head(2, len(v)), v...)
	case float64:
		return binary.BigEndian.AppendUint64(head(3, 8), math.Float64bits(v))
	case uint16:
		return binary.BigEndian.AppendUint16(head(5, 2), v)
	case uint32:
		return binary.BigEndian.AppendUint32(head(6, 4), v)
	case uint64:
		return binary.BigEndian.AppendUint64(head(9, 8), v)
	case map[string]any:
		b := head(7, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			b = append(append(b, encodeMMDB(t, k)...), encodeMMDB(t, v[k])...)
		}
		return b
	case []any:
		b := head(11, len(v))
		for _, e := range v {
			b = append(b, encodeMMDB(t, e)...)
		}
		return b
	}
	t.Fatalf("this writer does not know %T", v)
	return nil
}
