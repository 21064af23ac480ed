//! Objects as Kubernetes has them inside, which is how errors show them: Go's names of fields, in
//! Go's order, and everything that is not set as null or zero.
//!
//! `internal.txt` has the types, from `pkg/apis/core/types.go` and `k8s.io/api/core/v1/types.go`, by
//! `tests/controlplane/inside/generate.sh`: a
//! type's name, then its fields, each with its name, the JSON name behind `=` where that is not the
//! name with a small first letter, and what it holds: `"` text, `0` a number, `!` a boolean, `q` a
//! quantity, `v` any value, `m` metadata, `*` a pointer, `[]` a list, `{}` a map, `.` a structure; the
//! last ones may be followed by a type.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Serialize;
use serde_json::ser::PrettyFormatter;
use serde_json::{Map, Value, json};

use super::difflib;

struct Field {
    name: &'static str,
    json: String,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    Zero(Zero),
    Metadata,
    Pointer(&'static str),
    List(&'static str),
    Map,
    Struct(&'static str),
}

/// What a scalar is when nothing is given.
#[derive(Clone, Copy)]
enum Zero {
    Text,
    Number,
    Boolean,
    Quantity,
    Nothing,
}

static TYPES: LazyLock<HashMap<&'static str, Vec<Field>>> = LazyLock::new(|| {
    let lines = include_str!("internal.txt").lines();
    let lines = lines.filter_map(|line| line.split_once(' '));
    lines
        .map(|(name, fields)| (name, fields.split(' ').filter_map(field).collect()))
        .collect()
});

fn field(text: &'static str) -> Option<Field> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '=' || c == '@'));
    // The marks for numbers, quantities, values and metadata are letters or digits themselves.
    let (names, what) = match end {
        Some(end) => text.split_at(end),
        None => text.split_at(text.len().checked_sub(1)?),
    };
    let what = match what.split_at_checked(1)? {
        ("\"", _) => What::Zero(Zero::Text),
        ("0", _) => What::Zero(Zero::Number),
        ("!", _) => What::Zero(Zero::Boolean),
        ("q", _) => What::Zero(Zero::Quantity),
        ("v", _) => What::Zero(Zero::Nothing),
        ("m", _) => What::Metadata,
        ("*", of) => What::Pointer(of),
        (".", of) => What::Struct(of),
        ("{", _) => What::Map,
        ("[", of) => What::List(of.strip_prefix(']')?),
        _ => return None,
    };
    let (name, json) = match names.split_once('=') {
        Some((name, json)) => (name, json.to_owned()),
        None => {
            let mut json = names.to_owned();
            json.get_mut(..1)?.make_ascii_lowercase();
            (names, json)
        }
    };
    Some(Field { name, json, what })
}

/// The internal form of an object of that type.
pub(crate) fn shown(type_name: &str, object: &Value) -> Value {
    let Some(fields) = TYPES.get(type_name) else {
        return object.clone();
    };
    let moved;
    let object = if type_name == "PodSpec" {
        moved = with_host_fields(object);
        &moved
    } else {
        object
    };
    let mut all = Map::new();
    for Field { name, json, what } in fields {
        let value = object.get(json).unwrap_or(&Value::Null);
        let shown = match what {
            What::Metadata => {
                let entries = value.as_object().into_iter().flatten();
                all.extend(entries.map(|(key, value)| (key.clone(), value.clone())));
                continue;
            }
            What::Zero(zero) if value.is_null() => match zero {
                Zero::Text => json!(""),
                Zero::Number => json!(0),
                Zero::Boolean => json!(false),
                Zero::Quantity => json!("0"),
                Zero::Nothing => Value::Null,
            },
            What::Zero(_) => value.clone(),
            What::Pointer(of) | What::List(of) if value.is_null() || of.is_empty() => value.clone(),
            What::Pointer(of) | What::Struct(of) => shown(of, value),
            What::List(of) => value
                .as_array()
                .into_iter()
                .flatten()
                .map(|v| shown(of, v))
                .collect(),
            What::Map => sorted(value),
        };
        all.insert((*name).to_owned(), shown);
    }
    Value::Object(all)
}

/// Inside, what a pod has of its host's is in the security context.
fn with_host_fields(spec: &Value) -> Value {
    let mut spec = spec.clone();
    let fields = [
        "hostNetwork",
        "hostPID",
        "hostIPC",
        "shareProcessNamespace",
        "hostUsers",
    ];
    let values = fields.map(|field| (field, spec.get(field).cloned()));
    let context = spec
        .as_object_mut()
        .map(|s| s.entry("securityContext").or_insert(json!({})));
    if let Some(context) = context.and_then(Value::as_object_mut) {
        let given = values
            .into_iter()
            .filter_map(|(field, value)| Some((field, value?)));
        context.extend(given.map(|(field, value)| (field.to_owned(), value)));
    }
    spec
}

fn sorted(map: &Value) -> Value {
    let Some(map) = map.as_object() else {
        return Value::Null;
    };
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(key, _)| *key);
    entries
        .into_iter()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// How two objects of that type differ, as `k8s.io/apimachinery/pkg/util/diff` says it; `None` where
/// they do not.
pub(crate) fn diff(type_name: &str, old: &Value, new: &Value) -> Option<String> {
    let (old, new) = (shown(type_name, old), shown(type_name, new));
    (old != new).then(|| difflib::unified(&pretty(&old), &pretty(&new)))
}

/// Indented by one space, and with what HTML takes for itself escaped, as Go does.
fn pretty(value: &Value) -> String {
    let mut bytes = Vec::new();
    let formatter = PrettyFormatter::with_indent(b" ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    if value.serialize(&mut serializer).is_err() {
        return value.to_string();
    }
    let text = String::from_utf8_lossy(&bytes);
    if !text.contains(['<', '>', '&']) {
        return text.into_owned();
    }
    text.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read() {
        for (name, fields) in TYPES.iter() {
            for Field {
                name: field, what, ..
            } in fields
            {
                let of = match what {
                    What::Pointer(of) | What::List(of) | What::Struct(of) => of,
                    _ => "",
                };
                assert!(
                    of.is_empty() || TYPES.contains_key(of),
                    "{name}.{field}: {of}"
                );
            }
        }
        let marks = include_str!("internal.txt").split_whitespace().count();
        let read = TYPES.values().map(Vec::len).sum::<usize>() + TYPES.len();
        assert_eq!(read, marks);
    }

    #[test]
    fn specs_read_as_inside() {
        let claim = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}});
        let mut other = claim.clone();
        other["accessModes"] = json!(["ReadWriteMany"]);
        other["resources"]["requests"]["storage"] = json!("2Gi");
        assert_eq!(diff("PersistentVolumeClaimSpec", &claim, &claim), None);
        assert_eq!(
            diff("PersistentVolumeClaimSpec", &claim, &other).as_deref(),
            Some(concat!(
                "@@ -1,12 +1,12 @@\n {\n  \"AccessModes\": [\n-  \"ReadWriteOnce\"\n",
                "+  \"ReadWriteMany\"\n  ],\n  \"Selector\": null,\n  \"Resources\": {\n",
                "   \"Limits\": null,\n   \"Requests\": {\n-   \"storage\": \"1Gi\"\n",
                "+   \"storage\": \"2Gi\"\n   }\n  },\n  \"VolumeName\": \"\",\n"
            ))
        );
    }

    #[test]
    fn fields_of_the_host_are_in_the_security_context() {
        let shown = shown(
            "PodSpec",
            &json!({"hostNetwork": true, "serviceAccount": "x"}),
        );
        assert_eq!(shown["SecurityContext"]["HostNetwork"], json!(true));
        assert_eq!(shown["SecurityContext"]["HostPID"], json!(false));
        assert_eq!(shown["DNSPolicy"], json!(""));
    }
}
