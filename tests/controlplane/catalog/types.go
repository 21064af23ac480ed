package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensionsscheme "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset/scheme"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
	aggregatorscheme "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset/scheme"
)

// typeFacts is one named type.
type typeFacts struct {
	// Name is that of its schema: io.k8s.api.core.v1.Pod
	Name string `json:"n"`
	// Any: anything is kept
	Any bool `json:"any,omitempty"`
	// Atomic: owned as a whole
	Atomic bool `json:"a,omitempty"`
	// Fields in the order in which Go writes them
	Fields []fieldFacts `json:"f,omitempty"`
}

// fieldFacts is one field, written as [name, type, flags], and where there is one, its default.
//
// A type is a letter (see letters), the number of a named type, "{" and a type for a map and "~" for
// an atomic one, "[" and a type for an atomic list, "=" for a set, and "#" with keys, ";" and a type
// for a list of objects told apart by these keys.
type fieldFacts struct {
	name     string
	type_    string
	flags    int
	mergeKey string
	default_ any
}

// What is in the flags beside the lowest three bits, which are one of the omit constants.
const (
	omitNever  = 0 // its zero value is written
	omitNull   = 1 // null is written
	omitZero   = 2 // left out when it is the zero value
	omitNil    = 3 // left out when it was not given
	omitStruct = 4 // left out when all of it is zero

	isRequired  = 8
	isMerged    = 16
	retainsKeys = 32
	zeroDefault = 64 // the schema's default is the zero value
)

func (f fieldFacts) MarshalJSON() ([]byte, error) {
	parts := []any{f.name, f.type_, f.flags}
	if f.mergeKey != "" || f.default_ != nil {
		parts = append(parts, f.mergeKey)
	}
	if f.default_ != nil {
		parts = append(parts, f.default_)
	}
	return json.Marshal(parts)
}

// letters are the types that Go writes as single values, or keeps as they are.
var letters = map[reflect.Type]string{
	reflect.TypeFor[metav1.Time]():        "t",
	reflect.TypeFor[metav1.MicroTime]():   "u",
	reflect.TypeFor[metav1.Duration]():    "r",
	reflect.TypeFor[resource.Quantity]():  "q",
	reflect.TypeFor[intstr.IntOrString](): "x",
	reflect.TypeFor[[]byte]():             "y",
	reflect.TypeFor[metav1.FieldsV1]():    "*",
	reflect.TypeFor[apiextensions.JSON](): "*",
	reflect.TypeFor[any]():                "*",
}

// kept are the named types that are no structs to those who read them.
var kept = map[reflect.Type]bool{
	reflect.TypeFor[runtime.RawExtension]():                       true,
	reflect.TypeFor[apiextensions.JSONSchemaPropsOrArray]():       true,
	reflect.TypeFor[apiextensions.JSONSchemaPropsOrBool]():        true,
	reflect.TypeFor[apiextensions.JSONSchemaPropsOrStringArray](): true,
}

// common are the kinds that belong to every group-version, or to none.
var common = []any{
	metav1.APIGroup{}, metav1.APIGroupList{}, metav1.APIResourceList{}, metav1.APIVersions{},
	metav1.CreateOptions{}, metav1.DeleteOptions{}, metav1.GetOptions{}, metav1.ListOptions{},
	metav1.PatchOptions{}, metav1.UpdateOptions{}, metav1.Status{}, metav1.WatchEvent{},
	metav1.Table{}, metav1.PartialObjectMetadata{}, metav1.PartialObjectMetadataList{},
}

// reflection walks Go's types.
type reflection struct {
	schemas map[string]map[string]any
	found   map[string]reflect.Type
	indices map[string]int
	words   goNames
}

// goNames is what only Go's errors need, by schema and field.
type goNames struct {
	// types has the Go type of a field where its facts do not tell
	types map[string]map[string]string
	// embedded has the structs that a field is embedded with
	embedded map[string]map[string]string
	// others are the kinds of group-versions that are not served
	others map[string][]string
}

func note(in map[string]map[string]string, schema, field, word string) {
	if in[schema] == nil {
		in[schema] = map[string]string{}
	}
	in[schema][field] = word
}

// reflectTypes gives the types of all kinds that are served and of what they contain, which of them
// are the kinds of a group-version ("" for those of any), and the words for their Go types.
func reflectTypes(found *served, schemas map[string]map[string]any) ([]typeFacts, map[string][]int, goNames, error) {
	r := &reflection{
		schemas: schemas,
		found:   map[string]reflect.Type{},
		indices: map[string]int{},
		words: goNames{
			types:    map[string]map[string]string{},
			embedded: map[string]map[string]string{},
			others:   otherKinds(found),
		},
	}
	commons := map[string]bool{}
	for _, kind := range common {
		commons[r.find(reflect.TypeOf(kind))] = true
	}
	kinds := map[string][]string{}
	for _, gv := range found.versions {
		for name, kind := range knownKinds(gv) {
			schemaName := r.find(kind)
			if commons[schemaName] {
				continue
			}
			if name != kind.Name() {
				return nil, nil, goNames{}, fmt.Errorf("kind %s of %s is the Go type %s", name, gv, kind)
			}
			kinds[gv.String()] = append(kinds[gv.String()], schemaName)
		}
	}
	for name := range commons {
		kinds[""] = append(kinds[""], name)
	}
	names := make([]string, 0, len(r.found))
	for name := range r.found {
		names = append(names, name)
	}
	sort.Strings(names)
	for i, name := range names {
		r.indices[name] = i
	}
	types := make([]typeFacts, len(names))
	for i, name := range names {
		facts, err := r.facts(name, r.found[name])
		if err != nil {
			return nil, nil, goNames{}, err
		}
		types[i] = facts
	}
	numbers := map[string][]int{}
	for gv, names := range kinds {
		for _, name := range names {
			numbers[gv] = append(numbers[gv], r.indices[name])
		}
		sort.Ints(numbers[gv])
	}
	return types, numbers, r.words, nil
}

func knownKinds(gv schema.GroupVersion) map[string]reflect.Type {
	for _, known := range []*runtime.Scheme{scheme.Scheme, apiextensionsscheme.Scheme, aggregatorscheme.Scheme} {
		kinds := known.KnownTypes(gv)
		// Every scheme knows the core group's Status and its like; only one has Pods.
		if _, onlyCommon := kinds["Pod"]; len(kinds) > 0 && (gv.Group != "" || onlyCommon) {
			return kinds
		}
	}
	return nil
}

// otherKinds are those of the versions that Kubernetes has and does not serve.
func otherKinds(found *served) map[string][]string {
	kinds := map[string][]string{}
	for gvk := range scheme.Scheme.AllKnownTypes() {
		if gvk.Version != runtime.APIVersionInternal && !slices.Contains(found.versions, gvk.GroupVersion()) {
			kinds[gvk.GroupVersion().String()] = append(kinds[gvk.GroupVersion().String()], gvk.Kind)
		}
	}
	for _, names := range kinds {
		sort.Strings(names)
	}
	return kinds
}

// find notes a struct and all that it contains, and gives the name of its schema.
func (r *reflection) find(t reflect.Type) string {
	name := schemaName(t)
	if _, known := r.found[name]; known {
		return name
	}
	r.found[name] = t
	if kept[t] {
		// What an OrArray may hold is a JSONSchemaProps, which is found on its own.
		return name
	}
	for _, field := range jsonFields(t) {
		r.findIn(field.type_)
	}
	return name
}

func (r *reflection) findIn(t reflect.Type) {
	if letters[t] != "" {
		return
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		r.findIn(t.Elem())
	case reflect.Struct:
		r.find(t)
	}
}

func (r *reflection) facts(name string, t reflect.Type) (typeFacts, error) {
	said := r.schemas[name]
	facts := typeFacts{Name: name, Any: kept[t], Atomic: said["x-kubernetes-map-type"] == "atomic"}
	if facts.Any {
		return facts, nil
	}
	properties, _ := said["properties"].(map[string]any)
	required := map[string]bool{}
	for _, field := range anySlice(said["required"]) {
		required[field.(string)] = true
	}
	for _, field := range jsonFields(t) {
		property, _ := properties[field.name].(map[string]any)
		text, err := r.typeText(field.type_, property, field.merge, field.mergeKey)
		if err != nil {
			return facts, fmt.Errorf("%s.%s: %w", name, field.name, err)
		}
		if said != nil && property == nil {
			return facts, fmt.Errorf("%s.%s: the schema does not have it", name, field.name)
		}
		one := fieldFacts{name: field.name, type_: text, flags: omits(field), mergeKey: field.mergeKey}
		if required[field.name] {
			one.flags |= isRequired
		}
		if field.merge {
			one.flags |= isMerged
		}
		if field.retainKeys {
			one.flags |= retainsKeys
		}
		if value, has := property["default"]; has {
			if isZero(value) {
				one.flags |= zeroDefault
			} else {
				one.default_ = value
			}
		}
		facts.Fields = append(facts.Fields, one)
		if words := goWords(field.type_); words != derivedWords(field.type_) {
			note(r.words.types, name, field.name, words)
		}
		if field.embedded != "" {
			note(r.words.embedded, name, field.name, field.embedded)
		}
	}
	return facts, nil
}

// typeText writes a type as fieldFacts says; property is the schema of what has the type.
func (r *reflection) typeText(t reflect.Type, property map[string]any, merge bool, mergeKey string) (string, error) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if letter := letters[t]; letter != "" {
		return letter, nil
	}
	atomicMap := property["x-kubernetes-map-type"] == "atomic"
	switch t.Kind() {
	case reflect.String:
		return "s", nil
	case reflect.Bool:
		return "b", nil
	case reflect.Int32:
		return "i", nil
	case reflect.Int64, reflect.Int:
		return "l", nil
	case reflect.Float64:
		return "d", nil
	case reflect.Struct:
		if atomicMap {
			return "", fmt.Errorf("this field alone is atomic, which the catalog has no word for")
		}
		return strconv.Itoa(r.indices[schemaName(t)]), nil
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			return "", fmt.Errorf("keys of %s", t)
		}
		values, _ := property["additionalProperties"].(map[string]any)
		value, err := r.typeText(t.Elem(), values, false, "")
		if atomicMap {
			return "~" + value, err
		}
		return "{" + value, err
	case reflect.Slice:
		items, _ := property["items"].(map[string]any)
		item, err := r.typeText(t.Elem(), items, false, "")
		return listMark(property, merge, mergeKey) + item, err
	}
	return "", fmt.Errorf("what is a %s?", t)
}

// listMark decides as kube-openapi's schemaconv does.
func listMark(property map[string]any, merge bool, mergeKey string) string {
	switch property["x-kubernetes-list-type"] {
	case "set":
		return "="
	case "map":
		keys := []string{}
		for _, key := range anySlice(property["x-kubernetes-list-map-keys"]) {
			keys = append(keys, key.(string))
		}
		return "#" + strings.Join(keys, ",") + ";"
	case nil:
		if merge && mergeKey != "" {
			return "#" + mergeKey + ";"
		}
		if merge {
			return "="
		}
	}
	return "["
}

func isZero(value any) bool {
	switch value := value.(type) {
	case string:
		return value == ""
	case float64:
		return value == 0
	case bool:
		return !value
	case map[string]any:
		return len(value) == 0
	}
	return false
}

func anySlice(value any) []any {
	slice, _ := value.([]any)
	return slice
}
