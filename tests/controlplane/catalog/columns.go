package main

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const asTable = "application/json;as=Table;v=v1;g=meta.k8s.io"

// column is one column of a Table, written as [name, type, format, priority, description]. Of the
// description, a place is kept: "io.k8s.api.core.v1.PodSpec.nodeName" where that field's is the same
// text; it is empty where none is.
type column []any

// columns asks for the Table of each resource that can be listed; the keys are like
// "apps/v1/deployments".
func (s *server) columns(found *served, schemas map[string]map[string]any) (map[string][]column, error) {
	places := placesOf(schemas)
	columns := map[string][]column{}
	for _, resource := range found.listed() {
		table := metav1.Table{}
		if err := s.get(resource.path+"?limit=1", asTable, &table); err != nil {
			return nil, err
		}
		for _, definition := range table.ColumnDefinitions {
			place := places[definition.Description]
			if place == "" {
				place = "=" + definition.Description
			}
			columns[resource.key] = append(columns[resource.key],
				column{definition.Name, definition.Type, definition.Format, definition.Priority, place})
		}
	}
	return columns, nil
}

// placesOf finds where a description comes from; of several places, the first by name.
func placesOf(schemas map[string]map[string]any) map[string]string {
	places := map[string]string{}
	for _, name := range sortedKeys(schemas) {
		properties, _ := schemas[name]["properties"].(map[string]any)
		for _, field := range sortedKeys(properties) {
			text, _ := properties[field].(map[string]any)["description"].(string)
			if _, known := places[text]; !known && text != "" {
				places[text] = name + "." + field
			}
		}
	}
	return places
}
