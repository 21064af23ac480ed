package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// fact is one line of lifecycle.json.
type fact struct {
	kindID
	Resource    string  `json:"resource,omitempty"`
	Introduced  release `json:"introduced,omitzero"`
	Deprecated  release `json:"deprecated,omitzero"`
	Removed     release `json:"removed,omitzero"`
	Replacement *kindID `json:"replacement,omitempty"`
}

// merge joins what the pinned release and the earlier ones say; of two statements the pinned
// release's counts.
func merge(pinned releaseFacts, past history) ([]fact, error) {
	kinds := map[kindID]pastKind{}
	for _, kind := range past.Kinds {
		kinds[kind.kindID] = kind
	}
	for id, resource := range pinned.served {
		kind := kinds[id]
		kind.kindID, kind.Resource, kind.Last = id, resource, pinned.release
		if kind.First.isZero() {
			kind.First = pinned.release
		}
		kinds[id] = kind
	}
	for id, stated := range pinned.stated {
		kind := kinds[id]
		kind.kindID = id
		kind.state(stated)
		kinds[id] = kind
	}

	facts := map[kindID]fact{}
	for id, kind := range kinds {
		facts[id] = life(kind, past.First, pinned.release)
	}
	for id, one := range facts {
		if one.Deprecated.isZero() && one.Removed.isZero() {
			continue
		}
		one.Replacement = existing(one.Replacement, facts)
		if one.Replacement == nil {
			one.Replacement = successor(one, facts, pinned)
		}
		facts[id] = one
	}
	if len(facts) == 0 {
		return nil, fmt.Errorf("no facts were found")
	}
	return sortedByKind(facts), nil
}

// life works out when a kind came and went.
func life(kind pastKind, firstRead, pinned release) fact {
	one := fact{
		kindID:      kind.kindID,
		Resource:    kind.Resource,
		Introduced:  kind.Introduced,
		Deprecated:  kind.Deprecated,
		Removed:     kind.Removed,
		Replacement: kind.Replacement,
	}
	if one.Introduced.isZero() && firstRead.before(kind.First) {
		one.Introduced = kind.First
	}
	// An alpha version may go before the release that was stated, and many state none. One that
	// was still there after it had to be switched on by hand (apps/v1beta1 in 1.16 and 1.17).
	if !kind.Last.isZero() && kind.Last.before(pinned) {
		gone := kind.Last.next()
		if one.Removed.isZero() || gone.before(one.Removed) {
			one.Removed = gone
		}
	}
	// What is stated of a kind's end is a plan; one that went by then was never deprecated.
	if !one.Removed.isZero() && !one.Deprecated.before(one.Removed) {
		one.Deprecated = release{}
	}
	return one
}

// existing checks a stated replacement. Some are slips: networking.k8s.io/v1beta1 IngressClass names
// a list, apps/v1beta1 DeploymentRollback a kind that apps/v1 never had.
func existing(stated *kindID, facts map[kindID]fact) *kindID {
	if stated == nil {
		return nil
	}
	for _, kind := range []string{stated.Kind, strings.TrimSuffix(stated.Kind, "List")} {
		id := kindID{stated.Group, stated.Version, kind}
		if _, known := facts[id]; known {
			return &id
		}
	}
	return nil
}

// successor is the kind of the same name in the most stable version of its group that the pinned
// release has, for the many kinds of which no replacement is stated.
func successor(of fact, facts map[kindID]fact, pinned releaseFacts) *kindID {
	best := of.kindID
	for id, other := range facts {
		if id.Group != of.Group || id.Kind != of.Kind || !moreStable(id.Version, best.Version) {
			continue
		}
		_, served := pinned.served[id]
		_, stated := pinned.stated[id]
		if !served && (other.Resource != "" || !stated) {
			continue
		}
		if other.Removed.isZero() || pinned.release.before(other.Removed) {
			best = id
		}
	}
	if best == of.kindID {
		return nil
	}
	return &best
}

var versionName = regexp.MustCompile(`^v(\d+)(?:(alpha|beta)(\d+))?$`)

// moreStable orders version names as Kubernetes does: v2 > v1 > v2beta1 > v1beta2 > v1alpha1
// (k8s.io/apimachinery/pkg/version/helpers.go).
func moreStable(a, b string) bool { return slices.Compare(stability(a), stability(b)) > 0 }

func stability(version string) []int {
	parts := versionName.FindStringSubmatch(version)
	if parts == nil {
		return []int{-1}
	}
	major, _ := strconv.Atoi(parts[1])
	minor, _ := strconv.Atoi(parts[3])
	return []int{map[string]int{"alpha": 0, "beta": 1, "": 2}[parts[2]], major, minor}
}

func optionalKind(id kindID) *kindID {
	if id.Kind == "" {
		return nil
	}
	return &id
}

func sortedByKind[T any](kinds map[kindID]T) []T {
	ids := slices.SortedFunc(maps.Keys(kinds), func(a, b kindID) int {
		return slices.Compare([]string{a.Group, a.Version, a.Kind}, []string{b.Group, b.Version, b.Kind})
	})
	sorted := make([]T, 0, len(ids))
	for _, id := range ids {
		sorted = append(sorted, kinds[id])
	}
	return sorted
}

// encodeFacts writes one line a kind, so that a diff says which kind changed.
func encodeFacts(kubernetes string, facts []fact) ([]byte, error) {
	lines, err := encodeLines(facts)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, `{"kubernetes": %q, "kinds": [%s]}`+"\n", kubernetes, lines), nil
}

func encodeLines[T any](values []T) (string, error) {
	var text bytes.Buffer
	for i, value := range values {
		line, err := json.Marshal(value)
		if err != nil {
			return "", err
		}
		if i > 0 {
			text.WriteByte(',')
		}
		text.WriteByte('\n')
		text.Write(line)
	}
	text.WriteByte('\n')
	return text.String(), nil
}
