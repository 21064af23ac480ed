//! Values against schemas: what kube-apiserver 1.36.3 answered.

use serde_json::{Value, json};

use super::super::object;
use super::super::schema::read;
use super::{Node, validate};

/// A value of the field, and what is wrong with it.
type Case = (&'static str, &'static [&'static str]);

/// Each schema is that of a field `v`, with values of the field and what is wrong with them.
const CASES: &[(&str, &[Case])] = &[
    (
        r#"{"type": "integer"}"#,
        &[
            (
                r#""x""#,
                &[r#"v: Invalid value: "string": v in body must be of type integer: "string""#],
            ),
            (
                "1.5",
                &[
                    r#"v: Invalid value: "number": v in body must be of type integer: "number""#,
                    r#"<nil>: Invalid value: "": Checked value must be of type integer (default format) in v"#,
                ],
            ),
            (
                "true",
                &[r#"v: Invalid value: "boolean": v in body must be of type integer: "boolean""#],
            ),
            (
                "[]",
                &[r#"v: Invalid value: "array": v in body must be of type integer: "array""#],
            ),
            (
                "{}",
                &[r#"v: Invalid value: "object": v in body must be of type integer: "object""#],
            ),
            ("1.0", &[]),
            ("null", &[]),
            ("5", &[]),
        ],
    ),
    (
        r#"{"type": "integer", "minimum": 2, "maximum": 5}"#,
        &[
            (
                "1",
                &["v: Invalid value: 1: v in body should be greater than or equal to 2"],
            ),
            (
                "6",
                &["v: Invalid value: 6: v in body should be less than or equal to 5"],
            ),
            ("2", &[]),
        ],
    ),
    (
        r#"{"type": "integer", "minimum": 2, "exclusiveMinimum": true, "maximum": 5, "exclusiveMaximum": true}"#,
        &[
            (
                "2",
                &["v: Invalid value: 2: v in body should be greater than 2"],
            ),
            (
                "5",
                &["v: Invalid value: 5: v in body should be less than 5"],
            ),
        ],
    ),
    (
        r#"{"type": "integer", "minimum": 1.5}"#,
        &[(
            "1",
            &[
                r#"<nil>: Invalid value: "": Minimum boundary value must be of type integer (default format) in v"#,
                "v: Invalid value: 1: v in body should be greater than or equal to 1.5",
            ],
        )],
    ),
    (
        r#"{"type": "integer", "format": "int32"}"#,
        &[
            (
                "3000000000",
                &[
                    r#"<nil>: Invalid value: "": Checked value must be of type integer with format int32 in v"#,
                ],
            ),
            (
                r#""x""#,
                &[r#"v: Invalid value: "string": v in body must be of type integer: "string""#],
            ),
        ],
    ),
    (
        r#"{"type": "integer", "format": "int64"}"#,
        &[(
            "1e+19",
            &[
                r#"v: Invalid value: "float64": v in body must be of type int64: "float64""#,
                r#"<nil>: Invalid value: "": Checked value must be of type integer with format int64 in v"#,
            ],
        )],
    ),
    (
        r#"{"type": "integer", "multipleOf": 3}"#,
        &[
            (
                "4",
                &["v: Invalid value: 4: v in body should be a multiple of 3"],
            ),
            ("6", &[]),
            (
                "1.5",
                &[
                    r#"v: Invalid value: "number": v in body must be of type integer: "number""#,
                    r#"<nil>: Invalid value: "": Checked value must be of type integer (default format) in v"#,
                    "v: Invalid value: 1.5: v in body should be a multiple of 3",
                ],
            ),
        ],
    ),
    (
        r#"{"type": "number", "multipleOf": 0.1}"#,
        &[
            (
                "0.25",
                &["v: Invalid value: 0.25: v in body should be a multiple of 0.1"],
            ),
            ("0.3", &[]),
            (
                "1",
                &["v: Invalid value: 0: factor MultipleOf declared for v must be positive: 0"],
            ),
        ],
    ),
    (
        r#"{"type": "number", "minimum": 1.5, "maximum": 1000000.0}"#,
        &[
            ("1", &[]),
            (
                "2000000",
                &["v: Invalid value: 2000000: v in body should be less than or equal to 1000000"],
            ),
            (
                "0.5",
                &["v: Invalid value: 0.5: v in body should be greater than or equal to 1.5"],
            ),
            (
                "20000000.0",
                &["v: Invalid value: 2e+07: v in body should be less than or equal to 1e+06"],
            ),
            (
                r#""x""#,
                &[r#"v: Invalid value: "string": v in body must be of type number: "string""#],
            ),
            ("1000000.0", &[]),
        ],
    ),
    (
        r#"{"type": "number", "format": "float"}"#,
        &[
            (
                "1e+39",
                &[
                    r#"<nil>: Invalid value: "": Checked value must be of type number with format float in v"#,
                ],
            ),
            ("5", &[]),
        ],
    ),
    (
        r#"{"type": "number", "format": "double"}"#,
        &[
            (
                r#""x""#,
                &[r#"v: Invalid value: "string": v in body must be of type number: "string""#],
            ),
            (
                "true",
                &[r#"v: Invalid value: "": v in body must be of type double: """#],
            ),
        ],
    ),
    (
        r#"{"type": "string", "maxLength": 3, "minLength": 2}"#,
        &[
            (r#""abcd""#, &["v: Too long: may not be more than 3 bytes"]),
            (
                r#""a""#,
                &[r#"v: Invalid value: "a": v in body should be at least 2 chars long"#],
            ),
            (
                r#""é""#,
                &[r#"v: Invalid value: "é": v in body should be at least 2 chars long"#],
            ),
        ],
    ),
    (
        r#"{"type": "string", "pattern": "^a+$"}"#,
        &[
            (
                r#""b""#,
                &[r#"v: Invalid value: "b": v in body should match '^a+$'"#],
            ),
            (
                "5",
                &[r#"v: Invalid value: "integer": v in body must be of type string: "integer""#],
            ),
        ],
    ),
    (
        r#"{"type": "string", "enum": ["a", "b"]}"#,
        &[
            (
                r#""c""#,
                &[r#"v: Unsupported value: "c": supported values: "a", "b""#],
            ),
            (
                "5",
                &[
                    r#"v: Invalid value: "integer": v in body must be of type string: "integer""#,
                    r#"v: Unsupported value: 5: supported values: "a", "b""#,
                ],
            ),
            ("null", &[]),
        ],
    ),
    (
        r#"{"type": "integer", "enum": [1, 2]}"#,
        &[
            (
                "3",
                &[r#"v: Unsupported value: 3: supported values: "1", "2""#],
            ),
            ("1.0", &[]),
            (
                r#""x""#,
                &[
                    r#"v: Invalid value: "string": v in body must be of type integer: "string""#,
                    r#"v: Unsupported value: "x": supported values: "1", "2""#,
                ],
            ),
        ],
    ),
    (
        r#"{"type": "string", "nullable": true, "enum": ["a"]}"#,
        &[(
            "null",
            &[r#"v: Unsupported value: null: supported values: "a""#],
        )],
    ),
    (
        r#"{"type": "string", "format": "date-time"}"#,
        &[
            (
                r#""x""#,
                &[r#"v: Invalid value: "x": v in body must be of type date-time: "x""#],
            ),
            (
                "5",
                &[r#"v: Invalid value: "int64": v in body must be of type date-time: "int64""#],
            ),
            (
                "true",
                &[r#"v: Invalid value: "": v in body must be of type date-time: """#],
            ),
            ("[]", &[]),
            (r#""2020-01-01T00:00:00Z""#, &[]),
        ],
    ),
    (
        r#"{"type": "string", "format": "ipv4"}"#,
        &[(
            r#""1.2.3""#,
            &[r#"v: Invalid value: "1.2.3": v in body must be of type ipv4: "1.2.3""#],
        )],
    ),
    (
        r#"{"type": "string", "format": "int-or-string"}"#,
        &[
            (r#""x""#, &[]),
            (
                "5",
                &[r#"v: Invalid value: "integer": v in body must be of type string: "integer""#],
            ),
        ],
    ),
    (
        r#"{"type": "boolean"}"#,
        &[
            (
                r#""true""#,
                &[r#"v: Invalid value: "string": v in body must be of type boolean: "string""#],
            ),
            (
                "1",
                &[r#"v: Invalid value: "integer": v in body must be of type boolean: "integer""#],
            ),
        ],
    ),
    (
        r#"{"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 3}"#,
        &[
            (
                r#"["a"]"#,
                &["v: Invalid value: 1: v in body should have at least 2 items"],
            ),
            (
                r#"["a", "b", "c", "d"]"#,
                &["v: Too many: 4: must have at most 3 items"],
            ),
            (
                r#""x""#,
                &[r#"v: Invalid value: "string": v in body must be of type array: "string""#],
            ),
            (
                r#"[1, "b"]"#,
                &[
                    r#"v[0]: Invalid value: "integer": v[0] in body must be of type string: "integer""#,
                ],
            ),
        ],
    ),
    (
        r#"{"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}, "required": ["a", "c"], "minProperties": 2, "maxProperties": 3}"#,
        &[
            (
                "{}",
                &[
                    "v: Invalid value: 0: v in body should have at least 2 properties",
                    "v.a: Required value",
                    "v.c: Required value",
                ],
            ),
            (
                r#"{"a": 1}"#,
                &[
                    "v: Invalid value: 1: v in body should have at least 2 properties",
                    r#"v.a: Invalid value: "integer": v.a in body must be of type string: "integer""#,
                    "v.c: Required value",
                ],
            ),
            (
                r#"{"a": "x", "b": "y", "c": 1}"#,
                &[
                    r#"v.b: Invalid value: "string": v.b in body must be of type integer: "string""#,
                    "v.c: Required value",
                ],
            ),
            (
                "5",
                &[r#"v: Invalid value: "integer": v in body must be of type object: "integer""#],
            ),
        ],
    ),
    (
        r#"{"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 1, "maxProperties": 1}"#,
        &[
            (
                "{}",
                &["v: Invalid value: 0: v in body should have at least 1 properties"],
            ),
            (
                r#"{"a": "x"}"#,
                &[r#"v.a: Invalid value: "string": v.a in body must be of type integer: "string""#],
            ),
            (
                r#"{"a": 1, "b": 2}"#,
                &["v: Too many: 2: must have at most 1 item"],
            ),
        ],
    ),
    (
        r#"{"type": "object", "additionalProperties": false}"#,
        &[(
            r#"{"a": 1}"#,
            &[r#"v: Invalid value: "a": v.a in body is a forbidden property"#],
        )],
    ),
    (
        r#"{"x-kubernetes-int-or-string": true}"#,
        &[
            (
                "1.5",
                &[
                    r#"v: Invalid value: "number": v in body must be of type integer,string: "number""#,
                ],
            ),
            (
                "true",
                &[
                    r#"v: Invalid value: "boolean": v in body must be of type integer,string: "boolean""#,
                ],
            ),
            (r#""x""#, &[]),
            ("5", &[]),
            (
                "[]",
                &[
                    r#"v: Invalid value: "array": v in body must be of type integer,string: "array""#,
                ],
            ),
            ("null", &[]),
        ],
    ),
    (
        r#"{"x-kubernetes-int-or-string": true, "maximum": 5, "pattern": "^a$", "anyOf": [{"type": "integer"}, {"type": "string"}]}"#,
        &[
            (
                "6",
                &["v: Invalid value: 6: v in body should be less than or equal to 5"],
            ),
            (
                r#""b""#,
                &[r#"v: Invalid value: "b": v in body should match '^a$'"#],
            ),
            ("5", &[]),
            (r#""a""#, &[]),
            (
                "1.5",
                &[
                    r#"v: Invalid value: "number": v in body must be of type integer,string: "number""#,
                    r#"<nil>: Invalid value: "": "v" must validate at least one schema (anyOf)"#,
                    r#"v: Invalid value: "number": v in body must be of type integer: "number""#,
                    r#"<nil>: Invalid value: "": Checked value must be of type integer (default format) in v"#,
                ],
            ),
        ],
    ),
    (
        r#"{"type": "string", "anyOf": [{"pattern": "^a"}, {"minLength": 3}]}"#,
        &[
            (
                r#""b""#,
                &[
                    r#"<nil>: Invalid value: "": "v" must validate at least one schema (anyOf)"#,
                    r#"v: Invalid value: "b": v in body should match '^a'"#,
                ],
            ),
            (r#""a""#, &[]),
            (r#""xyz""#, &[]),
        ],
    ),
    (
        r#"{"type": "string", "oneOf": [{"pattern": "^a"}, {"minLength": 3}]}"#,
        &[
            (
                r#""b""#,
                &[
                    r#"<nil>: Invalid value: "": "v" must validate one and only one schema (oneOf). Found none valid"#,
                    r#"v: Invalid value: "b": v in body should match '^a'"#,
                ],
            ),
            (
                r#""abc""#,
                &[
                    r#"<nil>: Invalid value: "": "v" must validate one and only one schema (oneOf). Found 2 valid alternatives"#,
                ],
            ),
            (r#""a""#, &[]),
        ],
    ),
    (
        r#"{"type": "string", "allOf": [{"pattern": "^a"}, {"minLength": 3}]}"#,
        &[
            (
                r#""b""#,
                &[
                    r#"v: Invalid value: "b": v in body should match '^a'"#,
                    r#"v: Invalid value: "b": v in body should be at least 3 chars long"#,
                    r#"<nil>: Invalid value: "": "v" must validate all the schemas (allOf). None validated"#,
                ],
            ),
            (
                r#""ab""#,
                &[
                    r#"v: Invalid value: "ab": v in body should be at least 3 chars long"#,
                    r#"<nil>: Invalid value: "": "v" must validate all the schemas (allOf)"#,
                ],
            ),
            (r#""abc""#, &[]),
        ],
    ),
    (
        r#"{"type": "string", "not": {"enum": ["a"]}}"#,
        &[
            (
                r#""a""#,
                &[r#"<nil>: Invalid value: "": "v" must not validate the schema (not)"#],
            ),
            (r#""b""#, &[]),
        ],
    ),
    (
        r#"{"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}"#,
        &[
            (
                "{}",
                &[
                    r#"<nil>: Invalid value: "": "v" must validate one and only one schema (oneOf). Found none valid"#,
                    "v.a: Required value",
                ],
            ),
            (
                r#"{"a": "x", "b": "y"}"#,
                &[
                    r#"<nil>: Invalid value: "": "v" must validate one and only one schema (oneOf). Found 2 valid alternatives"#,
                ],
            ),
            (r#"{"a": "x"}"#, &[]),
        ],
    ),
    (
        r#"{"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "anyOf": [{"required": ["a"]}, {"required": ["b"], "properties": {"b": {"pattern": "^q"}}}]}"#,
        &[
            (
                "{}",
                &[
                    r#"<nil>: Invalid value: "": "v" must validate at least one schema (anyOf)"#,
                    "v.a: Required value",
                ],
            ),
            (
                r#"{"b": "x"}"#,
                &[
                    r#"<nil>: Invalid value: "": "v" must validate at least one schema (anyOf)"#,
                    r#"v.b: Invalid value: "x": v.b in body should match '^q'"#,
                ],
            ),
        ],
    ),
    (
        r#"{"type": "string", "maxLength": 1}"#,
        &[(r#""ab""#, &["v: Too long: may not be more than 1 byte"])],
    ),
    (
        r#"{"type": "array", "items": {"type": "string"}, "maxItems": 1}"#,
        &[(
            r#"["a", "b"]"#,
            &["v: Too many: 2: must have at most 1 item"],
        )],
    ),
    (
        r#"{"type": "string", "format": "byte"}"#,
        &[
            (
                r####""###""####,
                &[r####"v: Invalid value: "###": v in body must be of type byte: "###""####],
            ),
            (r#""YQ==""#, &[]),
        ],
    ),
    (
        r#"{"type": "object", "properties": {"deep": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "integer"}}}}}"#,
        &[(
            r#"{"deep": {"x": [1, "y"]}}"#,
            &[
                r#"v.deep.x[1]: Invalid value: "string": v.deep.x[1] in body must be of type integer: "string""#,
            ],
        )],
    ),
    (
        r#"{"type": "integer", "enum": [1]}"#,
        &[(
            "1.5",
            &[
                r#"v: Invalid value: "number": v in body must be of type integer: "number""#,
                r#"<nil>: Invalid value: "": Checked value must be of type integer (default format) in v"#,
            ],
        )],
    ),
    (
        r#"{"type": "string", "pattern": "^\\d+$"}"#,
        &[(
            r#""x""#,
            &[r#"v: Invalid value: "x": v in body should match '^\d+$'"#],
        )],
    ),
    (
        r#"{"type": "object", "properties": {"a": {"type": "string", "nullable": true}}, "required": ["a"]}"#,
        &[(r#"{"a": null}"#, &[]), ("{}", &["v.a: Required value"])],
    ),
    (
        r#"{"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}"#,
        &[(r#"{"a": null}"#, &["v.a: Required value"])],
    ),
];

#[test]
fn the_real_server_agrees() {
    for (schema, values) in CASES {
        let schema: Value = serde_json::from_str(schema).unwrap();
        let schema = read(&json!({"type": "object", "properties": {"v": schema}})).unwrap();
        let node = Node::new(&schema);
        for (value, expected) in *values {
            let mut object = json!({"v": serde_json::from_str::<Value>(value).unwrap()});
            object::prune(&mut object, Some(&schema));
            object::drop_nulls(&mut object, &schema);
            let errors = validate(&node, None, &object);
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert_eq!(errors, *expected, "{schema:?} <- {value}");
        }
    }
}
