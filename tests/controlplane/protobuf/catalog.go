package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"

	apiextensionsscheme "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset/scheme"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	aggregatorscheme "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset/scheme"
)

// catalogType is a type of the catalog that is a struct.
type catalogType struct {
	name   string
	fields []string
}

// readCatalog gives the types of the catalog, in its order.
func readCatalog(path string) ([]catalogType, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	reader, err := gzip.NewReader(file)
	if err != nil {
		return nil, err
	}
	var facts struct {
		Types []struct {
			Name   string  `json:"n"`
			Any    bool    `json:"any"`
			Fields [][]any `json:"f"`
		} `json:"types"`
	}
	if err := json.NewDecoder(reader).Decode(&facts); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	types := []catalogType{}
	for _, one := range facts.Types {
		if one.Any {
			continue
		}
		fields := make([]string, len(one.Fields))
		for i, field := range one.Fields {
			fields[i] = field[0].(string)
		}
		types = append(types, catalogType{one.Name, fields})
	}
	return types, nil
}

// structs gives all structs of the API by the names of their schemas.
func structs() map[string]reflect.Type {
	found := map[string]reflect.Type{}
	for _, known := range []*runtime.Scheme{scheme.Scheme, apiextensionsscheme.Scheme, aggregatorscheme.Scheme} {
		for _, kind := range known.AllKnownTypes() {
			find(kind, found)
		}
	}
	for _, kind := range []any{metav1.Table{}, metav1.PartialObjectMetadata{}, metav1.PartialObjectMetadataList{}} {
		find(reflect.TypeOf(kind), found)
	}
	return found
}

func find(t reflect.Type, found map[string]reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		find(t.Elem(), found)
	case reflect.Struct:
		name := schemaName(t)
		if _, known := found[name]; known {
			return
		}
		found[name] = t
		for i := range t.NumField() {
			if field := t.Field(i); field.IsExported() {
				find(field.Type, found)
			}
		}
	}
}

// schemaName is what a type is called in OpenAPI documents, and in the catalog.
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
