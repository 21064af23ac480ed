package main

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"

	apiextensionsscheme "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset/scheme"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes/scheme"
)

// objects are YAML documents, each an object that a client might send.
//
//go:embed objects.yaml
var objects []byte

// cases writes two lines for every object: its body in protobuf, as base64, and what Go writes of it
// as JSON.
func cases() ([]byte, error) {
	both := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, apiextensionsscheme.AddToScheme} {
		if err := add(both); err != nil {
			return nil, err
		}
	}
	reader := serializer.NewCodecFactory(both, serializer.EnableStrict).UniversalDeserializer()
	writer := protobuf.NewSerializer(both, both)
	lines := &bytes.Buffer{}
	for i, document := range bytes.Split(objects, []byte("\n---\n")) {
		object, _, err := reader.Decode(document, nil, nil)
		if err != nil {
			return nil, fmt.Errorf("object %d: %w", i+1, err)
		}
		body := &bytes.Buffer{}
		if err := writer.Encode(object, body); err != nil {
			return nil, fmt.Errorf("object %d: %w", i+1, err)
		}
		text, err := json.Marshal(object)
		if err != nil {
			return nil, fmt.Errorf("object %d: %w", i+1, err)
		}
		fmt.Fprintf(lines, "%s\n%s\n", base64.StdEncoding.EncodeToString(body.Bytes()), text)
	}
	return lines.Bytes(), nil
}
