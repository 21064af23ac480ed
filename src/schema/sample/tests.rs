use serde_json::{Value, json};

use crate::schema::{Field, Gvk, Sample};

fn gadget(schema: Value) -> Field {
    Field::from_crd(&schema).unwrap()
}

#[test]
fn a_sample_says_what_is_required_and_what_may_be_added() {
    let tree = gadget(json!({"type": "object", "properties": {
        "status": {"type": "object"},
        "spec": {"type": "object", "required": ["size", "tags", "ports"],
            "x-kubernetes-validations": [{"rule": "self.size > 0", "message": "must be large"}],
            "properties": {
                "size": {"type": "integer", "minimum": 2, "maximum": 9},
                "mode": {"type": "string", "enum": ["fast", "slow"], "default": "fast"},
                "note": {"type": "string"},
                "tags": {"type": "array", "minItems": 2, "items": {"type": "string"}},
                "ports": {"type": "array", "items": {"type": "object", "required": ["name"],
                    "properties": {"name": {"type": "string"}, "port": {"type": "integer"}}}}}}}}));
    let sample = tree.sample(&Gvk::new("example.com", "v1", "Gadget"));
    assert_eq!(
        sample.to_yaml(),
        "\
apiVersion: example.com/v1
kind: Gadget
metadata:
  name: example
spec:
  # rule: must be large
  mode: fast # this is the default; one of fast, slow
  ports: # required
  - name: example # required
    # optional: port
  size: 2 # required; 2 to 9
  tags: # required; at least 2 items
  - example
  - example-2
  # optional: note
"
    );
    let read: Value = serde_saphyr::from_str(&sample.to_yaml()).unwrap();
    assert_eq!(read, sample.to_value());
}

#[test]
fn a_spec_without_anything_required_is_still_there() {
    let tree = gadget(
        json!({"type": "object", "properties": {"spec": {"type": "object",
        "properties": {"a": {"type": "string"}}}}}),
    );
    let yaml = tree
        .sample(&Gvk::new("example.com", "v1", "Gadget"))
        .to_yaml();
    assert!(yaml.ends_with("spec: {}\n  # optional: a\n"), "{yaml}");
}

#[test]
fn defaults_and_patterns_cannot_break_out_of_their_line() {
    let tree = gadget(
        json!({"type": "object", "properties": {"spec": {"type": "object",
        "required": ["p"], "properties": {
            "p": {"type": "string", "pattern": "^(a|\n)$"},
            "d": {"type": "string", "default": "x\ny: z"}}}}}),
    );
    let sample = tree.sample(&Gvk::new("example.com", "v1", "Gadget"));
    let read: Value = serde_saphyr::from_str(&sample.to_yaml()).unwrap();
    assert_eq!(read["spec"], json!({"d": "x\ny: z", "p": "a"}));
}

#[test]
fn a_part_stands_under_its_name() {
    let tree = gadget(
        json!({"type": "object", "properties": {"spec": {"type": "object",
        "required": ["p"], "properties": {"p": {"type": "boolean"}}}}}),
    );
    let yaml = tree.child("spec").unwrap().sample_part().to_yaml();
    assert_eq!(yaml, "spec:\n  p: false # required\n");
}

/// A sample of a spec whose schema has these properties and rules.
fn spec(properties: Value, required: &[&str], rules: &[&str]) -> Sample {
    let rules: Vec<Value> = rules.iter().map(|rule| json!({"rule": rule})).collect();
    let tree = gadget(
        json!({"type": "object", "properties": {"spec": {"type": "object",
        "properties": properties, "required": required, "x-kubernetes-validations": rules}}}),
    );
    tree.child("spec").unwrap().sample_part()
}

#[test]
fn what_a_rule_speaks_of_is_put_in_or_changed_until_it_is_met() {
    let value = |properties: &Value, required: &[&str], rule: &str| {
        let sample = spec(properties.clone(), required, &[rule]);
        assert!(
            !sample.to_yaml().contains("REPLACE"),
            "{}",
            sample.to_yaml()
        );
        sample.to_value()["spec"].clone()
    };
    let three = json!({"a": {"type": "string"}, "b": {"type": "string"}, "c": {"type": "string"}});
    for rule in [
        "has(self.b) || has(self.c)",
        "has(self.b) != has(self.c)",
        "[has(self.b),has(self.c)].filter(x,x==true).size() == 1",
    ] {
        assert_eq!(value(&three, &[], rule), json!({"b": "example"}), "{rule}");
    }
    assert_eq!(
        value(&three, &["a"], "!has(self.a) || has(self.c)"),
        json!({"a": "example", "c": "example"})
    );
    let numbers = json!({"min": {"type": "integer"}, "max": {"type": "integer"}});
    assert_eq!(
        value(&numbers, &["min", "max"], "self.min < self.max"),
        json!({"max": 2, "min": 1})
    );
    let kinds = json!({"kind": {"type": "string", "enum": ["A", "B"]}, "a": {"type": "object",
        "required": ["x"], "properties": {"x": {"type": "boolean"}}}});
    assert_eq!(
        value(
            &kinds,
            &["kind"],
            "self.kind == 'A' ? has(self.a) : !has(self.a)"
        ),
        json!({"a": {"x": false}, "kind": "A"})
    );
    assert_eq!(
        value(&kinds, &["kind"], "self.kind != 'A'"),
        json!({"kind": "B"})
    );
}

#[test]
fn values_meet_their_own_rules() {
    let path = json!({"p": {"type": "string", "x-kubernetes-validations": [
        {"rule": "self.startsWith('/')"}]}});
    let sample = spec(path, &["p"], &[]);
    assert_eq!(sample.to_value(), json!({"spec": {"p": "/example"}}));
}

#[test]
fn a_rule_that_nothing_meets_is_told() {
    let list = json!({"l": {"type": "array", "items": {"type": "string"},
        "x-kubernetes-validations": [{"rule": "self.size() == 7"}]}});
    let told = "REPLACE: this does not meet the rule: self.size() == 7";
    let yaml = spec(list, &["l"], &[]).to_yaml();
    assert!(yaml.replace("\n  #   ", " ").contains(told), "{yaml}");
    let one = json!({"a": {"type": "boolean"}});
    let yaml = spec(one, &["a"], &["self.a && !self.a"]).to_yaml();
    assert!(
        yaml.contains("  # REPLACE: this does not meet the rule: self.a && !self.a\n"),
        "{yaml}"
    );
}
