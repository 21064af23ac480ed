//! Rules on one object, with what the real server says.

use serde_json::{Value, json};

use super::super::cases::cases;
use super::super::schema::{self, Schema};
use super::compile;
use super::rules::Rules;

/// A schema with a field of each type, and the rule.
fn schema(rule: &Value) -> Schema {
    let text = json!({"type": "string", "maxLength": 10});
    let integer = json!({"type": "integer"});
    let format = |format: &str| json!({"type": "string", "format": format});
    let list = |items: &Value| json!({"type": "array", "maxItems": 10, "items": items});
    let mut set = list(&text);
    set["x-kubernetes-list-type"] = json!("set");
    let mut keyed = list(&json!({"type": "object", "required": ["k"],
        "properties": {"k": text, "v": integer}}));
    keyed["x-kubernetes-list-type"] = json!("map");
    keyed["x-kubernetes-list-map-keys"] = json!(["k"]);
    let object = json!({"type": "object", "properties": {"a": integer, "b": text, "x-y": text,
        "namespace": text, "if": integer, "a__b": integer, "a.b": integer, "a/b": integer}});
    let schema = json!({"type": "object", "x-kubernetes-validations": [rule], "properties": {
        "i": integer, "j": {"type": "integer", "format": "int32"}, "n": {"type": "number"},
        "s": text, "b": {"type": "boolean"}, "q": text, "en": text, "zero": integer,
        "dt": format("date-time"), "date": format("date"), "dur": format("duration"),
        "by": format("byte"), "ios": {"x-kubernetes-int-or-string": true},
        "any": {"x-kubernetes-preserve-unknown-fields": true},
        "nul": {"type": "string", "nullable": true}, "o": object,
        "m": {"type": "object", "additionalProperties": text},
        "mo": {"type": "object", "additionalProperties":
            {"type": "object", "properties": {"a": integer}}},
        "l": list(&text), "li": list(&integer), "empty": list(&integer),
        "lset": set, "lmap": keyed,
        "emb": {"type": "object", "x-kubernetes-embedded-resource": true,
            "properties": {"spec": {"type": "object", "properties": {"a": integer}}}},
        "fx": {"type": "object", "x-kubernetes-preserve-unknown-fields": true,
            "properties": {"a": integer}},
    }});
    schema::read(&schema).unwrap()
}

fn object() -> Value {
    json!({
        "i": 5, "j": 7, "n": 1.5, "s": "hello, world", "b": true,
        "dt": "2021-06-15T10:20:30.123Z", "date": "2021-06-15", "dur": "1h30m5.25s",
        "by": "aGVsbG8=", "ios": "abc", "any": {"x": 2}, "nul": null,
        "o": {
            "a": 1, "b": "x", "x-y": "d", "namespace": "ns", "if": 3, "a__b": 4, "a.b": 5,
            "a/b": 6
        },
        "m": {"a": "b", "c": "d"}, "mo": {"k": {"a": 1}}, "l": ["a", "b", "a"], "li": [3, 1, 2],
        "lset": ["a", "b"], "lmap": [{"k": "a", "v": 1}, {"k": "b", "v": 2}],
        "latom": [{"k": "a"}],
        "emb": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "n"}, "spec": {"a": 1}},
        "fx": {"a": 1, "b": 2}, "en": "a", "q": "2Gi", "empty": [], "zero": 0
    })
}

/// What the author of a rule is told.
fn problem(rule: &str) -> String {
    let schema = schema(&json!({"rule": rule}));
    let mut reports = compile(&schema, false).unwrap();
    reports.remove(0).error.unwrap_or_default()
}

/// What breaks when the rule is evaluated: `Invalid value` and the details.
fn broken(rule: &str) -> Vec<String> {
    let schema = schema(&json!({"rule": rule}));
    let object = object();
    let outcome = Rules::new(&schema, false).validate(None, &schema, &object, None, None);
    outcome.errors.iter().map(ToString::to_string).collect()
}

/// A problem without the lines that show where it is.
fn plain(problem: &str) -> Vec<String> {
    let lines = problem.lines().filter(|line| !line.starts_with(" | "));
    let plain = |line: &str| {
        line.replace("compilation failed: ", "")
            .replace("ERROR: <input>:", "")
    };
    lines.map(plain).collect()
}

#[test]
fn problems_are_shown() {
    assert_eq!(
        problem("self.foo > 1"),
        "compilation failed: ERROR: <input>:1:5: undefined field 'foo'\n | self.foo > 1\n | ....^"
    );
}

/// Rules that can be compiled, and what is said of others.
#[test]
fn rules_are_compiled() {
    for (rule, expected) in cases(include_str!("compiled.txt")) {
        assert_eq!(plain(&problem(rule)), expected, "{rule}");
    }
}

/// What expressions give; the real server finds all of it equal.
#[test]
fn expressions_have_values() {
    for (expression, value) in cases(include_str!("values.txt")) {
        let rule = format!("dyn({expression}) == dyn({})", value[0]);
        assert_eq!(broken(&rule), Vec::<String>::new(), "{rule}");
    }
}

/// Rules that hold, are broken, or cannot be evaluated.
#[test]
fn rules_are_evaluated() {
    for (rule, expected) in cases(include_str!("evaluated.txt")) {
        let expected = expected
            .iter()
            .map(|why| format!("<nil>: Invalid value: {why}"));
        assert_eq!(broken(rule), expected.collect::<Vec<_>>());
    }
}

#[test]
fn no_rule_takes_forever() {
    let all = "[1,2,3,4,5,6,7,8,9,10].all(x, ".repeat(8) + "true" + &")".repeat(8);
    let started = std::time::Instant::now();
    assert!(
        broken(&all)[0].contains("call cost exceeds limit"),
        "{:?}",
        broken(&all)
    );
    let deep = "(".repeat(100_000);
    assert!(!problem(&deep).is_empty());
    assert_eq!(problem(&("!".repeat(90_000) + "self.b")), "");
    let long = "self.b && ".repeat(9_000) + "self.b";
    problem(&long);
    assert!(started.elapsed().as_secs() < 20);
}
