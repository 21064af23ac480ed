package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Marks stand behind the number of a field whose form the catalog does not tell.
const (
	raw           = "r" // a message with JSON in field 1
	orBool        = "b" // JSONSchemaPropsOrBool
	orArray       = "a" // JSONSchemaPropsOrArray
	orStringArray = "s" // JSONSchemaPropsOrStringArray
	wrapped       = "w" // a list that is a message with items in field 1
)

// special are the types that others than their fields describe. Those without a mark are known by
// the catalog's letters.
var special = map[reflect.Type]string{
	reflect.TypeFor[metav1.Time]():                                "",
	reflect.TypeFor[metav1.MicroTime]():                           "",
	reflect.TypeFor[resource.Quantity]():                          "",
	reflect.TypeFor[intstr.IntOrString]():                         "",
	reflect.TypeFor[[]byte]():                                     "",
	reflect.TypeFor[metav1.FieldsV1]():                            raw,
	reflect.TypeFor[runtime.RawExtension]():                       raw,
	reflect.TypeFor[apiextensions.JSON]():                         raw,
	reflect.TypeFor[apiextensions.JSONSchemaPropsOrBool]():        orBool,
	reflect.TypeFor[apiextensions.JSONSchemaPropsOrArray]():       orArray,
	reflect.TypeFor[apiextensions.JSONSchemaPropsOrStringArray](): orStringArray,
}

// message is what Go's generated types have.
type message interface {
	Marshal() ([]byte, error)
	Unmarshal([]byte) error
}

// numbers writes a line for every type of the catalog that is a message:
//
//	io.k8s.api.core.v1.Volume 1 2(1 2 3 ...)
//
// The numbers are those of its fields, in the catalog's order: 0 for one that is not sent, with a
// mark where there is one, and in parentheses those of an embedded struct, which is a message of its
// own behind the number before them. The first line is the digest of the names that the numbers are
// for.
func numbers(types []catalogType) ([]byte, error) {
	known := structs()
	lines, names := &bytes.Buffer{}, sha256.New()
	for _, one := range types {
		t, has := known[one.name]
		if !has {
			return nil, fmt.Errorf("no Go type is %s", one.name)
		}
		if !reflect.PointerTo(t).Implements(reflect.TypeFor[message]()) {
			continue
		}
		walk := walk{}
		if err := walk.fields(t); err != nil {
			return nil, fmt.Errorf("%s: %w", one.name, err)
		}
		if !slices.Equal(walk.names, one.fields) {
			return nil, fmt.Errorf("%s has the fields %v, in the catalog %v", one.name, walk.names, one.fields)
		}
		fmt.Fprintf(lines, "%s %s\n", one.name, strings.Join(walk.words, " "))
		fmt.Fprintf(names, "%s %s\n", one.name, strings.Join(walk.names, " "))
	}
	return append(fmt.Appendf(nil, "%x\n", names.Sum(nil)), lines.Bytes()...), nil
}

// walk gathers the fields of a struct as encoding/json orders them.
type walk struct {
	names []string
	words []string
}

func (w *walk) fields(t reflect.Type) error {
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" || !field.IsExported() {
			continue
		}
		number, err := numberOf(field)
		if err != nil {
			return err
		}
		if field.Anonymous && name == "" {
			if err := w.embedded(field, number); err != nil {
				return err
			}
			continue
		}
		if name == "" {
			name = field.Name
		}
		word := strconv.Itoa(number)
		if number != 0 {
			mark, err := markOf(field.Type)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if err := written(t, field, number); err != nil {
				return err
			}
			word += mark
		}
		w.names = append(w.names, name)
		w.words = append(w.words, word)
	}
	return nil
}

func (w *walk) embedded(field reflect.StructField, number int) error {
	inner := walk{}
	if err := inner.fields(dereferenced(field.Type)); err != nil {
		return err
	}
	w.names = append(w.names, inner.names...)
	if number == 0 {
		// TypeMeta, which the envelope has.
		for range inner.names {
			w.words = append(w.words, "0")
		}
		return nil
	}
	w.words = append(w.words, fmt.Sprintf("%d(%s)", number, strings.Join(inner.words, " ")))
	return nil
}

// numberOf reads a tag such as `protobuf:"bytes,1,opt,name=metadata"`.
func numberOf(field reflect.StructField) (int, error) {
	tag, has := field.Tag.Lookup("protobuf")
	if !has || tag == "-" {
		return 0, nil
	}
	parts := strings.Split(tag, ",")
	if len(parts) < 2 {
		return 0, fmt.Errorf("%s: the tag %q has no number", field.Name, tag)
	}
	return strconv.Atoi(parts[1])
}

func dereferenced(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// markOf gives the mark of what is in lists and maps, and refuses what nobody reads.
func markOf(t reflect.Type) (string, error) {
	t = dereferenced(t)
	if mark, is := special[t]; is {
		return mark, nil
	}
	switch t.Kind() {
	case reflect.Slice:
		mark, err := markOf(t.Elem())
		if reflect.PointerTo(t).Implements(reflect.TypeFor[message]()) {
			if mark != "" {
				return "", fmt.Errorf("%s wraps what has a mark", t)
			}
			return wrapped, err
		}
		return mark, err
	case reflect.Map:
		return markOf(t.Elem())
	case reflect.Struct:
		if t == reflect.TypeFor[metav1.Duration]() {
			return "", fmt.Errorf("a duration, which no served type had")
		}
		return "", nil
	case reflect.String, reflect.Bool, reflect.Int32, reflect.Int64, reflect.Float64:
		return "", nil
	}
	return "", fmt.Errorf("what is a %s?", t)
}

// written fails when the generated code does not send a field under the number of its tag.
func written(t reflect.Type, field reflect.StructField, number int) error {
	value := reflect.New(t)
	if err := value.Interface().(message).Unmarshal(nil); err != nil {
		return err
	}
	place := value.Elem().FieldByIndex(field.Index)
	switch field.Type.Kind() {
	case reflect.Pointer:
		place.Set(reflect.New(field.Type.Elem()))
	case reflect.Slice:
		place.Set(reflect.MakeSlice(field.Type, 1, 1))
	case reflect.Map:
		place.Set(reflect.MakeMap(field.Type))
		place.SetMapIndex(reflect.Zero(field.Type.Key()), reflect.Zero(field.Type.Elem()))
	}
	body, err := value.Interface().(message).Marshal()
	if err != nil {
		return err
	}
	for len(body) > 0 {
		tag, rest, err := varint(body)
		if err != nil {
			return err
		}
		if int(tag>>3) == number {
			return nil
		}
		if body, err = skip(rest, tag&7); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s: field %d is not written", field.Name, number)
}

func varint(body []byte) (uint64, []byte, error) {
	value := uint64(0)
	for i, b := range body {
		value |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			return value, body[i+1:], nil
		}
	}
	return 0, nil, fmt.Errorf("a number without an end")
}

func skip(body []byte, wire uint64) ([]byte, error) {
	length := uint64(8)
	switch wire {
	case 0:
		_, rest, err := varint(body)
		return rest, err
	case 1:
	case 2:
		var err error
		if length, body, err = varint(body); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("wire type %d", wire)
	}
	if length > uint64(len(body)) {
		return nil, fmt.Errorf("a field without an end")
	}
	return body[length:], nil
}
