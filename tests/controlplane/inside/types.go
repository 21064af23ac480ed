package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strconv"
	"strings"
)

// embeddedMetadata stands for the name of an embedded ObjectMeta.
const embeddedMetadata = "@"

// types are those that one file declares.
type types struct {
	structs map[string]*ast.StructType
	others  map[string]ast.Expr
}

// field is one of a structure, those of embedded structures among them.
type field struct {
	name string
	of   ast.Expr
	tag  string
}

func readTypes(path string) (*types, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	found := &types{structs: map[string]*ast.StructType{}, others: map[string]ast.Expr{}}
	for _, declaration := range parsed.Decls {
		general, ok := declaration.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range general.Specs {
			declared, ok := spec.(*ast.TypeSpec)
			if !ok {
				continue
			}
			if structure, ok := declared.Type.(*ast.StructType); ok {
				found.structs[declared.Name.Name] = structure
			} else {
				found.others[declared.Name.Name] = declared.Type
			}
		}
	}
	return found, nil
}

// flat gives the fields of a structure in order; embedded structures of the same file are replaced
// by their fields.
func (t *types) flat(name string) []field {
	structure, ok := t.structs[name]
	if !ok {
		return nil
	}
	var fields []field
	for _, declared := range structure.Fields.List {
		tag := ""
		if declared.Tag != nil {
			tag, _ = strconv.Unquote(declared.Tag.Value)
		}
		if len(declared.Names) == 0 {
			if text(declared.Type) == "metav1.ObjectMeta" {
				fields = append(fields, field{embeddedMetadata, declared.Type, tag})
			} else {
				fields = append(fields, t.flat(last(declared.Type))...)
			}
			continue
		}
		for _, own := range declared.Names {
			fields = append(fields, field{own.Name, declared.Type, tag})
		}
	}
	return fields
}

// names gives the JSON names of a structure's fields by their Go names.
func (t *types) names(name string) map[string]string {
	names := map[string]string{}
	for _, field := range t.flat(name) {
		json, _, _ := strings.Cut(reflect.StructTag(field.tag).Get("json"), ",")
		if json == "" {
			json = field.name
		}
		names[field.name] = json
	}
	return names
}

// mark says what a field holds, and which structure of the same file.
func (t *types) mark(of ast.Expr) (string, string, error) {
	own := func(prefix string, of ast.Expr) (string, string, error) {
		if name := text(of); t.structs[name] != nil {
			return prefix + name, name, nil
		}
		return prefix, "", nil
	}
	switch of := of.(type) {
	case *ast.StarExpr:
		return own("*", of.X)
	case *ast.ArrayType:
		return own("[]", of.Elt)
	case *ast.MapType:
		return "{}", "", nil
	}
	name := text(of)
	if t.structs[name] != nil {
		return "." + name, name, nil
	}
	if other, ok := t.others[name]; ok {
		if _, ok := other.(*ast.MapType); ok {
			return "{}", "", nil
		}
		name = text(other)
	}
	switch name {
	case "string", "types.UID":
		return `"`, "", nil
	case "int", "int32", "int64", "uint8":
		return "0", "", nil
	case "bool":
		return "!", "", nil
	case "resource.Quantity":
		return "q", "", nil
	case "metav1.ObjectMeta":
		return "m", "", nil
	}
	if strings.HasPrefix(name, "intstr.") || strings.HasPrefix(name, "metav1.") {
		return "v", "", nil
	}
	return "", "", fmt.Errorf("no mark for the type %s", name)
}

// text writes a type's name as it stands in the file.
func text(of ast.Expr) string {
	switch of := of.(type) {
	case *ast.Ident:
		return of.Name
	case *ast.SelectorExpr:
		return text(of.X) + "." + of.Sel.Name
	}
	return ""
}

// last gives a type's name without its package.
func last(of ast.Expr) string {
	name := text(of)
	return name[strings.LastIndexByte(name, '.')+1:]
}
