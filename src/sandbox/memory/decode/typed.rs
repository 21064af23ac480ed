//! An object as Go's decoder makes it from JSON, and as Go's encoder writes it again.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::json::{self, Step};
use super::{Decoded, Parsed, Strict, go, scalar, time};
use crate::sandbox::memory::catalog::catalog;
use crate::sandbox::memory::types::{Field, List, Object, Omit, Scalar, Type, TypeId, Types};

/// The types of apiextensions that hold one of several things, and read themselves.
const SCHEMA: &str = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";

/// See [`Parsed::decode`].
pub(super) fn decode(types: &Types, type_: TypeId, parsed: Parsed<'_>) -> Result<Decoded, String> {
    let mut decoder = Decoder {
        types,
        body: parsed.body,
        duplicates: parsed.duplicates.into_iter().collect(),
        place: Vec::new(),
        told: HashSet::new(),
        fields: Vec::new(),
        wrong: None,
        within_own: None,
    };
    let value = decoder.value(type_, parsed.value)?;
    match decoder.wrong {
        Some(wrong) => Err(wrong),
        None => Ok(Decoded {
            value,
            strict: Strict {
                lines: parsed.lines,
                fields: decoder.fields,
            },
        }),
    }
}

/// The zero value of a type, as Go writes it.
pub(super) fn zero(types: &Types, type_: TypeId) -> Value {
    match types.get(type_) {
        Type::Object(object) if is_raw(object) => Value::Null,
        Type::Object(object) => write(types, object, Vec::new()),
        Type::Map(_) | Type::List(_) | Type::Any => Value::Null,
        Type::Scalar(scalar) => match scalar {
            Scalar::String | Scalar::Bytes | Scalar::Duration => Value::from(""),
            Scalar::Int32 | Scalar::Int64 | Scalar::Number | Scalar::IntOrString => Value::from(0),
            Scalar::Boolean => Value::Bool(false),
            Scalar::Quantity => Value::from("0"),
            Scalar::Time | Scalar::MicroTime | Scalar::Untyped => Value::Null,
        },
    }
}

/// RawExtension: anything is kept.
fn is_raw(object: &Object) -> bool {
    object.fields.is_empty() && object.others.is_some()
}

/// Writes the fields that were given, by their index, in Go's order.
fn write(types: &Types, object: &Object, mut given: Vec<Option<Value>>) -> Value {
    given.resize(object.fields.len(), None);
    let mut map = Map::new();
    for (field, value) in object.fields.iter().zip(given) {
        if let Some(value) = written(types, field, value) {
            map.insert(field.name.to_string(), value);
        }
    }
    Value::Object(map)
}

fn written(types: &Types, field: &Field, value: Option<Value>) -> Option<Value> {
    match (field.omit, value) {
        (Omit::Never, None) => Some(zero(types, field.type_)),
        (Omit::Null, None) => Some(Value::Null),
        (Omit::Zero | Omit::Nil | Omit::ZeroStruct, None) => None,
        (Omit::Zero, Some(value)) => (!is_zero(&value)).then_some(value),
        (Omit::ZeroStruct, Some(value)) => (!value.is_null()).then_some(value),
        // What is stored does not tell an empty list from none.
        (Omit::Null, Some(value)) => {
            let is_many = matches!(types.get(field.type_), Type::List(_) | Type::Map(_));
            Some(if is_many && is_zero(&value) {
                Value::Null
            } else {
                value
            })
        }
        (Omit::Never | Omit::Nil, Some(value)) => Some(value),
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

/// How one gets from a value into what it contains.
enum Part<'a> {
    /// A field of a struct, by its index
    Field(&'a Object, usize),
    /// An entry of a map
    Key(String),
    /// An item of a list
    Index(usize),
}

struct Decoder<'a> {
    types: &'a Types,
    /// The JSON text, where there is one, for numbers as they were written.
    body: Option<&'a [u8]>,
    /// Paths of keys that are there twice. Only those are told that the decoder comes by: what
    /// nobody knows, and what reads itself, it passes over.
    duplicates: HashSet<String>,
    place: Vec<Part<'a>>,
    told: HashSet<String>,
    fields: Vec<String>,
    /// The first value of a wrong type. The decoder goes on: what reads itself may fail, and that
    /// is told in place of it.
    wrong: Option<String>,
    /// How long `place` was where a type began that reads itself.
    within_own: Option<usize>,
}

impl<'a> Decoder<'a> {
    fn value(&mut self, type_: TypeId, value: Value) -> Result<Value, String> {
        match self.types.get(type_) {
            Type::Object(object) => self.object(object, type_, value),
            Type::Map(map) => self.map(map.value, type_, value),
            Type::List(list) => self.list(list, type_, value),
            Type::Scalar(scalar) => self.scalar(*scalar, type_, value),
            Type::Any => self.any(type_, value),
        }
    }

    fn object(&mut self, object: &'a Object, type_: TypeId, value: Value) -> Result<Value, String> {
        if is_raw(object) {
            return Ok(value);
        }
        let map = match value {
            Value::Object(map) => map,
            Value::Null => return Ok(zero(self.types, type_)),
            other => return self.mismatch(&other, type_),
        };
        let mut given = vec![None; object.fields.len()];
        let mut others = Map::new();
        for (key, value) in map {
            let Some(at) = object.index.get(key.as_str()).copied() else {
                match object.others {
                    Some(other) => {
                        self.place.push(Part::Key(key));
                        let value = self.value(other, value)?;
                        if let Some(Part::Key(key)) = self.place.pop() {
                            others.insert(key, value);
                        }
                    }
                    None => self.tell_unknown(&key),
                }
                continue;
            };
            self.place.push(Part::Field(object, at));
            self.tell_if_duplicate();
            if !value.is_null() {
                given[at] = Some(self.value(object.fields[at].type_, value)?);
            }
            self.place.pop();
        }
        let mut written = write(self.types, object, given);
        if let Value::Object(map) = &mut written {
            map.extend(others);
        }
        Ok(written)
    }

    fn map(&mut self, of: TypeId, type_: TypeId, value: Value) -> Result<Value, String> {
        let map = match value {
            Value::Object(map) => map,
            Value::Null => return Ok(Value::Null),
            other => return self.mismatch(&other, type_),
        };
        let mut made = Map::with_capacity(map.len());
        for (key, value) in map {
            self.place.push(Part::Key(key));
            self.tell_if_duplicate();
            let value = self.element(of, value)?;
            if let Some(Part::Key(key)) = self.place.pop() {
                made.insert(key, value);
            }
        }
        made.sort_keys();
        Ok(Value::Object(made))
    }

    fn list(&mut self, list: &List, type_: TypeId, value: Value) -> Result<Value, String> {
        let items = match value {
            Value::Array(items) => items,
            Value::Null => return Ok(Value::Null),
            other => return self.mismatch(&other, type_),
        };
        let mut made = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            self.place.push(Part::Index(index));
            made.push(self.element(list.item, item)?);
            self.place.pop();
        }
        Ok(Value::Array(made))
    }

    /// What is in a list or map: null leaves Go's zero value there.
    fn element(&mut self, type_: TypeId, value: Value) -> Result<Value, String> {
        if value.is_null() {
            return Ok(zero(self.types, type_));
        }
        self.value(type_, value)
    }

    fn scalar(&mut self, scalar: Scalar, type_: TypeId, value: Value) -> Result<Value, String> {
        if value.is_null() {
            return Ok(zero(self.types, type_));
        }
        match (scalar, &value) {
            (Scalar::Untyped, _)
            | (Scalar::String | Scalar::Duration | Scalar::IntOrString, Value::String(_))
            | (Scalar::Boolean, Value::Bool(_))
            | (Scalar::Number, Value::Number(_)) => Ok(value),
            (Scalar::Int64, Value::Number(number)) if number.is_i64() => Ok(value),
            (Scalar::Int32 | Scalar::IntOrString, Value::Number(number))
                if number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()) =>
            {
                Ok(value)
            }
            (Scalar::Bytes, Value::String(text)) => {
                let bytes = scalar::bytes(text).map(Value::String);
                bytes.or_else(|wrong| self.tell_wrong(wrong))
            }
            (Scalar::Bytes, Value::Array(_)) => self.bytes_one_by_one(value),
            (Scalar::Quantity, Value::String(text)) => scalar::quantity(text).map(Value::String),
            (Scalar::Quantity, Value::Number(_)) => {
                scalar::quantity(&self.number_as_written(&value)).map(Value::String)
            }
            (Scalar::Quantity, _) => Err(scalar::NO_QUANTITY.to_owned()),
            (Scalar::Time, Value::String(text)) => time::seconds(text).map(Value::from),
            (Scalar::MicroTime, Value::String(text)) => time::micros(text).map(Value::from),
            (Scalar::Time | Scalar::MicroTime, _) => Err(self.mismatch_as(&value, "string")),
            (Scalar::IntOrString, _) => Err(self.mismatch_as(&value, "int32")),
            _ => self.mismatch(&value, type_),
        }
    }

    /// A list of numbers is bytes to Go as well.
    fn bytes_one_by_one(&mut self, value: Value) -> Result<Value, String> {
        let mut bytes = Vec::new();
        for item in value.as_array().into_iter().flatten() {
            match item.as_u64().and_then(|number| u8::try_from(number).ok()) {
                Some(byte) => bytes.push(byte),
                None if item.is_null() => bytes.push(0),
                None => {
                    let wrong = self.mismatch_as(item, "uint8");
                    return self.tell_wrong(wrong);
                }
            }
        }
        Ok(Value::String(scalar::base64(&bytes)))
    }

    /// Any value is kept, but for types that hold a schema or something else.
    fn any(&mut self, type_: TypeId, value: Value) -> Result<Value, String> {
        let is = |suffix: &str| self.types.named(&format!("{SCHEMA}{suffix}")) == Some(type_);
        let Some(schema) = self.types.named(SCHEMA) else {
            return Ok(value);
        };
        if is("OrBool") {
            return match value {
                Value::Object(_) => self.own(schema, value),
                Value::Bool(_) => Ok(value),
                _ => Err("boolean or JSON schema expected".to_owned()),
            };
        }
        let is_array = is("OrArray");
        if !is_array && !is("OrStringArray") {
            return Ok(value);
        }
        match value {
            Value::Object(_) => self.own(schema, value),
            Value::Array(items) if !items.is_empty() => {
                let items = items.into_iter().map(|item| match item {
                    _ if is_array => self.own(schema, item),
                    Value::String(_) => Ok(item),
                    Value::Null => Ok(Value::from("")),
                    _ => Err(self.mismatch_as(&item, "string")),
                });
                items.collect::<Result<_, _>>().map(Value::Array)
            }
            _ => Ok(Value::Null),
        }
    }

    /// Decodes what a type reads by itself: nothing in it is unknown or there twice to others, and
    /// what is wrong is told with the place of the whole.
    fn own(&mut self, type_: TypeId, value: Value) -> Result<Value, String> {
        let outer = self.within_own;
        self.within_own = outer.or(Some(self.place.len()));
        let value = self.value(type_, value);
        self.within_own = outer;
        value
    }

    /// Notes a value of another type than Go's.
    fn mismatch(&mut self, value: &Value, type_: TypeId) -> Result<Value, String> {
        if self.wrong.is_some() && self.within_own.is_none() {
            return Ok(Value::Null);
        }
        let words = self.go_type(type_);
        let wrong = self.mismatch_as(value, &words);
        self.tell_wrong(wrong)
    }

    fn tell_wrong(&mut self, wrong: String) -> Result<Value, String> {
        if self.within_own.is_some() {
            return Err(wrong);
        }
        self.wrong.get_or_insert(wrong);
        Ok(Value::Null)
    }

    /// Go's sentence about a value of another type than this one.
    fn mismatch_as(&self, value: &Value, type_: &str) -> String {
        let is_integer = matches!(type_, "int32" | "int64" | "uint8");
        let described = match value {
            Value::Number(_) if is_integer => format!("number {}", self.number_as_written(value)),
            _ => go::described(value).to_owned(),
        };
        let visible = &self.place[..self.within_own.unwrap_or(self.place.len())];
        let mut names = Vec::new();
        let mut struct_name = None;
        for part in visible {
            if let Part::Field(object, at) = part {
                let field = &object.fields[*at].name;
                names.extend(catalog().embedded(&object.name, field));
                names.push(field);
                struct_name = Some(object.go_name());
            }
        }
        match struct_name {
            Some(name) => format!(
                "json: cannot unmarshal {described} into Go struct field {name}.{} of type {type_}",
                names.join(".")
            ),
            None => format!("json: cannot unmarshal {described} into Go value of type {type_}"),
        }
    }

    /// The name of the Go type of what is decoded now.
    fn go_type(&self, type_: TypeId) -> String {
        let field = self
            .place
            .iter()
            .rposition(|part| matches!(part, Part::Field(..)));
        let Some(at) = field else {
            return go_type(self.types, type_);
        };
        let Part::Field(object, index) = &self.place[at] else {
            return go_type(self.types, type_);
        };
        let mut words = catalog().go_type(&object.name, &object.fields[*index].name);
        for part in &self.place[at + 1..] {
            words = match part {
                Part::Index(_) => words.and_then(|words| words.strip_prefix("[]")),
                _ => words.and_then(|words| words.strip_prefix("map[string]")),
            };
        }
        words.map_or_else(|| go_type(self.types, type_), str::to_owned)
    }

    /// The text of the number that is decoded now.
    fn number_as_written(&self, value: &Value) -> String {
        let path: Vec<Step<'_>> = self
            .place
            .iter()
            .map(|part| match part {
                Part::Field(object, at) => Step::Key(&object.fields[*at].name),
                Part::Key(key) => Step::Key(key),
                Part::Index(index) => Step::Index(*index),
            })
            .collect();
        // A whole number is written in one way.
        let body = self.body.filter(|_| value.is_f64());
        let literal = body.and_then(|body| json::literal(body, &path));
        literal.map_or_else(|| value.to_string(), str::to_owned)
    }

    fn tell_unknown(&mut self, key: &str) {
        if self.within_own.is_none() && self.fields.len() < json::MAX_TOLD {
            let mut path = self.path();
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(key);
            self.tell("unknown", &path);
        }
    }

    fn tell_if_duplicate(&mut self) {
        if !self.duplicates.is_empty() && self.within_own.is_none() {
            let path = self.path();
            if self.duplicates.contains(&path) {
                self.tell("duplicate", &path);
            }
        }
    }

    fn tell(&mut self, what: &str, path: &str) {
        let text = format!("{what} field {}", go::quoted(path));
        if self.fields.len() < json::MAX_TOLD && self.told.insert(text.clone()) {
            self.fields.push(text);
        }
    }

    fn path(&self) -> String {
        let mut path = String::new();
        for part in &self.place {
            let name = match part {
                Part::Field(object, at) => &*object.fields[*at].name,
                Part::Key(key) => key,
                Part::Index(index) => {
                    path.push_str(&format!("[{index}]"));
                    continue;
                }
            };
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(name);
        }
        path
    }
}

/// The name of a Go type, as far as our types tell.
fn go_type(types: &Types, type_: TypeId) -> String {
    match types.get(type_) {
        Type::Object(object) => {
            let mut parts = object.name.rsplit('.');
            let (name, package) = (parts.next().unwrap_or_default(), parts.next());
            package.map_or_else(|| name.to_owned(), |package| format!("{package}.{name}"))
        }
        Type::List(list) => format!("[]{}", go_type(types, list.item)),
        Type::Map(map) => format!("map[string]{}", go_type(types, map.value)),
        Type::Any => "interface {}".to_owned(),
        Type::Scalar(scalar) => match scalar {
            Scalar::String => "string",
            Scalar::Int32 => "int32",
            Scalar::Int64 => "int64",
            Scalar::Number => "float64",
            Scalar::Boolean => "bool",
            Scalar::Bytes => "[]uint8",
            Scalar::Time => "v1.Time",
            Scalar::MicroTime => "v1.MicroTime",
            Scalar::Duration => "v1.Duration",
            Scalar::Quantity => "resource.Quantity",
            Scalar::IntOrString => "intstr.IntOrString",
            Scalar::Untyped => "interface {}",
        }
        .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{Decoded, Parsed, parse};
    use crate::sandbox::memory::catalog::catalog;

    fn decoded(name: &str, body: &str) -> Result<Decoded, String> {
        let types = catalog().types();
        let type_ = types.named(&format!("io.k8s.{name}")).unwrap();
        parse(body.as_bytes()).unwrap().decode(types, type_)
    }

    fn value(name: &str, body: &str) -> Value {
        decoded(name, body)
            .unwrap_or_else(|e| panic!("{body}: {e}"))
            .value
    }

    /// As text, since the order of fields counts.
    #[test]
    fn objects_are_written_as_go_writes_them() {
        for (name, body, expected) in [
            // Order, and what is written though it was not given.
            (
                "api.apps.v1.Deployment",
                r#"{"spec":{"paused":false,"replicas":0,"selector":null},"apiVersion":"apps/v1","kind":"Deployment"}"#,
                r#"{"kind":"Deployment","apiVersion":"apps/v1","metadata":{},"spec":{"replicas":0,"selector":null,"template":{"metadata":{},"spec":{"containers":null}},"strategy":{}},"status":{}}"#,
            ),
            // Null is absent; in lists and maps it is the zero value.
            (
                "api.core.v1.ConfigMap",
                r#"{"metadata":{"name":"a","labels":{"z":"1","b":null},"annotations":{},"finalizers":null,"creationTimestamp":null},"data":{"b":"é<","a":null},"binaryData":{"i":null},"immutable":false}"#,
                r#"{"metadata":{"name":"a","labels":{"b":"","z":"1"}},"immutable":false,"data":{"a":"","b":"é<"},"binaryData":{"i":""}}"#,
            ),
            (
                "api.core.v1.Container",
                r#"{"name":"a","args":[null,"x"],"env":[{"name":"x","value":null}],"ports":[],"resources":{"limits":{"cpu":"1000m","memory":1073741824,"x":null},"requests":{"cpu":0.5,"y":1e3}},"securityContext":{},"stdin":false}"#,
                r#"{"name":"a","args":["","x"],"env":[{"name":"x"}],"resources":{"limits":{"cpu":"1","memory":"1073741824","x":"0"},"requests":{"cpu":"500m","y":"1e3"}},"securityContext":{}}"#,
            ),
            (
                "api.core.v1.Event",
                r#"{"metadata":{},"involvedObject":{},"firstTimestamp":"2020-01-01T01:00:00.9+01:00","eventTime":"2020-01-01T01:00:00.123456+01:00","count":0}"#,
                r#"{"metadata":{},"involvedObject":{},"source":{},"firstTimestamp":"2020-01-01T00:00:00Z","lastTimestamp":null,"eventTime":"2020-01-01T00:00:00.123456Z","reportingComponent":"","reportingInstance":""}"#,
            ),
            // A list that is always written is null when it is empty.
            (
                "api.rbac.v1.ClusterRole",
                r#"{"rules":[]}"#,
                r#"{"metadata":{},"rules":null}"#,
            ),
            // Any content is kept as it is.
            (
                "api.apps.v1.ControllerRevision",
                r#"{"data":{"z":1,"a":{"c":null}},"revision":2}"#,
                r#"{"metadata":{},"data":{"z":1,"a":{"c":null}},"revision":2}"#,
            ),
            (
                "api.core.v1.ResourceFieldSelector",
                r#"{"resource":"a"}"#,
                r#"{"resource":"a","divisor":"0"}"#,
            ),
            (
                "api.core.v1.HTTPGetAction",
                r#"{"port":null}"#,
                r#"{"port":0}"#,
            ),
            (
                "apimachinery.pkg.apis.meta.v1.ObjectMeta",
                r#"{"creationTimestamp":"0001-01-01T00:00:00Z","generation":0,"managedFields":[{"fieldsV1":{"f:b":{},"f:a":{}}}]}"#,
                r#"{"managedFields":[{"fieldsV1":{"f:b":{},"f:a":{}}}]}"#,
            ),
        ] {
            assert_eq!(value(name, body).to_string(), expected);
        }
    }

    #[test]
    fn an_object_decodes_to_itself() {
        let types = catalog().types();
        for object in catalog().bootstrap() {
            let (group, version) = object["apiVersion"]
                .as_str()
                .and_then(|gv| gv.split_once('/'))
                .unwrap_or(("", "v1"));
            let kind = object["kind"].as_str().unwrap();
            let type_ = catalog().type_of(group, version, kind).unwrap();
            let decoded = Parsed::of(object.clone()).decode(types, type_).unwrap();
            assert!(decoded.strict.is_empty(), "{:?}", decoded.strict);
            let again = Parsed::of(decoded.value.clone())
                .decode(types, type_)
                .unwrap();
            assert_eq!(again.value.to_string(), decoded.value.to_string());
        }
    }

    /// The sentences are the real server's.
    #[test]
    fn wrong_types_are_refused_in_go_s_words() {
        for (name, body, expected) in [
            (
                "api.apps.v1.Deployment",
                r#"{"metadata":1}"#,
                "number into Go struct field Deployment.metadata of type v1.ObjectMeta",
            ),
            (
                "api.apps.v1.Deployment",
                r#"{"spec":{"replicas":"3"}}"#,
                "string into Go struct field DeploymentSpec.spec.replicas of type int32",
            ),
            (
                "api.apps.v1.Deployment",
                r#"{"spec":{"replicas":3.5}}"#,
                "number 3.5 into Go struct field DeploymentSpec.spec.replicas of type int32",
            ),
            (
                "api.apps.v1.Deployment",
                r#"{"spec":{"replicas":1.0}}"#,
                "number 1.0 into Go struct field DeploymentSpec.spec.replicas of type int32",
            ),
            (
                "api.apps.v1.Deployment",
                r#"{"spec":{"replicas":1e2}}"#,
                "number 1e2 into Go struct field DeploymentSpec.spec.replicas of type int32",
            ),
            (
                "api.apps.v1.Deployment",
                r#"{"spec":{"replicas":99999999999}}"#,
                "number 99999999999 into Go struct field DeploymentSpec.spec.replicas of type int32",
            ),
            (
                "api.apps.v1.Deployment",
                r#"{"spec":{"paused":"x"}}"#,
                "string into Go struct field DeploymentSpec.spec.paused of type bool",
            ),
            (
                "api.apps.v1.Deployment",
                r#"{"spec":[]}"#,
                "array into Go struct field Deployment.spec of type v1.DeploymentSpec",
            ),
            (
                "api.apps.v1.Deployment",
                r#"{"spec":{"strategy":{"rollingUpdate":{"maxSurge":true}}}}"#,
                "bool into Go struct field RollingUpdateDeployment.spec.strategy.rollingUpdate.maxSurge of type int32",
            ),
            (
                "api.apps.v1.StatefulSet",
                r#"{"spec":{"volumeClaimTemplates":[{"spec":{"resources":{"requests":5}}}]}}"#,
                "number into Go struct field VolumeResourceRequirements.spec.volumeClaimTemplates.spec.resources.requests of type v1.ResourceList",
            ),
            (
                "api.core.v1.Pod",
                r#"{"metadata":{"labels":{"a":1}}}"#,
                "number into Go struct field ObjectMeta.metadata.labels of type string",
            ),
            (
                "api.core.v1.Pod",
                r#"{"metadata":{"labels":[]}}"#,
                "array into Go struct field ObjectMeta.metadata.labels of type map[string]string",
            ),
            (
                "api.core.v1.Pod",
                r#"{"metadata":{"uid":5}}"#,
                "number into Go struct field ObjectMeta.metadata.uid of type types.UID",
            ),
            (
                "api.core.v1.Pod",
                r#"{"metadata":{"creationTimestamp":1}}"#,
                "number into Go struct field ObjectMeta.metadata.creationTimestamp of type string",
            ),
            (
                "api.core.v1.Pod",
                r#"{"spec":{"containers":{}}}"#,
                "object into Go struct field PodSpec.spec.containers of type []v1.Container",
            ),
            (
                "api.core.v1.Pod",
                r#"{"spec":{"containers":[5]}}"#,
                "number into Go struct field PodSpec.spec.containers of type v1.Container",
            ),
            (
                "api.core.v1.Pod",
                r#"{"spec":{"containers":[{"args":[5]}]}}"#,
                "number into Go struct field Container.spec.containers.args of type string",
            ),
            (
                "api.core.v1.Pod",
                r#"{"spec":{"containers":[{"imagePullPolicy":1,"ports":[{"containerPort":"a"}]}]}}"#,
                "number into Go struct field Container.spec.containers.imagePullPolicy of type v1.PullPolicy",
            ),
            (
                "api.core.v1.Pod",
                r#"{"spec":{"containers":[{"livenessProbe":{"httpGet":{"port":80.0}}}]}}"#,
                "number 80.0 into Go struct field HTTPGetAction.spec.containers.livenessProbe.ProbeHandler.httpGet.port of type int32",
            ),
            (
                "api.core.v1.Pod",
                r#"{"spec":{"volumes":[{"emptyDir":{"medium":5}}]}}"#,
                "number into Go struct field EmptyDirVolumeSource.spec.volumes.VolumeSource.emptyDir.medium of type v1.StorageMedium",
            ),
            (
                "api.core.v1.Pod",
                r#"{"spec":{"terminationGracePeriodSeconds":99999999999999999999}}"#,
                "number 99999999999999999999 into Go struct field PodSpec.spec.terminationGracePeriodSeconds of type int64",
            ),
            (
                "api.core.v1.ConfigMap",
                r#"{"binaryData":{"k":[1,2,300]}}"#,
                "number 300 into Go struct field ConfigMap.binaryData of type uint8",
            ),
            (
                "api.core.v1.ConfigMap",
                r#"{"binaryData":{"k":5}}"#,
                "number into Go struct field ConfigMap.binaryData of type []uint8",
            ),
            (
                "api.authorization.v1.SubjectAccessReview",
                r#"{"spec":{"extra":{"a":5}}}"#,
                "number into Go struct field SubjectAccessReviewSpec.spec.extra of type v1.ExtraValue",
            ),
            (
                "api.authorization.v1.SubjectAccessReview",
                r#"{"spec":{"extra":{"a":[5]}}}"#,
                "number into Go struct field SubjectAccessReviewSpec.spec.extra of type string",
            ),
            (
                "api.core.v1.PodSpec",
                r"[]",
                "array into Go value of type v1.PodSpec",
            ),
        ] {
            let expected = format!("json: cannot unmarshal {expected}");
            assert_eq!(decoded(name, body).unwrap_err(), expected, "{body}");
        }
    }

    /// What reads itself is told before a wrong type elsewhere.
    #[test]
    fn what_reads_itself_comes_first() {
        for (name, body, expected) in [
            (
                "api.core.v1.Event",
                r#"{"count":1.5,"firstTimestamp":"x"}"#,
                r#"parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006""#,
            ),
            (
                "api.core.v1.PodSpec",
                r#"{"volumes":{},"containers":[{"resources":{"limits":{"cpu":true}}}]}"#,
                super::scalar::NO_QUANTITY,
            ),
            (
                "api.core.v1.ConfigMap",
                r#"{"binaryData":{"k":"aGk"}}"#,
                "illegal base64 data at input byte 0",
            ),
        ] {
            assert_eq!(decoded(name, body).unwrap_err(), expected);
        }
    }

    #[test]
    fn what_is_not_known_is_told_in_order_of_the_text() {
        let body = r#"{"foo":1,"metadata":{"bar":2,"labels":{"a":"1","a":"2"}},"Spec":{},"spec":{"replicas":1,"replicas":2,"replicas":3,
            "template":{"spec":{"containers":[{"x":1,"x":{"a":1,"a":2},"y.z":2,"a\"b":1,"ports":[{"foo":1},{"foo":2}]}]}}}}"#;
        let decoded = decoded("api.apps.v1.Deployment", body).unwrap();
        assert_eq!(
            decoded.strict.fields,
            [
                r#"unknown field "foo""#,
                r#"unknown field "metadata.bar""#,
                r#"duplicate field "metadata.labels.a""#,
                r#"unknown field "Spec""#,
                r#"duplicate field "spec.replicas""#,
                r#"unknown field "spec.template.spec.containers[0].x""#,
                r#"unknown field "spec.template.spec.containers[0].y.z""#,
                r#"unknown field "spec.template.spec.containers[0].a\"b""#,
                r#"unknown field "spec.template.spec.containers[0].ports[0].foo""#,
                r#"unknown field "spec.template.spec.containers[0].ports[1].foo""#,
            ]
        );
        assert_eq!(decoded.value["spec"]["replicas"], 3);
        let many: String = (0..200).map(|n| format!("\"x{n}\":1,")).collect();
        let body = format!("{{{many}\"kind\":\"Pod\"}}");
        assert_eq!(
            super::tests::decoded("api.core.v1.Pod", &body)
                .unwrap()
                .strict
                .fields
                .len(),
            100
        );
    }

    #[test]
    fn schemas_within_schemas_are_read_by_themselves() {
        let name = "apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";
        let body = r#"{"typo":1,"items":{"typo":1,"type":"string","items":{"nullable":false}},"additionalProperties":{"minimum":1.5,"typo":1},"default":{"b":1,"a":null},"dependencies":{"x":["a"],"y":{"typo":1}},"enum":[null,{"a":1}],"not":{"typo":1}}"#;
        let decoded = decoded(name, body).unwrap();
        assert_eq!(
            decoded.value,
            json!({
                "items": {"type": "string", "items": {}}, "additionalProperties": {"minimum": 1.5},
                "default": {"b": 1, "a": null}, "dependencies": {"x": ["a"], "y": {}},
                "enum": [null, {"a": 1}], "not": {},
            })
        );
        assert_eq!(
            decoded.strict.fields,
            [r#"unknown field "typo""#, r#"unknown field "not.typo""#]
        );
        for (body, expected) in [
            (
                r#"{"additionalProperties":5}"#,
                "boolean or JSON schema expected",
            ),
            (
                r#"{"properties":{"a":{"items":{"items":{"type":5}}}}}"#,
                "json: cannot unmarshal number into Go struct field JSONSchemaProps.properties.items of type string",
            ),
        ] {
            assert_eq!(
                super::tests::decoded(name, body).unwrap_err(),
                expected,
                "{body}"
            );
        }
    }
}
