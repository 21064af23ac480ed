package main

import (
	"reflect"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// jsonField is a field as encoding/json sees it.
type jsonField struct {
	name                string
	type_               reflect.Type
	omitEmpty, omitZero bool
	merge, retainKeys   bool
	mergeKey            string
	// embedded names the structs that the field is in, as Go's errors do: "A.B"
	embedded string
}

// jsonFields lists the fields of a struct in the order in which encoding/json writes them; those of
// embedded structs stand where these are.
func jsonFields(t reflect.Type) []jsonField {
	fields := []jsonField{}
	for i := range t.NumField() {
		field := t.Field(i)
		tag, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if tag == "-" || !field.IsExported() {
			continue
		}
		if field.Anonymous && tag == "" {
			embedded := field.Type
			if embedded.Kind() == reflect.Pointer {
				embedded = embedded.Elem()
			}
			for _, inner := range jsonFields(embedded) {
				inner.embedded = strings.TrimSuffix(field.Name+"."+inner.embedded, ".")
				fields = append(fields, inner)
			}
			continue
		}
		if tag == "" {
			tag = field.Name
		}
		one := jsonField{name: tag, type_: field.Type, mergeKey: field.Tag.Get("patchMergeKey")}
		for _, option := range strings.Split(options, ",") {
			one.omitEmpty = one.omitEmpty || option == "omitempty"
			one.omitZero = one.omitZero || option == "omitzero"
		}
		for _, strategy := range strings.Split(field.Tag.Get("patchStrategy"), ",") {
			one.merge = one.merge || strategy == "merge"
			one.retainKeys = one.retainKeys || strategy == "retainKeys"
		}
		fields = append(fields, one)
	}
	return fields
}

// writesNull are the structs that write null when they are empty.
var writesNull = map[reflect.Type]bool{
	reflect.TypeFor[metav1.Time]():                          true,
	reflect.TypeFor[metav1.MicroTime]():                     true,
	reflect.TypeFor[metav1.FieldsV1]():                      true,
	reflect.TypeFor[runtime.RawExtension]():                 true,
	reflect.TypeFor[apiextensions.JSON]():                   true,
	reflect.TypeFor[apiextensions.JSONSchemaPropsOrArray](): true,
}

// omits tells when an empty field is not written.
func omits(field jsonField) int {
	kind := field.type_.Kind()
	if field.omitZero && kind == reflect.Struct {
		return omitStruct
	}
	switch kind {
	case reflect.Pointer, reflect.Interface:
		if field.omitEmpty {
			return omitNil
		}
		return omitNull
	case reflect.Slice, reflect.Map:
		if field.omitEmpty {
			return omitZero
		}
		return omitNull
	case reflect.Struct:
		// omitempty does nothing: a struct is never empty.
		if writesNull[field.type_] {
			return omitNull
		}
		return omitNever
	}
	if field.omitEmpty {
		return omitZero
	}
	return omitNever
}

// schemaName is what a type is called in OpenAPI documents. Its own method knows better than its
// package where there is one.
func schemaName(t reflect.Type) string {
	if named, ok := reflect.New(t).Interface().(interface{ OpenAPIModelName() string }); ok {
		return named.OpenAPIModelName()
	}
	path := strings.Split(t.PkgPath(), "/")
	host := strings.Split(path[0], ".")
	for i, j := 0, len(host)-1; i < j; i, j = i+1, j-1 {
		host[i], host[j] = host[j], host[i]
	}
	return strings.Join(append(append(host, path[1:]...), t.Name()), ".")
}

// goWords is how Go's errors name a type.
func goWords(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.String()
}

// derivedWords is what can be told from a field's facts.
func derivedWords(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t {
	case reflect.TypeFor[metav1.Time](), reflect.TypeFor[metav1.MicroTime](), reflect.TypeFor[metav1.Duration](),
		reflect.TypeFor[resource.Quantity](), reflect.TypeFor[intstr.IntOrString]():
		return t.String()
	}
	switch t.Kind() {
	case reflect.Struct:
		parts := strings.Split(schemaName(t), ".")
		return strings.Join(parts[len(parts)-2:], ".")
	case reflect.Slice:
		return "[]" + derivedWords(t.Elem())
	case reflect.Map:
		return "map[string]" + derivedWords(t.Elem())
	case reflect.Int:
		return "int64"
	}
	return t.Kind().String()
}
