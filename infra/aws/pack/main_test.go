package main

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The same files give the same bytes, whenever and wherever they were written.
func TestPack(t *testing.T) {
	var zips [2][]byte
	for i := range zips {
		folder := t.TempDir()
		boot, data := filepath.Join(folder, "bootstrap"), filepath.Join(folder, "country.mmdb")
		for name, text := range map[string]string{boot: "binary", data: "places"} {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			at := time.Unix(int64(1_000_000_000*(i+1)), 0)
			if err := os.Chtimes(name, at, at); err != nil {
				t.Fatal(err)
			}
		}
		out := filepath.Join(folder, "f.zip")
		if err := pack(out, []string{boot + ":755", data}); err != nil {
			t.Fatal(err)
		}
		var err error
		if zips[i], err = os.ReadFile(out); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(zips[0], zips[1]) {
		t.Error("two zips of the same files differ")
	}
	z, err := zip.NewReader(bytes.NewReader(zips[0]), int64(len(zips[0])))
	if err != nil {
		t.Fatal(err)
	}
	if len(z.File) != 2 || z.File[0].Name != "bootstrap" || z.File[0].Mode() != 0o755 || z.File[1].Name != "country.mmdb" || z.File[1].Mode() != 0o644 {
		t.Errorf("files %v %v", z.File[0].FileHeader, z.File[1].FileHeader)
	}
}

func TestPackFails(t *testing.T) {
	folder := t.TempDir()
	out := filepath.Join(folder, "f.zip")
	for _, files := range [][]string{{filepath.Join(folder, "nothing")}, {folder + ":rwx"}} {
		if err := pack(out, files); err == nil {
			t.Errorf("%q is packed", files)
		}
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("it leaves %v, %v", left, err)
	}
}
