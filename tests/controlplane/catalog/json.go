package main

import (
	"maps"
	"slices"
)

func sortedKeys[V any](of map[string]V) []string {
	return slices.Sorted(maps.Keys(of))
}

// mapText gives a copy in which every text has gone through change; keys stay.
func mapText(value any, change func(string) string) any {
	switch value := value.(type) {
	case string:
		return change(value)
	case []any:
		changed := make([]any, len(value))
		for i, item := range value {
			changed[i] = mapText(item, change)
		}
		return changed
	case map[string]any:
		changed := make(map[string]any, len(value))
		for key, item := range value {
			changed[key] = mapText(item, change)
		}
		return changed
	}
	return value
}

// withoutDescriptions gives a copy of a schema without its texts. A property may be called
// "description" as well, and stays.
func withoutDescriptions(schema map[string]any) map[string]any {
	bare := map[string]any{}
	for key, value := range schema {
		switch key {
		case "description":
		case "properties":
			properties := map[string]any{}
			for name, property := range value.(map[string]any) {
				properties[name] = withoutDescriptions(property.(map[string]any))
			}
			bare[key] = properties
		case "items", "additionalProperties":
			if inner, is := value.(map[string]any); is {
				value = withoutDescriptions(inner)
			}
			bare[key] = value
		case "allOf", "oneOf":
			all := []any{}
			for _, inner := range value.([]any) {
				all = append(all, withoutDescriptions(inner.(map[string]any)))
			}
			bare[key] = all
		default:
			bare[key] = value
		}
	}
	return bare
}

// withoutParameterTexts gives a copy of a path item without the descriptions of query parameters.
// Other texts in it are formulas, such as "name of the Pod".
func withoutParameterTexts(value any) any {
	switch value := value.(type) {
	case []any:
		bare := make([]any, len(value))
		for i, item := range value {
			bare[i] = withoutParameterTexts(item)
		}
		return bare
	case map[string]any:
		bare := map[string]any{}
		for key, item := range value {
			if key != "description" || value["in"] != "query" {
				bare[key] = withoutParameterTexts(item)
			}
		}
		return bare
	}
	return value
}
