//! `metadata` read as meta/v1's ObjectMeta and written again: unknown fields go, empty ones too, and
//! what has another type is an error in encoding/json's words.

use serde_json::{Map, Value};

use super::super::go;
use super::time;

/// What a field of ObjectMeta is.
enum Kind {
    /// Text, by its type's name in Go
    Text(&'static str),
    Integer,
    /// A pointer: an explicit zero stays
    IntegerPointer,
    Flag,
    Time,
    TextMap,
    TextList,
    /// A list of structs with these fields
    List(&'static Struct),
    Anything,
}

struct Struct {
    name: &'static str,
    fields: &'static [(&'static str, Kind, bool)],
}

const STRING: Kind = Kind::Text("string");

/// Fields with whether they are always written.
static OBJECT_META: Struct = Struct {
    name: "ObjectMeta",
    fields: &[
        ("name", STRING, false),
        ("generateName", STRING, false),
        ("namespace", STRING, false),
        ("selfLink", STRING, false),
        ("uid", Kind::Text("types.UID"), false),
        ("resourceVersion", STRING, false),
        ("generation", Kind::Integer, false),
        ("creationTimestamp", Kind::Time, false),
        ("deletionTimestamp", Kind::Time, false),
        ("deletionGracePeriodSeconds", Kind::IntegerPointer, false),
        ("labels", Kind::TextMap, false),
        ("annotations", Kind::TextMap, false),
        ("ownerReferences", Kind::List(&OWNER_REFERENCE), false),
        ("finalizers", Kind::TextList, false),
        ("managedFields", Kind::List(&MANAGED_FIELDS), false),
    ],
};

static OWNER_REFERENCE: Struct = Struct {
    name: "OwnerReference",
    fields: &[
        ("apiVersion", STRING, true),
        ("kind", STRING, true),
        ("name", STRING, true),
        ("uid", Kind::Text("types.UID"), true),
        ("controller", Kind::Flag, false),
        ("blockOwnerDeletion", Kind::Flag, false),
    ],
};

static MANAGED_FIELDS: Struct = Struct {
    name: "ManagedFieldsEntry",
    fields: &[
        ("manager", STRING, false),
        (
            "operation",
            Kind::Text("v1.ManagedFieldsOperationType"),
            false,
        ),
        ("apiVersion", STRING, false),
        ("time", Kind::Time, false),
        ("fieldsType", STRING, false),
        ("fieldsV1", Kind::Anything, false),
        ("subresource", STRING, false),
    ],
};

/// The metadata in its form. Unknown fields are added to `unknown` with their paths below
/// `metadata`, such as `ownerReferences[0].foo`.
pub(crate) fn decode(
    metadata: &Value,
    unknown: &mut Vec<String>,
) -> Result<Map<String, Value>, String> {
    match metadata {
        Value::Null => Ok(Map::new()),
        Value::Object(map) => {
            let mut reader = Reader {
                path: Vec::new(),
                unknown,
            };
            reader.object(map, &OBJECT_META, "")
        }
        value => Err(format!(
            "json: cannot unmarshal {} into Go value of type v1.ObjectMeta",
            word(value)
        )),
    }
}

/// The same without what cannot be read: such fields are dropped, and metadata that is no object
/// is refused.
pub(crate) fn decode_lenient(metadata: &Value) -> Option<Map<String, Value>> {
    let mut readable = metadata.as_object()?.clone();
    readable.retain(|name, value| {
        let mut single = Map::new();
        single.insert(name.clone(), value.clone());
        decode(&Value::Object(single), &mut Vec::new()).is_ok()
    });
    decode(&Value::Object(readable), &mut Vec::new()).ok()
}

struct Reader<'a> {
    /// Names of fields from ObjectMeta on
    path: Vec<&'static str>,
    unknown: &'a mut Vec<String>,
}

impl Reader<'_> {
    fn object(
        &mut self,
        map: &Map<String, Value>,
        as_: &'static Struct,
        prefix: &str,
    ) -> Result<Map<String, Value>, String> {
        let is_known = |name: &String| as_.fields.iter().any(|(known, ..)| known == name);
        let mut others: Vec<&String> = map.keys().filter(|name| !is_known(name)).collect();
        others.sort();
        self.unknown
            .extend(others.iter().map(|name| format!("{prefix}{name}")));
        let mut out = Map::new();
        for (name, kind, is_always) in as_.fields {
            let value = map.get(*name).unwrap_or(&Value::Null);
            self.path.push(name);
            let read = self.field(value, kind, as_, &format!("{prefix}{name}"))?;
            self.path.pop();
            match read {
                Some(value) => {
                    out.insert((*name).to_owned(), value);
                }
                None if *is_always => {
                    out.insert((*name).to_owned(), Value::String(String::new()));
                }
                None => {}
            }
        }
        Ok(out)
    }

    /// The field's value; `None` when it is empty and so is left out.
    fn field(
        &mut self,
        value: &Value,
        kind: &Kind,
        within: &'static Struct,
        at: &str,
    ) -> Result<Option<Value>, String> {
        if value.is_null() {
            return Ok(None);
        }
        let wrong = |reader: &Self, value: &Value, type_: &str| {
            let field = reader.path.join(".");
            Err(format!(
                "json: cannot unmarshal {} into Go struct field {}.{field} of type {type_}",
                word(value),
                within.name
            ))
        };
        let text = |reader: &Self, value: &Value, type_: &str| match value {
            Value::Null => Ok(String::new()),
            Value::String(text) => Ok(text.clone()),
            value => wrong(reader, value, type_).map(|()| String::new()),
        };
        Ok(match kind {
            Kind::Text(type_) => {
                let text = text(self, value, type_)?;
                (!text.is_empty()).then_some(Value::String(text))
            }
            Kind::Integer | Kind::IntegerPointer => {
                let integer = match value {
                    Value::Number(number) => match whole(number) {
                        Some(integer) => integer,
                        None => {
                            let field = self.path.join(".");
                            return Err(format!(
                                "json: cannot unmarshal number {} into Go struct field {}.{field} \
                                 of type int64",
                                go::json(value),
                                within.name
                            ));
                        }
                    },
                    value => return wrong(self, value, "int64").map(|()| None),
                };
                let is_empty = integer == 0 && matches!(kind, Kind::Integer);
                (!is_empty).then(|| integer.into())
            }
            Kind::Flag => match value {
                Value::Bool(_) => Some(value.clone()),
                value => return wrong(self, value, "bool").map(|()| None),
            },
            Kind::Time => Some(Value::String(time::canonical(&text(
                self, value, "string",
            )?)?)),
            Kind::TextMap => match value {
                Value::Object(map) => {
                    let mut texts = Map::new();
                    for (key, value) in map {
                        let text = text(self, value, "string")?;
                        texts.insert(key.clone(), Value::String(text));
                    }
                    (!texts.is_empty()).then_some(Value::Object(texts))
                }
                value => return wrong(self, value, "map[string]string").map(|()| None),
            },
            Kind::TextList => match value {
                Value::Array(items) => {
                    let texts = items.iter().map(|item| text(self, item, "string"));
                    let texts: Vec<Value> = texts
                        .map(|text| text.map(Value::String))
                        .collect::<Result<_, String>>()?;
                    (!texts.is_empty()).then_some(Value::Array(texts))
                }
                value => return wrong(self, value, "[]string").map(|()| None),
            },
            Kind::List(item) => match value {
                Value::Array(items) => {
                    let mut structs = Vec::with_capacity(items.len());
                    for (index, value) in items.iter().enumerate() {
                        let none = Map::new();
                        let map = match value {
                            Value::Object(map) => map,
                            Value::Null => &none,
                            value => {
                                let type_ = format!("v1.{}", item.name);
                                return wrong(self, value, &type_).map(|()| None);
                            }
                        };
                        let read = self.object(map, item, &format!("{at}[{index}]."))?;
                        structs.push(Value::Object(read));
                    }
                    (!structs.is_empty()).then_some(Value::Array(structs))
                }
                value => {
                    let type_ = format!("[]v1.{}", item.name);
                    return wrong(self, value, &type_).map(|()| None);
                }
            },
            Kind::Anything => Some(value.clone()),
        })
    }
}

/// The integer that Go reads: a float in JSON that needs no point is written without one before.
fn whole(number: &serde_json::Number) -> Option<i64> {
    if let Some(integer) = go::integer(number) {
        return Some(integer);
    }
    let float = number.as_f64()?;
    (float == float.trunc() && float.abs() < 9e18).then_some(float as i64)
}

/// JSON's word for a value, as encoding/json has it.
fn word(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Answers of kube-apiserver 1.36.3.
    #[test]
    fn what_has_another_type() {
        for (metadata, words) in [
            (
                json!({"labels": {"a": 1}}),
                "number into Go struct field ObjectMeta.labels of type string",
            ),
            (
                json!({"labels": "x"}),
                "string into Go struct field ObjectMeta.labels of type map[string]string",
            ),
            (
                json!({"name": true}),
                "bool into Go struct field ObjectMeta.name of type string",
            ),
            (
                json!({"uid": 5}),
                "number into Go struct field ObjectMeta.uid of type types.UID",
            ),
            (
                json!({"generation": "x"}),
                "string into Go struct field ObjectMeta.generation of type int64",
            ),
            (
                json!({"generation": 1.5}),
                "number 1.5 into Go struct field ObjectMeta.generation of type int64",
            ),
            (
                json!({"generation": 12345678901234567890_u64}),
                "number 12345678901234567000 into Go struct field ObjectMeta.generation of type int64",
            ),
            (
                json!({"ownerReferences": [{"kind": 5}]}),
                "number into Go struct field OwnerReference.ownerReferences.kind of type string",
            ),
            (
                json!({"ownerReferences": {}}),
                "object into Go struct field ObjectMeta.ownerReferences of type []v1.OwnerReference",
            ),
            (
                json!({"ownerReferences": ["x"]}),
                "string into Go struct field ObjectMeta.ownerReferences of type v1.OwnerReference",
            ),
            (
                json!({"ownerReferences": [{"controller": "x"}]}),
                "string into Go struct field OwnerReference.ownerReferences.controller of type bool",
            ),
            (
                json!({"finalizers": [1]}),
                "number into Go struct field ObjectMeta.finalizers of type string",
            ),
            (
                json!({"managedFields": [{"time": 5}]}),
                "number into Go struct field ManagedFieldsEntry.managedFields.time of type string",
            ),
            (
                json!({"creationTimestamp": 5}),
                "number into Go struct field ObjectMeta.creationTimestamp of type string",
            ),
            (json!("x"), "string into Go value of type v1.ObjectMeta"),
        ] {
            let error = decode(&metadata, &mut Vec::new()).unwrap_err();
            assert_eq!(
                error,
                format!("json: cannot unmarshal {words}"),
                "{metadata}"
            );
        }
    }

    #[test]
    fn what_is_empty_or_unknown_goes() {
        let mut unknown = Vec::new();
        let metadata = json!({
            "name": "", "labels": {"a": null}, "annotations": {}, "generation": 1e3,
            "ownerReferences": [{"kind": "A", "foo": 1}], "finalizers": [], "Labels": {},
            "creationTimestamp": "2020-01-01T01:00:00+01:00", "deletionTimestamp": null, "bar": 1,
        });
        assert_eq!(
            Value::Object(decode(&metadata, &mut unknown).unwrap()),
            json!({
                "generation": 1000, "creationTimestamp": "2020-01-01T00:00:00Z",
                "labels": {"a": ""},
                "ownerReferences": [{"apiVersion": "", "kind": "A", "name": "", "uid": ""}],
            })
        );
        assert_eq!(unknown, ["Labels", "bar", "ownerReferences[0].foo"]);
        let lenient = decode_lenient(&json!({"name": "a", "labels": 5}));
        assert_eq!(lenient.map(Value::Object), Some(json!({"name": "a"})));
        assert_eq!(decode_lenient(&json!("x")), None);
    }
}
