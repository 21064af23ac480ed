package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

const (
	schemaRef    = "#/components/schemas/"
	gvkExtension = "x-kubernetes-group-version-kind"
	// everyGroup stands for the extension of schemas that name the document's group-version in it.
	everyGroup = "each"
)

// documents are the OpenAPI v3 documents of a server.
type documents struct {
	// byPath has each document: "apis/apps/v1"
	byPath map[string]map[string]any
	// schemas are those of all documents, with descriptions
	schemas map[string]map[string]any
	// kinds of resources: "apps/v1/deployments"
	kinds map[string]string
}

// documents reads those of what a fresh server serves.
func (s *server) documents(found *served) (*documents, error) {
	index := struct {
		Paths map[string]struct{ ServerRelativeURL string }
	}{}
	if err := s.get("/openapi/v3", "", &index); err != nil {
		return nil, err
	}
	all := &documents{
		byPath:  map[string]map[string]any{},
		schemas: map[string]map[string]any{},
		kinds:   found.kinds(),
	}
	own := map[string]bool{}
	for _, gv := range found.versions {
		own[strings.TrimPrefix(pathOf(gv), "/")] = true
		own["apis/"+gv.Group] = true
	}
	for path, at := range index.Paths {
		if strings.HasPrefix(path, "apis/") && !own[path] {
			continue
		}
		document := map[string]any{}
		if err := s.get(at.ServerRelativeURL, "", &document); err != nil {
			return nil, err
		}
		all.byPath[path] = document
		for name, said := range schemasOf(document) {
			said := said.(map[string]any)
			if isOfEveryGroup(path, name, said) {
				said[gvkExtension] = everyGroup
			}
			if known, is := all.schemas[name]; is && !reflect.DeepEqual(known, said) {
				return nil, fmt.Errorf("%s: another %s than elsewhere", path, name)
			}
			all.schemas[name] = said
		}
	}
	return all, nil
}

func schemasOf(document map[string]any) map[string]any {
	components, _ := document["components"].(map[string]any)
	schemas, _ := components["schemas"].(map[string]any)
	return schemas
}

// isOfEveryGroup: whether the schema is a kind of the core group and of that of the document.
func isOfEveryGroup(path, name string, said map[string]any) bool {
	kind := name[strings.LastIndex(name, ".")+1:]
	expected := []any{map[string]any{"group": "", "version": "v1", "kind": kind}}
	if parts := strings.Split(path, "/"); len(parts) == 3 && parts[0] == "apis" {
		expected = append(expected, map[string]any{"group": parts[1], "version": parts[2], "kind": kind})
	}
	return reflect.DeepEqual(said[gvkExtension], expected) &&
		(kind == "DeleteOptions" || kind == "WatchEvent")
}

// parts is the last line of the file. A document is made of its schemas and its paths; a path
// item is a template with words put in.
type parts struct {
	Schemas map[string]any `json:"schemas"`
	// Frame is what all documents have in common beside schemas and paths.
	Frame     any                      `json:"frame"`
	Documents map[string]documentParts `json:"documents"`
	Templates []any                    `json:"templates"`
	// Words, Embedded and Others are the parts of goNames.
	Words    map[string]map[string]string `json:"words"`
	Embedded map[string]map[string]string `json:"embedded"`
	Others   map[string][]string          `json:"others"`
}

type documentParts struct {
	Schemas []string            `json:"schemas,omitempty"`
	Paths   map[string]pathPart `json:"paths"`
}

// pathPart is the number of a template and the words that take the places of $0, $1 and so on.
type pathPart struct {
	Template int
	Words    []string
}

func (p pathPart) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{p.Template, p.Words})
}

// compact takes documents apart, so that what they have in common is there once.
func compact(all *documents, names goNames) (*parts, error) {
	made := &parts{Schemas: map[string]any{}, Documents: map[string]documentParts{},
		Words: names.types, Embedded: names.embedded, Others: names.others}
	for name, said := range all.schemas {
		made.Schemas[name] = withoutDescriptions(said)
	}
	numbers := map[string]int{}
	for _, path := range sortedKeys(all.byPath) {
		document := all.byPath[path]
		one := documentParts{Schemas: sortedKeys(schemasOf(document)), Paths: map[string]pathPart{}}
		paths, _ := document["paths"].(map[string]any)
		for _, at := range sortedKeys(paths) {
			item := withoutParameterTexts(paths[at])
			words := wordsOf(at, item.(map[string]any), all.kinds)
			template := mapText(item, func(text string) string {
				for i, word := range words {
					text = take(text, word, fmt.Sprintf("$%d", i))
				}
				return text
			})
			restored := mapText(template, func(text string) string {
				for i, word := range words {
					text = strings.ReplaceAll(text, fmt.Sprintf("$%d", i), word)
				}
				return text
			})
			if !reflect.DeepEqual(restored, item) {
				return nil, fmt.Errorf("%s is not what its template says", at)
			}
			key, err := json.Marshal(template)
			if err != nil {
				return nil, err
			}
			number, known := numbers[string(key)]
			if !known {
				number = len(made.Templates)
				numbers[string(key)] = number
				made.Templates = append(made.Templates, template)
			}
			one.Paths[at] = pathPart{number, words}
		}
		made.Documents[path] = one
		frame := frameOf(document)
		if made.Frame != nil && !reflect.DeepEqual(made.Frame, frame) {
			return nil, fmt.Errorf("%s has another frame than other documents", path)
		}
		made.Frame = frame
	}
	return made, nil
}

// take puts a placeholder where a word stands: inside of texts for names of kinds and schemas, in
// place of whole texts for short ones, such as a version, that may be part of anything.
func take(text, word, placeholder string) string {
	if word == "" {
		return text
	}
	if strings.ToLower(word) == word && !strings.Contains(word, "_") && !strings.HasPrefix(word, "io.") {
		if text == word {
			return placeholder
		}
		return text
	}
	return strings.ReplaceAll(text, word, placeholder)
}

// wordsOf collects what is particular to a path: the schema of the resource and that of what is
// sent, the tag and how operation ids write it, both kinds, group and version.
func wordsOf(path string, item map[string]any, kinds map[string]string) []string {
	var tag, group, version, kind string
	for _, method := range sortedKeys(item) {
		operation, _ := item[method].(map[string]any)
		for _, text := range anySlice(operation["tags"]) {
			tag = text.(string)
		}
		if gvk, has := operation[gvkExtension].(map[string]any); has {
			group, _ = gvk["group"].(string)
			version, _ = gvk["version"].(string)
			kind, _ = gvk["kind"].(string)
		}
	}
	parent := parentKind(path, kinds)
	inIDs := ""
	for _, part := range strings.Split(tag, "_") {
		inIDs += strings.ToUpper(part[:min(1, len(part))]) + part[min(1, len(part)):]
	}
	words := []string{schemaIn(item, parent), schemaIn(item, kind), tag, inIDs, parent, kind, group, version}
	for i, word := range words {
		for _, earlier := range words[:i] {
			if word == earlier {
				words[i] = ""
			}
		}
	}
	for len(words) > 0 && words[len(words)-1] == "" {
		words = words[:len(words)-1]
	}
	return words
}

// parentKind finds the kind of the resource in a path such as
// /apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale.
func parentKind(path string, kinds map[string]string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	var gv string
	switch {
	case len(parts) > 2 && parts[0] == "api":
		gv, parts = parts[1], parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		gv, parts = parts[1]+"/"+parts[2], parts[3:]
	default:
		return ""
	}
	if parts[0] == "watch" {
		parts = parts[1:]
	}
	if len(parts) > 2 && parts[0] == "namespaces" && kinds[gv+"/"+parts[2]] != "" {
		parts = parts[2:]
	}
	if len(parts) == 0 {
		return ""
	}
	return kinds[gv+"/"+parts[0]]
}

// schemaIn finds the name of a kind's schema among what a path item refers to.
func schemaIn(item any, kind string) string {
	found := ""
	mapText(item, func(text string) string {
		name, is := strings.CutPrefix(text, schemaRef)
		if is && kind != "" && strings.HasSuffix(name, "."+kind) {
			found = name
		}
		return text
	})
	return found
}

func frameOf(document map[string]any) map[string]any {
	frame := map[string]any{}
	for key, value := range document {
		if key != "paths" && key != "components" {
			frame[key] = value
		}
	}
	components := map[string]any{}
	for key, value := range document["components"].(map[string]any) {
		if key != "schemas" {
			components[key] = value
		}
	}
	frame["components"] = components
	return frame
}
