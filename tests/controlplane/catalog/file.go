package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// pinnedVersion reads "1.36.3" from the go.mod that the real servers are built by.
func pinnedVersion(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	for _, line := range strings.Split(string(text), "\n") {
		if version, found := strings.CutPrefix(line, "require k8s.io/kubernetes v"); found {
			return version, nil
		}
	}
	return "", fmt.Errorf("%s does not require k8s.io/kubernetes", path)
}

func encodeLines(parts ...any) ([][]byte, error) {
	lines := make([][]byte, len(parts))
	for i, part := range parts {
		line := &bytes.Buffer{}
		encoder := json.NewEncoder(line)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(part); err != nil {
			return nil, err
		}
		lines[i] = line.Bytes()
	}
	return lines, nil
}

func writeParts(path string, parts [][]byte) error {
	file := &bytes.Buffer{}
	for _, part := range parts {
		member, err := gzip.NewWriterLevel(file, gzip.BestCompression)
		if err != nil {
			return err
		}
		if _, err := member.Write(part); err != nil {
			return err
		}
		if err := member.Close(); err != nil {
			return err
		}
	}
	return os.WriteFile(path, file.Bytes(), 0o644)
}

// readParts gives all parts as they were before compression: what another Go's gzip would write
// differs, and says the same.
func readParts(path string) ([]byte, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	reader, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(reader)
}

func compare(have, want []byte) error {
	if bytes.Equal(have, want) {
		return nil
	}
	at := 0
	for at < len(have) && at < len(want) && have[at] == want[at] {
		at++
	}
	around := func(text []byte) string {
		return string(text[max(0, min(at-80, len(text))):min(at+120, len(text))])
	}
	return fmt.Errorf("the catalog is not what the pinned version says; run tests/controlplane/catalog/generate.sh\n"+
		"first difference, at byte %d\n  is:        %s\n  should be: %s", at, around(have), around(want))
}
