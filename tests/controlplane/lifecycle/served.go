package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// resourcePath matches the path of a collection or of one object, and no subresource or watch.
var resourcePath = regexp.MustCompile(
	`^/(?:api|apis/[^/]+)/[^/]+/(?:namespaces/\{namespace\}/)?([a-z]+)(?:/\{name\})?$`)

// readServed reads from a release of k8s.io/kubernetes which kinds it serves, and as which
// resource. Its OpenAPI document is recorded from a server that runs with every API switched on
// (hack/update-openapi-spec.sh, --runtime-config=api/all=true).
func readServed(dir string) (map[kindID]string, error) {
	path := filepath.Join(dir, "api", "openapi-spec", "swagger.json")
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var document struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	served := map[kindID]string{}
	for route, operations := range document.Paths {
		parts := resourcePath.FindStringSubmatch(route)
		if parts == nil {
			continue
		}
		for method, operation := range operations {
			if method == "parameters" {
				continue
			}
			var about struct {
				ID kindID `json:"x-kubernetes-group-version-kind"`
			}
			if err := json.Unmarshal(operation, &about); err != nil {
				return nil, fmt.Errorf("%s: %s %s: %w", path, method, route, err)
			}
			if about.ID.Kind == "" {
				continue
			}
			if other, known := served[about.ID]; known && other != parts[1] {
				return nil, fmt.Errorf("%s: %v is both %s and %s", path, about.ID, other, parts[1])
			}
			served[about.ID] = parts[1]
		}
	}
	if len(served) == 0 {
		return nil, fmt.Errorf("%s names no resources", path)
	}
	return served, nil
}

// releaseFacts is all that one release says.
type releaseFacts struct {
	release release
	stated  map[kindID]statement
	served  map[kindID]string // kind to the plural name of its resource
}

func readRelease(modules moduleSet) (releaseFacts, error) {
	r, err := parseRelease(modules.version)
	if err != nil {
		return releaseFacts{}, err
	}
	facts := releaseFacts{release: r, stated: map[kindID]statement{}}
	for _, dir := range modules.types {
		if err := readStatements(dir, facts.stated); err != nil {
			return releaseFacts{}, err
		}
	}
	// A list lives as long as what it lists.
	maps.DeleteFunc(facts.stated, func(id kindID, _ statement) bool {
		listed, isList := strings.CutSuffix(id.Kind, "List")
		_, known := facts.stated[kindID{id.Group, id.Version, listed}]
		return isList && known
	})
	facts.served, err = readServed(modules.server)
	return facts, err
}
