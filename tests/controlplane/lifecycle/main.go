// Command lifecycle writes src/discovery/lifecycle.json: for every kind of the built-in APIs, when
// it was introduced, deprecated and removed, and what replaces it.
//
// Nothing in that file is typed in by hand. Two sources are joined:
//
//   - what Kubernetes states of its types: the zz_generated.prerelease-lifecycle.go files, see
//     stated.go;
//   - what its releases serve with every API switched on: the OpenAPI document that each release of
//     k8s.io/kubernetes carries, see served.go. It knows of the alpha versions that state nothing,
//     of kinds that went away earlier than was stated, and how each kind's resource is spelled.
//
// The pinned release is read anew on each run. What earlier releases say cannot change, so it is
// read from history.json, which -history records anew.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

const (
	pinnedModule = "../kubernetes"
	historyFile  = "history.json"
	factsFile    = "../../../src/discovery/lifecycle.json"
)

func main() {
	check := flag.Bool("check", false, "write nothing; fail when the facts differ from what would be written")
	history := flag.Bool("history", false, "first record anew what earlier releases say (downloads about 450 MB of modules)")
	flag.Parse()
	if err := run(*check, *history); err != nil {
		fmt.Fprintf(os.Stderr, "lifecycle: %v\n", err)
		os.Exit(1)
	}
}

func run(check, record bool) error {
	modules, err := pinnedModules(pinnedModule)
	if err != nil {
		return err
	}
	pinned, err := readRelease(modules)
	if err != nil {
		return err
	}
	if record {
		if err := recordHistory(historyFile, pinned.release); err != nil {
			return err
		}
	}
	past, err := readHistory(historyFile, pinned.release)
	if err != nil {
		return err
	}
	facts, err := merge(pinned, past)
	if err != nil {
		return err
	}
	text, err := encodeFacts(modules.version, facts)
	if err != nil {
		return err
	}
	if !check {
		return os.WriteFile(factsFile, text, 0o644)
	}
	return compare(factsFile, text)
}

func compare(path string, want []byte) error {
	have, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if bytes.Equal(have, want) {
		return nil
	}
	haveLines, wantLines := bytes.Split(have, []byte("\n")), bytes.Split(want, []byte("\n"))
	at := 0
	for at < len(haveLines) && at < len(wantLines) && bytes.Equal(haveLines[at], wantLines[at]) {
		at++
	}
	line := func(lines [][]byte) string {
		if at < len(lines) {
			return string(lines[at])
		}
		return "(the file ends)"
	}
	return fmt.Errorf("%s is not what the pinned modules say; run tests/controlplane/lifecycle/generate.sh\n"+
		"first difference, line %d\n  is:        %s\n  should be: %s",
		filepath.Base(path), at+1, line(haveLines), line(wantLines))
}
