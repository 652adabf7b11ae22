// Command pack makes the package of a Lambda function: a zip of its files, the same
// bytes for the same files, so that what did not change is not deployed again.
//
//	pack OUT.zip FILE[:MODE]...
//
// Files lie at the zip's root under their own names. MODE is octal, 0755 for a binary;
// 0644 is what others have.
package main

import (
	"archive/zip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: pack OUT.zip FILE[:MODE]...")
		os.Exit(2)
	}
	if err := pack(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

// pack writes the zip beside its name first, so that a half of one is never there.
func pack(name string, files []string) error {
	out, err := os.CreateTemp(filepath.Dir(name), ".pack-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(out.Name()) }() // it is gone when all went well
	if err := write(out, files); err != nil {
		_ = out.Close()
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return os.Rename(out.Name(), name)
}

// firstDay is the day that zips begin with: when a file was made says nothing.
var firstDay = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

func write(out io.Writer, files []string) error {
	z := zip.NewWriter(out)
	for _, f := range files {
		path, octal, given := strings.Cut(f, ":")
		mode := fs.FileMode(0o644)
		if given {
			n, err := strconv.ParseUint(octal, 8, 12)
			if err != nil {
				return fmt.Errorf("%s is no mode of a file: %w", octal, err)
			}
			mode = fs.FileMode(n)
		}
		header := &zip.FileHeader{Name: filepath.Base(path), Method: zip.Deflate, Modified: firstDay}
		header.SetMode(mode)
		to, err := z.CreateHeader(header)
		if err != nil {
			return err
		}
		from, err := os.Open(path)
		if err != nil {
			return err
		}
		_, err = io.Copy(to, from)
		if err := from.Close(); err != nil {
			return err
		}
		if err != nil {
			return err
		}
	}
	return z.Close()
}
