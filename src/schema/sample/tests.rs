use serde_json::json;

use crate::schema::{Field, Gvk};

fn gadget(schema: serde_json::Value) -> Field {
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
    let read: serde_json::Value = serde_saphyr::from_str(&sample.to_yaml()).unwrap();
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
    let read: serde_json::Value = serde_saphyr::from_str(&sample.to_yaml()).unwrap();
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
