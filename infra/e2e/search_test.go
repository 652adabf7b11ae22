package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// searchFolder looks through a whole folder for texts that must not be there:
// every file's bytes, and every value of every Parquet file, whose pages are
// compressed. It looks for usual encodings of the texts as well. What may stand in
// the profile store, since no policy calls it personal, is named last.
func searchFolder(t *testing.T, data string, texts []string, inProfiles ...string) {
	t.Helper()
	needles, inStore := map[string][]string{}, map[string][]string{}
	for _, text := range texts {
		needles[text] = forms(text)
		if !slices.Contains(inProfiles, text) {
			inStore[text] = needles[text]
		}
	}
	files, values := 0, 0
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return nil
		case !d.Type().IsRegular():
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		rel, err := filepath.Rel(data, path)
		if err != nil {
			return err
		}
		if strings.HasPrefix(rel, "profiles"+string(filepath.Separator)) {
			report(t, rel, content, inStore)
			return nil
		}
		report(t, rel, content, needles)
		if filepath.Ext(path) == ".parquet" {
			return eachValue(path, func(value []byte) {
				values++
				report(t, rel+" (decompressed)", value, needles)
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 3 {
		t.Errorf("only %d files were searched in %s", files, data)
	}
	t.Logf("searched %d files and %d Parquet values for %d texts", files, values, len(texts))
}

// forms are the ways in which a text could stand somewhere.
func forms(text string) []string {
	list := []string{
		text, strings.ToUpper(text), strings.ToLower(text),
		url.QueryEscape(text), hex.EncodeToString([]byte(text)),
	}
	// In base64 a text looks different at each of three offsets; the ends, which
	// depend on what stands beside it, are left off.
	for shift := range 3 {
		coded := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), text...))
		if len(coded) > 14 {
			list = append(list, coded[4:len(coded)-4])
		}
	}
	return list
}

func report(t *testing.T, where string, content []byte, needles map[string][]string) {
	t.Helper()
	for text, forms := range needles {
		for _, form := range forms {
			if at := bytes.Index(content, []byte(form)); at >= 0 {
				from, to := max(0, at-60), min(len(content), at+len(form)+60)
				t.Errorf("%s holds %q at %d: %q", where, text, at, content[from:to])
				break
			}
		}
	}
}

// eachValue gives every text value of a Parquet file.
func eachValue(path string, fn func([]byte)) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	file, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		return err
	}
	for _, group := range file.RowGroups() {
		if err := eachOfGroup(group, fn); err != nil {
			return err
		}
	}
	return nil
}

func eachOfGroup(group parquet.RowGroup, fn func([]byte)) (err error) {
	rows := group.Rows()
	defer func() { err = errors.Join(err, rows.Close()) }()
	buffer := make([]parquet.Row, 64)
	for {
		n, err := rows.ReadRows(buffer)
		for _, r := range buffer[:n] {
			for _, v := range r {
				if !v.IsNull() && v.Kind() == parquet.ByteArray {
					fn(v.ByteArray())
				}
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
