// Command protobuf writes what the sandbox in memory needs to read bodies in Kubernetes' protobuf:
//
//   - src/sandbox/memory/protobuf/numbers.txt.gz: the number of every field, see numbers.go;
//   - src/sandbox/memory/protobuf/cases.txt: objects in protobuf and in JSON, see cases.go.
//
// Both come from the Go types of the pinned modules. Which types, and in which order their fields
// stand, is the catalog's (tests/controlplane/catalog), so that names of fields are there only.
package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

const (
	catalogFile = "../../../src/sandbox/memory/catalog/catalog.json.gz"
	numbersFile = "../../../src/sandbox/memory/protobuf/numbers.txt.gz"
	casesFile   = "../../../src/sandbox/memory/protobuf/cases.txt"
)

func main() {
	check := flag.Bool("check", false, "write nothing; fail when a file differs from what would be written")
	show := flag.Bool("print", false, "write nothing; print the numbers")
	flag.Parse()
	if err := run(*check, *show); err != nil {
		fmt.Fprintf(os.Stderr, "protobuf: %v\n", err)
		os.Exit(1)
	}
}

func run(check, show bool) error {
	types, err := readCatalog(catalogFile)
	if err != nil {
		return err
	}
	text, err := numbers(types)
	if err != nil {
		return err
	}
	if show {
		_, err := os.Stdout.Write(text)
		return err
	}
	cases, err := cases()
	if err != nil {
		return err
	}
	if check {
		return errors.Join(same(numbersFile, text, unpack), same(casesFile, cases, plain))
	}
	packed, err := pack(text)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(numbersFile, packed, 0o644), os.WriteFile(casesFile, cases, 0o644))
}

func same(path string, want []byte, read func([]byte) ([]byte, error)) error {
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	have, err := read(file)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if bytes.Equal(have, want) {
		return nil
	}
	haveLines, wantLines := bytes.Split(have, []byte("\n")), bytes.Split(want, []byte("\n"))
	at := 0
	for at < len(haveLines) && at < len(wantLines) && bytes.Equal(haveLines[at], wantLines[at]) {
		at++
	}
	line := func(lines [][]byte) []byte {
		if at < len(lines) {
			return lines[at][:min(len(lines[at]), 200)]
		}
		return nil
	}
	return fmt.Errorf("%s is not what the pinned version says; run tests/controlplane/protobuf/generate.sh\n"+
		"first difference, in line %d\n  is:        %s\n  should be: %s", path, at+1, line(haveLines), line(wantLines))
}

func plain(file []byte) ([]byte, error) { return file, nil }

// unpack gives what was packed: what another Go's gzip would write differs, and says the same.
func unpack(file []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(reader)
}

func pack(text []byte) ([]byte, error) {
	file := &bytes.Buffer{}
	writer, err := gzip.NewWriterLevel(file, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := writer.Write(text); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return file.Bytes(), nil
}
