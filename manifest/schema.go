package manifest

import (
	"encoding/json"
	"io"
	"strings"

	"tend"
)

// Schema writes the JSON Schema (draft 2020-12) of a tend.toml: which keys there are, what each is for, and of what type its
// value is. What a text may say only tend itself knows in full.
func Schema(to io.Writer) error {
	service := properties()
	service[keyCommand] = explained(map[string]any{"oneOf": []any{
		map[string]any{"type": "string", "minLength": 1},
		map[string]any{"type": "array", "items": map[string]any{"type": "string"}, "minItems": 1},
	}}, "What to run: one text, split into words as a shell splits them, or an array of words. No shell runs it unless shell is true.")
	service[keyScript] = map[string]any{"$ref": "#/$defs/service/properties/" + keyCommand}
	document := map[string]any{
		"$schema":              "https://json-schema.org/draft/2020-12/schema",
		"title":                "tend.toml",
		"description":          "Services of tend. Each key is explained in docs/manual.md, the file in docs/toml.md.",
		"type":                 "object",
		"additionalProperties": false,
		"properties": map[string]any{
			"defaults": explained(map[string]any{"type": "object", "additionalProperties": false, "properties": properties()},
				"What every service has that does not say otherwise. Of tables, as environment, each entry counts on its own."),
			"services": map[string]any{
				"type":                 "object",
				"propertyNames":        map[string]any{"maxLength": tend.MaxNameLength, "pattern": `^[^-@/*?\[\]\\\s]([^@/*?\[\]\\]*[^@/*?\[\]\\\s])?$`},
				"additionalProperties": map[string]any{"$ref": "#/$defs/service"},
			},
		},
		"$defs": map[string]any{"service": map[string]any{
			"type": "object", "additionalProperties": false, "properties": service,
			"oneOf": []any{map[string]any{"required": []string{keyCommand}}, map[string]any{"required": []string{keyScript}}},
		}},
	}
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(document)
}

// properties are the keys that a service and the defaults share.
func properties() map[string]any {
	all := map[string]any{keyInherit: explained(map[string]any{"type": "boolean", "default": true},
		"Whether a new service takes what it does not say of its environment and umask from whoever applies the file.")}
	for i := range tend.Options {
		o := &tend.Options[i]
		text := o.Help + " (default: " + o.Default + ")."
		if o.Detail != "" {
			text += " " + o.Detail
		}
		schema := schemaOf(o)
		if len(o.Values) > 0 {
			schema["examples"] = o.Values
		}
		all[o.Key] = explained(schema, strings.ToUpper(text[:1])+text[1:])
	}
	return all
}

func schemaOf(o *tend.Option) map[string]any {
	texts := map[string]any{"type": "array", "items": map[string]any{"type": "string"}}
	switch o.Kind() {
	case tend.KindSwitch:
		return map[string]any{"type": "boolean"}
	case tend.KindNumber, tend.KindAmount:
		return map[string]any{"type": []string{"integer", "string"}}
	case tend.KindOctal:
		return map[string]any{"type": []string{"string", "integer"}, "pattern": "^[0-7]+$", "minimum": 0, "maximum": 0o777}
	case tend.KindList:
		return texts
	case tend.KindCommas:
		return map[string]any{"type": []string{"array", "integer", "string"}, "items": map[string]any{"type": []string{"integer", "string"}}}
	case tend.KindTable:
		return map[string]any{"oneOf": []any{
			map[string]any{"type": "object", "additionalProperties": map[string]any{"type": []string{"string", "integer"}}}, texts,
		}}
	}
	return map[string]any{"type": "string"}
}

// explained adds what editors show.
func explained(schema map[string]any, text string) map[string]any {
	schema["description"] = text
	return schema
}
