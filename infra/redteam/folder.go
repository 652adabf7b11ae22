package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxRead bounds one file that is searched as a whole.
const maxRead = 256 << 20

// readFolder takes a folder of files apart: Parquet by its columns, metadata and
// statistics, the log by its records, JSON by its values; and each file once more
// as bytes, in case it holds what its format does not show.
func (e *evidence) readFolder(dir string) error {
	logs := map[string]bool{} // folders of the write-ahead log
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			if rel != "." {
				e.addName(rel)
			}
			return nil
		case !d.Type().IsRegular():
			return nil
		}
		e.addName(rel)
		if filepath.Ext(rel) == ".wal" {
			logs[filepath.Dir(path)] = true
		}
		return e.readFile(path, rel)
	})
	for dir := range logs {
		if err := e.readLog(dir); err != nil {
			e.problem("the log: %v", err)
		}
	}
	return err
}

// addName keeps what a path says: hive folders hold values.
func (e *evidence) addName(rel string) {
	rel = filepath.ToSlash(rel)
	e.add("a file name", rel, "", false)
	for part := range strings.SplitSeq(rel, "/") {
		e.add("a file name", strings.TrimSuffix(part, filepath.Ext(part)), "", false)
	}
}

func (e *evidence) readFile(path, rel string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() > maxRead {
		e.problem("%s is too large to be searched as bytes", rel)
	}
	content := []byte{}
	if info.Size() <= maxRead {
		if content, err = os.ReadFile(path); err != nil {
			return err
		}
	}
	e.files++
	e.addLoose("the bytes of "+kindOf(rel), string(content), true)
	switch filepath.Ext(rel) {
	case ".parquet":
		if err := e.readParquet(path, rel); err != nil {
			e.problem("%s: %v", rel, err)
		}
	case ".json", ".ndjson", ".log", ".jsonl":
		for line := range strings.Lines(string(content)) {
			e.addJSON("a line of "+filepath.Base(rel), strings.TrimSpace(line), "")
		}
		if filepath.Ext(rel) == ".json" {
			e.addJSON(kindOf(rel), string(content), "")
		}
	}
	return nil
}

// kindOf names files by their kind, so that a column of a report does not list a
// hundred of them.
func kindOf(rel string) string {
	first, _, _ := strings.Cut(filepath.ToSlash(rel), "/")
	if ext := filepath.Ext(rel); ext != "" {
		return first + "/*" + ext
	}
	return first
}

func (e *evidence) problem(format string, args ...any) {
	if len(e.problems) < 20 {
		e.problems = append(e.problems, fmt.Sprintf(format, args...))
	}
}
