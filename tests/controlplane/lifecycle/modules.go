package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// typeModules hold the types of the built-in APIs, and what is stated of them.
var typeModules = []string{"k8s.io/api", "k8s.io/apiextensions-apiserver", "k8s.io/kube-aggregator"}

const serverModule = "k8s.io/kubernetes"

// moduleSet is one release of Kubernetes as Go modules, on this machine.
type moduleSet struct {
	version string   // of Kubernetes: 1.36.3
	types   []string // directories of typeModules; none before they stated anything
	server  string   // directory of serverModule
}

// pinnedModules finds the modules that the go.mod in dir pins; they are the ones that the real
// servers are built from.
func pinnedModules(dir string) (moduleSet, error) {
	paths := append([]string{serverModule}, typeModules...)
	if _, err := goCommand(dir, append([]string{"mod", "download"}, paths...)...); err != nil {
		return moduleSet{}, err
	}
	out, err := goCommand(dir, append([]string{"list", "-m", "-f", "{{.Version}} {{.Dir}}"}, paths...)...)
	if err != nil {
		return moduleSet{}, err
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(paths) {
		return moduleSet{}, fmt.Errorf("go list in %s named %d modules of %d", dir, len(lines), len(paths))
	}
	set := moduleSet{}
	for i, line := range lines {
		version, moduleDir, _ := strings.Cut(line, " ")
		if moduleDir == "" {
			return moduleSet{}, fmt.Errorf("%s has no directory; is it in the module cache?", paths[i])
		}
		if i == 0 {
			set.version, set.server = strings.TrimPrefix(version, "v"), moduleDir
		} else {
			set.types = append(set.types, moduleDir)
		}
	}
	return set, nil
}

// releaseModules downloads the first patch of an earlier release. typesToo: the type modules too.
func releaseModules(r release, typesToo bool) (moduleSet, error) {
	set := moduleSet{version: r.String() + ".0"}
	wanted := []string{fmt.Sprintf("%s@v%s", serverModule, set.version)}
	if typesToo {
		for _, path := range typeModules {
			wanted = append(wanted, fmt.Sprintf("%s@v0.%d.0", path, r.minor))
		}
	}
	// Outside of any module, so that no go.mod decides which versions are meant.
	out, err := goCommand(os.TempDir(), append([]string{"mod", "download", "-json"}, wanted...)...)
	if err != nil {
		return moduleSet{}, err
	}
	decoder := json.NewDecoder(bytes.NewReader(out))
	dirs := map[string]string{}
	for decoder.More() {
		var module struct{ Path, Dir string }
		if err := decoder.Decode(&module); err != nil {
			return moduleSet{}, err
		}
		dirs[module.Path] = module.Dir
	}
	set.server = dirs[serverModule]
	if typesToo {
		for _, path := range typeModules {
			set.types = append(set.types, dirs[path])
		}
	}
	return set, nil
}

func goCommand(dir string, arguments ...string) ([]byte, error) {
	command := exec.Command("go", arguments...)
	command.Dir = dir
	out, err := command.Output()
	if err == nil {
		return out, nil
	}
	said := string(out)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		said += string(exit.Stderr)
	}
	return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(arguments, " "), err, said)
}

// release is a minor release of Kubernetes.
type release struct{ major, minor int }

func (r release) String() string { return fmt.Sprintf("%d.%d", r.major, r.minor) }

func (r release) isZero() bool { return r == release{} }

func (r release) before(other release) bool {
	return r.major < other.major || r.major == other.major && r.minor < other.minor
}

func (r release) next() release { return release{r.major, r.minor + 1} }

// parseRelease reads "1.36" and "1.36.3".
func parseRelease(text string) (release, error) {
	parts := strings.SplitN(text, ".", 3)
	if len(parts) < 2 {
		return release{}, fmt.Errorf("%q is not a release of Kubernetes", text)
	}
	major, err := strconv.Atoi(parts[0])
	if err != nil {
		return release{}, fmt.Errorf("%q is not a release of Kubernetes", text)
	}
	minor, err := strconv.Atoi(parts[1])
	if err != nil {
		return release{}, fmt.Errorf("%q is not a release of Kubernetes", text)
	}
	return release{major, minor}, nil
}

// MarshalText and UnmarshalText let encoding/json write a release as "1.36" and "" for none.
func (r release) MarshalText() ([]byte, error) {
	if r.isZero() {
		return nil, nil
	}
	return []byte(r.String()), nil
}

func (r *release) UnmarshalText(text []byte) (err error) {
	*r, err = parseRelease(string(text))
	return err
}
