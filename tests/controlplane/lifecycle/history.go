package main

import (
	"encoding/json"
	"fmt"
	"os"
)

var (
	// The release before the oldest removals that anybody still meets, those of 1.16: what was
	// removed there is seen while it was served.
	firstRelease = release{1, 15}
	// The first release whose type modules have lifecycle files.
	firstStating = release{1, 19}
)

// pastKind is what the releases before the pinned one say of a kind.
type pastKind struct {
	kindID
	Resource    string  `json:"resource,omitempty"`
	First       release `json:"first,omitzero"` // release that served it
	Last        release `json:"last,omitzero"`  // release that served it
	Introduced  release `json:"introduced,omitzero"`
	Deprecated  release `json:"deprecated,omitzero"`
	Removed     release `json:"removed,omitzero"`
	Replacement *kindID `json:"replacement,omitempty"`
}

func (p *pastKind) state(s statement) {
	p.Introduced, p.Deprecated, p.Removed = s.introduced, s.deprecated, s.removed
	p.Replacement = optionalKind(s.replacement)
}

// history is the file that -history writes.
type history struct {
	First release    `json:"first"`
	Last  release    `json:"last"`
	Kinds []pastKind `json:"kinds"`
}

// recordHistory reads every release from firstRelease to the one before the pinned one, by its
// first patch: what a release serves and states does not change between its patches.
func recordHistory(path string, pinned release) error {
	kinds := map[kindID]pastKind{}
	last := release{}
	for r := firstRelease; r.before(pinned); r = r.next() {
		fmt.Fprintf(os.Stderr, "lifecycle: reading Kubernetes %v\n", r)
		modules, err := releaseModules(r, !r.before(firstStating))
		if err != nil {
			return err
		}
		facts, err := readRelease(modules)
		if err != nil {
			return err
		}
		for id, resource := range facts.served {
			kind := kinds[id]
			kind.kindID, kind.Resource, kind.Last = id, resource, r
			if kind.First.isZero() {
				kind.First = r
			}
			kinds[id] = kind
		}
		for id, stated := range facts.stated {
			kind := kinds[id]
			kind.kindID = id
			kind.state(stated)
			kinds[id] = kind
		}
		last = r
	}
	text := fmt.Sprintf(`{"first": %q, "last": %q, "kinds": [`, firstRelease, last)
	lines, err := encodeLines(sortedByKind(kinds))
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text+lines+"]}\n"), 0o644)
}

// readHistory reads the recorded file; it must reach to the release before the pinned one.
func readHistory(path string, pinned release) (history, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return history{}, err
	}
	var past history
	if err := json.Unmarshal(text, &past); err != nil {
		return history{}, fmt.Errorf("%s: %w", path, err)
	}
	if past.Last.next() != pinned {
		return history{}, fmt.Errorf("%s ends with Kubernetes %v, but %v is pinned; run generate.sh -history",
			path, past.Last, pinned)
	}
	return past, nil
}
