use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Envelope, numbers};
use crate::sandbox::memory::catalog::catalog;
use crate::sandbox::memory::decode::Parsed;
use crate::sandbox::memory::types::{Type, TypeId};

/// Objects as Go sends them in protobuf, each with what Go writes of it as JSON in the next line.
const CASES: &str = include_str!("cases.txt");

fn cases() -> impl Iterator<Item = (Vec<u8>, Value)> {
    let lines: Vec<_> = CASES.lines().collect();
    let cases = lines.chunks(2).map(|case| {
        let body = STANDARD.decode(case[0]).unwrap();
        (body, serde_json::from_str(case[1]).unwrap())
    });
    cases.collect::<Vec<_>>().into_iter()
}

fn group_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

fn type_of(api_version: &str, kind: &str) -> TypeId {
    let (group, version) = group_version(api_version);
    let type_ = catalog().type_of(group, version, kind);
    type_.unwrap_or_else(|| panic!("no {api_version} {kind}"))
}

fn read(body: &[u8]) -> Result<Value, String> {
    let envelope = Envelope::read(body)?;
    let type_ = type_of(&envelope.api_version, &envelope.kind);
    envelope.object(catalog().types(), type_)
}

/// A message in a field.
fn field(number: u32, body: &[u8]) -> Vec<u8> {
    let mut field = Vec::new();
    for mut rest in [u64::from(number) << 3 | 2, body.len() as u64] {
        while rest > 0x7f {
            field.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        field.push(rest as u8);
    }
    field.extend(body);
    field
}

fn sent(api_version: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let names = [field(1, api_version.as_bytes()), field(2, kind.as_bytes())];
    [
        b"k8s\0".to_vec(),
        field(1, &names.concat()),
        field(2, body),
        field(3, b""),
        field(4, b""),
    ]
    .concat()
}

fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

/// The generator has written the numbers in the order of the catalog's fields.
#[test]
fn numbers_are_of_this_catalog() {
    let text = numbers::text();
    let (digest, lines) = text.split_once('\n').unwrap();
    let mut names = Sha256::new();
    for line in lines.lines() {
        let (name, _) = line.split_once(' ').unwrap();
        let type_ = catalog().types().named(name);
        let Some(Type::Object(object)) = type_.map(|id| catalog().types().get(id)) else {
            panic!("{name} is not in the catalog")
        };
        let fields: Vec<_> = object.fields.iter().map(|field| &*field.name).collect();
        names.update(format!("{name} {}\n", fields.join(" ")));
    }
    let is: String = names
        .finalize()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!(is, digest, "run tests/controlplane/protobuf/generate.sh");
}

#[test]
fn objects_are_those_of_json() {
    for (body, mut expected) in cases() {
        let is = read(&body).unwrap_or_else(|e| panic!("{e}: {expected}"));
        let type_ = type_of(
            expected["apiVersion"].as_str().unwrap(),
            expected["kind"].as_str().unwrap(),
        );
        let decode = |value| Parsed::of(value).decode(catalog().types(), type_).unwrap();
        let decoded = decode(is.clone());
        assert_eq!(decoded.value, decode(expected.clone()).value);
        assert!(decoded.strict.is_empty(), "{decoded:?}");
        without_nulls(&mut expected);
        let mut is = is;
        without_nulls(&mut is);
        assert_eq!(is, expected);
    }
    assert!(cases().count() > 15);
}

#[test]
fn what_is_cut_off_is_told() {
    for (body, _) in cases() {
        let envelope = Envelope::read(&body).unwrap();
        let type_ = type_of(&envelope.api_version, &envelope.kind);
        let mut cut_between = 0;
        for end in 0..envelope.raw.len() {
            let cut = Envelope {
                raw: &envelope.raw[..end],
                ..envelope.clone()
            };
            match cut.object(catalog().types(), type_) {
                Ok(_) => cut_between += 1,
                Err(problem) => assert_eq!(problem, "unexpected EOF"),
            }
        }
        // An object has few parts of its own.
        assert!((1..20).contains(&cut_between), "{cut_between}");
    }
}

/// Whatever comes, there is an answer.
#[test]
fn bodies_with_wrong_bytes_are_answered() {
    let mut refused = 0;
    for (body, _) in cases() {
        for at in (4..body.len()).step_by(3) {
            let mut body = body.clone();
            body[at] ^= [0x01, 0x04, 0x80, 0xff][at % 4];
            let Ok(envelope) = Envelope::read(&body) else {
                continue;
            };
            let (group, version) = group_version(&envelope.api_version);
            let type_ = catalog().type_of(group, version, &envelope.kind);
            let type_ = type_.unwrap_or_else(|| type_of("v1", "Pod"));
            refused += usize::from(envelope.object(catalog().types(), type_).is_err());
        }
    }
    assert!(refused > 300, "{refused}");
}

/// The sentences are the real server's.
#[test]
fn what_is_no_envelope_is_refused() {
    for (body, expected) in [
        (&b""[..], "empty data"),
        (
            b"garbage",
            "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]",
        ),
        (b"k8s\0", "empty body"),
        (b"k8s\0\x0a", "unexpected EOF"),
        (b"k8s\0\x0a\x02a", "unexpected EOF"),
        (
            b"k8s\0\x08\x01",
            "proto: wrong wireType = 0 for field TypeMeta",
        ),
        (
            b"k8s\0\x00\x01",
            "proto: Unknown: illegal tag 0 (wire type 0)",
        ),
    ] {
        assert_eq!(Envelope::read(body).unwrap_err(), expected, "{body:?}");
    }
}

/// The sentences are the real server's.
#[test]
fn what_is_no_message_is_refused() {
    for (body, expected) in [
        (&b"\x0a"[..], "unexpected EOF"),
        (
            b"\x08\x01",
            "proto: wrong wireType = 0 for field ObjectMeta",
        ),
        (
            b"\x0c\x01",
            "proto: Deployment: wiretype end group for non-group",
        ),
        (
            b"\x02\x01",
            "proto: Deployment: illegal tag 0 (wire type 2)",
        ),
        (&[0xff; 11], "proto: integer overflow"),
        (
            b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            "proto: negative length found during unmarshaling",
        ),
        (b"\x0a\xff\xff\xff\xff\x07", "unexpected EOF"),
        (b"\x7e", "proto: illegal wireType 6"),
        (
            b"\x7c",
            "proto: Deployment: wiretype end group for non-group",
        ),
        (b"\x7b\x7b\x7c", "unexpected EOF"),
        (b"\x79\x01", "unexpected EOF"),
    ] {
        let is = read(&sent("apps/v1", "Deployment", body));
        assert_eq!(is, Err(expected.to_owned()), "{body:x?}");
    }
}

#[test]
fn unknown_fields_are_passed_over() {
    // A varint, eight bytes, bytes, a group with a group in it, and four bytes, all in field 15.
    let unknown = b"\x78\x80\x01\x79\0\0\0\0\0\0\0\0\x7a\x01x\x7b\x7b\x08\x01\x7c\x7c\x7d\0\0\0\0";
    let body = [&unknown[..], &field(1, &field(1, b"a")), unknown].concat();
    assert_eq!(
        read(&sent("v1", "Secret", &body)).unwrap()["metadata"],
        json!({"name": "a"})
    );
}

#[test]
fn parts_of_a_message_are_joined() {
    let metadata = |label: &str, name: &str| {
        let entry = [field(1, label.as_bytes()), field(2, b"x")].concat();
        field(1, &[field(1, name.as_bytes()), field(11, &entry)].concat())
    };
    let body = [
        metadata("a", "one"),
        metadata("b", "two"),
        metadata("b", ""),
    ]
    .concat();
    assert_eq!(
        read(&sent("v1", "Secret", &body)).unwrap(),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"labels": {"a": "x", "b": "x"}}})
    );
}

#[test]
fn numbers_may_be_packed_and_entries_empty() {
    // securityContext.supplementalGroups of a Pod, once as protobuf has it and once packed
    let groups = [&b"\x20\x05"[..], &field(4, b"\x01\x80\x01")].concat();
    let body = field(2, &field(14, &groups));
    let pod = read(&sent("v1", "Pod", &body)).unwrap();
    assert_eq!(
        pod["spec"]["securityContext"]["supplementalGroups"],
        json!([5, 1, 128])
    );
    let data = read(&sent(
        "v1",
        "ConfigMap",
        &[field(2, b""), field(3, b"")].concat(),
    ))
    .unwrap();
    assert_eq!(
        (&data["data"], &data["binaryData"]),
        (&json!({"": ""}), &json!({"": ""}))
    );
}

#[test]
fn values_that_json_cannot_have_are_refused() {
    let lease = |time: &[u8]| {
        let lease = read(&sent(
            "coordination.k8s.io/v1",
            "Lease",
            &field(2, &field(4, time)),
        ));
        lease.map(|lease| lease["spec"]["renewTime"].clone())
    };
    // Minus a microsecond
    let back = b"\x08\x01\x10\x98\xf8\xff\xff\xff\xff\xff\xff\xff\x01";
    assert_eq!(lease(back), Ok(json!("1970-01-01T00:00:00.999999Z")));
    assert_eq!(lease(b""), Ok(Value::Null));
    assert!(
        lease(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f")
            .unwrap_err()
            .contains("four digits")
    );
    let data = |raw: &[u8]| {
        let body = field(2, &field(1, raw));
        read(&sent("apps/v1", "ControllerRevision", &body)).map(|object| object["data"].clone())
    };
    assert_eq!(data(b"{\"a\":1}"), Ok(json!({"a": 1})));
    assert_eq!(data(b""), Ok(Value::Null));
    assert!(data(b"{").is_err());
    let port = field(2, &field(1, &field(4, b"\x08\x02")));
    assert_eq!(
        read(&sent("v1", "Service", &port)),
        Err("impossible IntOrString.Type".to_owned())
    );
}

#[test]
fn depth_is_limited() {
    // A schema's `not`
    let nested = |depth: usize| {
        let mut schema = Vec::new();
        for _ in 0..depth {
            schema = field(28, &schema);
        }
        let version = field(4, &field(1, &schema));
        read(&sent(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            &field(2, &field(7, &version)),
        ))
    };
    assert!(nested(200).is_ok());
    assert_eq!(nested(300), Err("exceeded max depth".to_owned()));
    assert_eq!(nested(20_000), Err("exceeded max depth".to_owned()));
}

#[test]
fn kinds_without_messages_are_refused() {
    let problem = read(&sent("v1", "Table", b"")).unwrap_err();
    assert!(
        problem.starts_with("object *v1.Table does not implement"),
        "{problem}"
    );
}
