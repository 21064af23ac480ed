// Command catalog writes src/sandbox/memory/catalog/catalog.json.gz: the facts of the built-in API
// that the sandbox stands on. Two sources are joined:
//
//   - the Go types of the pinned modules: the order of fields, and which are left out when empty,
//     see types.go;
//   - a running server of that version, for what only it knows: discovery, OpenAPI documents,
//     columns, and the objects that it makes for itself.
//
// The file is three gzip members, each one line of JSON: what is needed always, the objects of a
// fresh server, and what OpenAPI documents are made of. Descriptions of fields are not in it.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
)

const (
	catalogFile  = "../../../src/sandbox/memory/catalog/catalog.json.gz"
	pinnedModule = "../kubernetes/go.mod"
)

// catalog is the first part of the file.
type catalog struct {
	Kubernetes string              `json:"kubernetes"`
	Version    any                 `json:"version"`
	Paths      []string            `json:"paths"`
	Types      []typeFacts         `json:"types"`
	Kinds      map[string][]int    `json:"kinds"`
	Core       any                 `json:"core"`
	Groups     any                 `json:"groups"`
	Hashes     map[string]string   `json:"hashes"`
	Columns    map[string][]column `json:"columns"`
}

func main() {
	check := flag.Bool("check", false, "write nothing; fail when the catalog differs from what would be written")
	show := flag.Bool("print", false, "write nothing; print the catalog as JSON")
	flag.Parse()
	if err := run(*check, *show); err != nil {
		fmt.Fprintf(os.Stderr, "catalog: %v\n", err)
		os.Exit(1)
	}
}

func run(check, show bool) error {
	server, err := connect()
	if err != nil {
		return err
	}
	parts, err := record(server)
	if err != nil {
		return err
	}
	if show {
		_, err := os.Stdout.Write(bytes.Join(parts, nil))
		return err
	}
	if !check {
		return writeParts(catalogFile, parts)
	}
	have, err := readParts(catalogFile)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return compare(have, bytes.Join(parts, nil))
}

// record asks for everything and gives the lines of the file.
func record(server *server) ([][]byte, error) {
	pinned, err := pinnedVersion(pinnedModule)
	if err != nil {
		return nil, err
	}
	served, err := server.discover()
	if err != nil {
		return nil, err
	}
	if served.release != pinned {
		return nil, fmt.Errorf("the server is %s, and %s is pinned", served.release, pinned)
	}
	documents, err := server.documents(served)
	if err != nil {
		return nil, err
	}
	types, kinds, words, err := reflectTypes(served, documents.schemas)
	if err != nil {
		return nil, err
	}
	hashes, err := server.storageHashes(served)
	if err != nil {
		return nil, err
	}
	columns, err := server.columns(served, documents.schemas)
	if err != nil {
		return nil, err
	}
	bootstrap, err := server.bootstrap()
	if err != nil {
		return nil, err
	}
	first := catalog{
		Kubernetes: pinned,
		Version:    served.version,
		Paths:      served.paths,
		Types:      types,
		Kinds:      kinds,
		Core:       served.core,
		Groups:     served.groups,
		Hashes:     hashes,
		Columns:    columns,
	}
	last, err := compact(documents, words)
	if err != nil {
		return nil, err
	}
	return encodeLines(first, bootstrap, last)
}
