// Command inside writes src/sandbox/memory/kinds/pod/internal.txt: the fields of pods and of claims
// as Kubernetes has them within, in Go's names and order, each with its name in JSON. Errors about
// fields that must not change show objects in that form. The form of the file is described in
// internal.rs beside it.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
)

const (
	pinnedModule = "../kubernetes"
	file         = "../../../src/sandbox/memory/kinds/pod/internal.txt"
)

// roots are what errors show; the types that they contain follow.
var roots = []string{"PodSpec", "PersistentVolumeClaimSpec", "PersistentVolumeSource", "EphemeralContainer"}

func main() {
	check := flag.Bool("check", false, "write nothing; fail when the file differs from what would be written")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintf(os.Stderr, "inside: %v\n", err)
		os.Exit(1)
	}
}

func run(check bool) error {
	within, err := moduleFile("k8s.io/kubernetes", "pkg/apis/core/types.go")
	if err != nil {
		return err
	}
	outside, err := moduleFile("k8s.io/api", "core/v1/types.go")
	if err != nil {
		return err
	}
	internal, err := readTypes(within)
	if err != nil {
		return err
	}
	versioned, err := readTypes(outside)
	if err != nil {
		return err
	}
	text, err := write(internal, versioned)
	if err != nil {
		return err
	}
	if !check {
		return os.WriteFile(file, text, 0o644)
	}
	have, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !bytes.Equal(have, text) {
		return fmt.Errorf("%s is not what the pinned modules say; run tests/controlplane/inside/generate.sh", filepath.Base(file))
	}
	return nil
}

// moduleFile finds a file of a module that the pinned go.mod names.
func moduleFile(module, path string) (string, error) {
	command := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module)
	command.Dir = pinnedModule
	out, err := command.Output()
	dir := strings.TrimSpace(string(out))
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return "", fmt.Errorf("go list %s: %s", module, failed.Stderr)
	}
	if err != nil {
		return "", err
	}
	if dir == "" {
		return "", fmt.Errorf("%s is not downloaded: run tests/controlplane/build.sh", module)
	}
	return filepath.Join(dir, path), nil
}

// write gives a line for each type that roots lead to, by name.
func write(internal, versioned *types) ([]byte, error) {
	lines := map[string]string{}
	todo := append([]string(nil), roots...)
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		if _, done := lines[name]; done {
			continue
		}
		json := versioned.names(name)
		var words []string
		for _, field := range internal.flat(name) {
			mark, contained, err := internal.mark(field.of)
			if err != nil {
				return nil, fmt.Errorf("%s.%s: %w", name, field.name, err)
			}
			if contained != "" {
				todo = append(todo, contained)
			}
			called, err := nameIn(json, field.name)
			if err != nil {
				return nil, fmt.Errorf("%s.%s: %w", name, field.name, err)
			}
			word := field.name
			if called != strings.ToLower(word[:1])+word[1:] {
				word += "=" + called
			}
			words = append(words, word+mark)
		}
		lines[name] = strings.Join(words, " ")
	}
	names := make([]string, 0, len(lines))
	for name := range lines {
		names = append(names, name)
	}
	sort.Strings(names)
	var text bytes.Buffer
	for _, name := range names {
		fmt.Fprintf(&text, "%s %s\n", name, lines[name])
	}
	return text.Bytes(), nil
}

// moved are fields that are elsewhere within than in the API: in a pod's security context.
var moved = map[string]string{
	"HostNetwork":           "hostNetwork",
	"HostPID":               "hostPID",
	"HostIPC":               "hostIPC",
	"ShareProcessNamespace": "shareProcessNamespace",
	"HostUsers":             "hostUsers",
}

// nameIn finds the JSON name of a field whose Go name may be spelled otherwise in the API.
func nameIn(json map[string]string, name string) (string, error) {
	if name == embeddedMetadata {
		return "metadata", nil
	}
	if found, ok := json[name]; ok {
		return found, nil
	}
	plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }
	var found []string
	for _, called := range json {
		if plain(called) == plain(name) {
			found = append(found, called)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	if called, ok := moved[name]; ok {
		return called, nil
	}
	return "", errors.New("the API has no field of that name")
}
