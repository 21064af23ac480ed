package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const lifecycleFile = "zz_generated.prerelease-lifecycle.go"

// kindID names a kind of an API version.
type kindID struct {
	Group   string `json:"group"`
	Version string `json:"version"`
	Kind    string `json:"kind"`
}

// statement is what Kubernetes states of a kind, in the methods that prerelease-lifecycle-gen
// writes. The server warns by them, and stops serving a beta API in the release they name.
type statement struct {
	introduced, deprecated, removed release
	replacement                     kindID
}

// readStatements reads every lifecycle file below dir into found.
func readStatements(dir string, found map[kindID]statement) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != lifecycleFile {
			return err
		}
		group, version, err := groupVersion(filepath.Dir(path))
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, declaration := range file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if err := readMethod(function, group, version, found); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
		return nil
	})
}

// readMethod reads one `func (in *Kind) APILifecycleRemoved() (major, minor int) { return 1, 22 }`.
func readMethod(function *ast.FuncDecl, group, version string, found map[kindID]statement) error {
	what, ok := strings.CutPrefix(function.Name.Name, "APILifecycle")
	if !ok {
		return nil
	}
	kind, ok := receiver(function)
	if !ok || len(function.Body.List) != 1 {
		return fmt.Errorf("%s has another shape than the generator knows", function.Name.Name)
	}
	result, ok := function.Body.List[0].(*ast.ReturnStmt)
	if !ok {
		return fmt.Errorf("%s of %s does more than return", function.Name.Name, kind)
	}
	id := kindID{group, version, kind}
	stated := found[id]
	var err error
	switch what {
	case "Introduced":
		stated.introduced, err = returnedRelease(result)
	case "Deprecated":
		stated.deprecated, err = returnedRelease(result)
	case "Removed":
		stated.removed, err = returnedRelease(result)
	case "Replacement":
		stated.replacement, err = returnedKind(result)
	default:
		err = fmt.Errorf("unknown method %s", function.Name.Name)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	found[id] = stated
	return nil
}

func receiver(function *ast.FuncDecl) (string, bool) {
	if function.Recv == nil || len(function.Recv.List) != 1 {
		return "", false
	}
	pointer, ok := function.Recv.List[0].Type.(*ast.StarExpr)
	if !ok {
		return "", false
	}
	name, ok := pointer.X.(*ast.Ident)
	if !ok {
		return "", false
	}
	return name.Name, true
}

func returnedRelease(result *ast.ReturnStmt) (release, error) {
	var numbers [2]int
	if len(result.Results) != len(numbers) {
		return release{}, fmt.Errorf("%d results where major and minor are expected", len(result.Results))
	}
	for i, expression := range result.Results {
		literal, ok := expression.(*ast.BasicLit)
		if !ok {
			return release{}, fmt.Errorf("a result that is not a number")
		}
		number, err := strconv.Atoi(literal.Value)
		if err != nil {
			return release{}, err
		}
		numbers[i] = number
	}
	return release{numbers[0], numbers[1]}, nil
}

func returnedKind(result *ast.ReturnStmt) (kindID, error) {
	if len(result.Results) != 1 {
		return kindID{}, fmt.Errorf("%d results where one is expected", len(result.Results))
	}
	literal, ok := result.Results[0].(*ast.CompositeLit)
	if !ok {
		return kindID{}, fmt.Errorf("a replacement that is not a literal")
	}
	fields, err := stringFields(literal, nil)
	return kindID{fields["Group"], fields["Version"], fields["Kind"]}, err
}

// groupVersion reads the names that a package registers its types under: its SchemeGroupVersion,
// with the GroupName constant in it.
func groupVersion(dir string) (group, version string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", "", err
	}
	constants := map[string]string{}
	var registered *ast.CompositeLit
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, entry.Name()), nil, parser.SkipObjectResolution)
		if err != nil {
			return "", "", err
		}
		for _, declaration := range file.Decls {
			values, ok := declaration.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range values.Specs {
				value, ok := spec.(*ast.ValueSpec)
				if !ok || len(value.Names) != 1 || len(value.Values) != 1 {
					continue
				}
				switch given := value.Values[0].(type) {
				case *ast.BasicLit:
					if text, err := strconv.Unquote(given.Value); err == nil && values.Tok == token.CONST {
						constants[value.Names[0].Name] = text
					}
				case *ast.CompositeLit:
					if value.Names[0].Name == "SchemeGroupVersion" {
						registered = given
					}
				}
			}
		}
	}
	if registered == nil {
		return "", "", fmt.Errorf("%s has no SchemeGroupVersion", dir)
	}
	fields, err := stringFields(registered, constants)
	if err != nil {
		return "", "", fmt.Errorf("%s: SchemeGroupVersion: %w", dir, err)
	}
	if fields["Version"] == "" {
		return "", "", fmt.Errorf("%s: SchemeGroupVersion names no version", dir)
	}
	return fields["Group"], fields["Version"], nil
}

// stringFields reads `T{Field: "text", Other: Constant}`.
func stringFields(literal *ast.CompositeLit, constants map[string]string) (map[string]string, error) {
	fields := map[string]string{}
	for _, element := range literal.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok {
			return nil, fmt.Errorf("a field without its name")
		}
		name, ok := pair.Key.(*ast.Ident)
		if !ok {
			return nil, fmt.Errorf("a field name that is not one")
		}
		switch value := pair.Value.(type) {
		case *ast.BasicLit:
			text, err := strconv.Unquote(value.Value)
			if err != nil {
				return nil, err
			}
			fields[name.Name] = text
		case *ast.Ident:
			text, known := constants[value.Name]
			if !known {
				return nil, fmt.Errorf("%s is %s, which is no constant of this package", name.Name, value.Name)
			}
			fields[name.Name] = text
		default:
			return nil, fmt.Errorf("%s is neither a string nor a constant", name.Name)
		}
	}
	return fields, nil
}
