//! Patches of a Deployment, with what the real server makes of them.

use serde_json::{Value, json};

use crate::sandbox::memory::catalog::catalog;
use crate::sandbox::memory::patch::convert::convert;

use super::{Problem, apply};

fn patched(live: &Value, patch: Value) -> Result<Value, Problem> {
    let type_ = catalog().type_of("apps", "v1", "Deployment").unwrap();
    let mut object = live.clone();
    apply(catalog().types(), type_, &mut object, patch)?;
    Ok(object)
}

fn metadata(value: Value) -> Value {
    json!({ "metadata": value })
}

fn pod(value: Value) -> Value {
    json!({"spec": {"template": {"spec": value}}})
}

fn live() -> Value {
    let mut live = pod(json!({
        "containers": [
            {"name": "a", "image": "x", "ports": [{"containerPort": 80}], "env": [{"name": "E", "value": "1"}]},
            {"name": "b", "image": "y"},
        ],
        "tolerations": [{"key": "k"}],
        "volumes": [{"name": "v", "emptyDir": {}}],
    }));
    live["metadata"] = json!({"name": "s", "finalizers": ["c", "d"], "labels": {"a": "b"}});
    live["spec"]["strategy"] = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}});
    live
}

#[test]
fn lists_and_maps_are_merged() {
    for (patch, pointer, result) in [
        (
            metadata(json!({"finalizers": ["z"]})),
            "/metadata/finalizers",
            json!(["z", "c", "d"]),
        ),
        (
            metadata(json!({"finalizers": ["d", "z"]})),
            "/metadata/finalizers",
            json!(["c", "d", "z"]),
        ),
        (
            metadata(json!({"$deleteFromPrimitiveList/finalizers": ["c", "q"]})),
            "/metadata/finalizers",
            json!(["d"]),
        ),
        (
            metadata(json!({"$deleteFromPrimitiveList/finalizers": "c"})),
            "/metadata/finalizers",
            json!(["c", "d"]),
        ),
        (
            metadata(json!({"$deleteFromPrimitiveList/finalizers": null})),
            "/metadata/finalizers",
            Value::Null,
        ),
        (
            metadata(json!({"$setElementOrder/finalizers": ["d", "c"]})),
            "/metadata/finalizers",
            json!(["d", "c"]),
        ),
        (
            metadata(json!({"$setElementOrder/finalizers": ["d", "n", "c"], "finalizers": ["n"]})),
            "/metadata/finalizers",
            json!(["d", "n", "c"]),
        ),
        (
            metadata(json!({"labels": {"a": null, "q": "1"}})),
            "/metadata/labels",
            json!({"q": "1"}),
        ),
        (
            metadata(json!({"labels": {"$patch": "replace", "q": "1"}})),
            "/metadata/labels",
            json!({"q": "1"}),
        ),
        (
            metadata(json!({"labels": {"$patch": "delete"}})),
            "/metadata/labels",
            json!({}),
        ),
        (
            metadata(json!({"labels": {"$retainKeys": ["q"], "q": "1"}})),
            "/metadata/labels",
            json!({"q": "1"}),
        ),
        (
            metadata(json!({"annotations": {"a": {"b": null}, "c": null}})),
            "/metadata/annotations",
            json!({"a": {}}),
        ),
        (
            pod(json!({"tolerations": [{"key": "q", "value": null}]})),
            "/spec/template/spec/tolerations",
            json!([{"key": "q", "value": null}]),
        ),
        (
            pod(
                json!({"volumes": [{"name": "v", "$retainKeys": ["name", "configMap"], "configMap": {"name": "c"}}]}),
            ),
            "/spec/template/spec/volumes",
            json!([{"name": "v", "configMap": {"name": "c"}}]),
        ),
        (
            json!({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}),
            "/spec/strategy",
            json!({"type": "Recreate"}),
        ),
        (
            pod(
                json!({"containers": [{"name": "a", "env": [{"name": "E", "value": null}, {"name": "F"}], "ports": [{"containerPort": 81}]}]}),
            ),
            "/spec/template/spec/containers/0",
            json!({"name": "a", "image": "x", "ports": [{"containerPort": 81}, {"containerPort": 80}],
                   "env": [{"name": "E"}, {"name": "F"}]}),
        ),
        (json!({"$patch": "delete"}), "", json!({})),
    ] {
        let made = patched(&live(), patch.clone()).unwrap();
        let found = made.pointer(pointer).unwrap_or(&Value::Null);
        assert_eq!(found, &result, "{patch}");
    }
}

#[test]
fn containers_come_in_order() {
    for (patch, names) in [
        (json!({"containers": [{"name": "n"}]}), "nab"),
        (json!({"containers": [{"name": "b"}, {"name": "n"}]}), "abn"),
        (json!({"containers": [{"name": "b"}, {"name": "a"}]}), "ba"),
        (
            json!({"containers": [{"name": "a", "$patch": "delete"}]}),
            "b",
        ),
        (
            json!({"containers": [{"$patch": "replace"}, {"name": "n"}]}),
            "n",
        ),
        (
            json!({"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}),
            "ba",
        ),
        (
            json!({"$setElementOrder/containers": [{"name": "b"}, {"name": "n"}, {"name": "a"}], "containers": [{"name": "n"}]}),
            "bna",
        ),
        (
            json!({"$deleteFromPrimitiveList/containers": [{"name": "b"}]}),
            "ab",
        ),
    ] {
        let made = patched(&live(), pod(patch.clone())).unwrap();
        let containers = made["spec"]["template"]["spec"]["containers"]
            .as_array()
            .unwrap()
            .iter();
        let shown: String = containers
            .map(|container| container["name"].as_str().unwrap())
            .collect();
        assert_eq!(shown, names, "{patch}");
    }
}

#[test]
fn what_cannot_be_merged_is_told_in_kubernetes_words() {
    let bad = |words| Err(Problem::Bad(words));
    let plain = |words: &str| Err(Problem::Plain(words.to_owned()));
    for (patch, answer) in [
        (
            metadata(json!({"finalizers": [1]})),
            plain("list element types are not identical: [[c d] [1]]"),
        ),
        (
            metadata(json!({"finalizers": [null]})),
            plain("list element types are not identical: [[c d] [<nil>]]"),
        ),
        (
            metadata(json!({"$deleteFromPrimitiveList": ["c"]})),
            bad("invalid patch format of primitive list"),
        ),
        (
            metadata(json!({"$setElementOrder": []})),
            bad("invalid patch format of setElementOrder list"),
        ),
        (
            metadata(json!({"$setElementOrder/finalizers": "x"})),
            plain("expected a []interface {}, but received a string"),
        ),
        (
            metadata(json!({"$setElementOrder/foo": []})),
            plain("unable to find api field in struct ObjectMeta for the json field \"foo\""),
        ),
        (
            metadata(json!({"$setElementOrder/labels": []})),
            plain("expected a []interface {}, but received a map[string]interface {}"),
        ),
        (
            metadata(json!({"$setElementOrder/finalizers": ["d"], "finalizers": ["n"]})),
            plain("The order in patch list:\n[n]\n doesn't match $setElementOrder list:\n[d]\n"),
        ),
        (
            metadata(json!({"labels": {"$patch": "merge", "q": "1"}})),
            plain("unknown patch type: merge in map: map[$patch:merge q:1]"),
        ),
        (
            metadata(json!({"labels": {"$patch": 1}})),
            plain("unknown patch type: %!s(int64=1) in map: map[$patch:1]"),
        ),
        (
            metadata(json!({"labels": {"$retainKeys": ["q"], "r": "1"}})),
            bad("invalid patch format of retainKeys"),
        ),
        (
            metadata(json!({"labels": {"$retainKeys": "q"}})),
            bad("invalid patch format of retainKeys"),
        ),
        (
            pod(json!({"containers": [{"image": "z"}]})),
            plain("map: map[image:z] does not contain declared merge key: name"),
        ),
        (
            pod(json!({"containers": [{"$patch": "delete"}]})),
            plain("map: map[$patch:delete] does not contain declared merge key: name"),
        ),
        (
            pod(json!({"containers": [{"$patch": "merge"}]})),
            plain("merging lists cannot yet be specified in the patch"),
        ),
        (
            pod(json!({"containers": [{"$patch": "x"}]})),
            plain("unknown patch type: x in map: map[$patch:x]"),
        ),
        (
            pod(json!({"$setElementOrder/containers": [{"name": "b"}, {}]})),
            plain("map: map[] does not contain declared merge key: name"),
        ),
        (
            pod(json!({"$setElementOrder/containers": [{"name": "b"}, "x"]})),
            plain("value for key 1 is not a map"),
        ),
        (
            pod(json!({"$deleteFromPrimitiveList/tolerations": [{"key": "b"}]})),
            plain("cannot merge lists without merge key for struct"),
        ),
        (
            pod(json!({"$setElementOrder/tolerations": [{"key": "q"}]})),
            plain("runtime error: hash of unhashable type map[string]interface {}"),
        ),
    ] {
        assert_eq!(
            patched(&live(), patch.clone()).map(|_| ()),
            answer,
            "{patch}"
        );
    }
    let mut nested = live();
    nested["metadata"]["finalizers"] = json!([]);
    assert_eq!(
        patched(&nested, metadata(json!({"finalizers": [["a"]]}))),
        Err(Problem::Unfit)
    );
}

#[test]
fn values_of_other_types_are_told_in_the_converters_words() {
    let type_ = catalog().type_of("apps", "v1", "Deployment").unwrap();
    let converted = |mut value: Value| {
        convert(catalog().types(), type_, &mut value)?;
        Ok::<_, String>(value)
    };
    for (value, words) in [
        (
            json!({"spec": {"replicas": "x"}}),
            "unrecognized type: int32",
        ),
        (
            json!({"spec": {"replicas": 1.5}}),
            "cannot convert float64 to int32",
        ),
        (json!({"spec": {"paused": 1}}), "unrecognized type: bool"),
        (json!({"spec": []}), "cannot restore struct from: slice"),
        (
            metadata(json!({"name": 1})),
            "cannot convert int64 to string",
        ),
        (
            metadata(json!({"uid": 1})),
            "cannot convert int64 to types.UID",
        ),
        (
            metadata(json!({"labels": {"a": {"b": 1}}})),
            "unrecognized type: string",
        ),
        (
            metadata(json!({"labels": "x"})),
            "cannot restore map from string",
        ),
        (
            metadata(json!({"finalizers": {}})),
            "cannot restore slice from map",
        ),
        (
            pod(json!({"terminationGracePeriodSeconds": 1.5})),
            "cannot convert float64 to int64",
        ),
    ] {
        assert_eq!(converted(value.clone()), Err(words.to_owned()), "{value}");
    }
    let replicas = |n: Value| json!({"spec": {"replicas": n}});
    assert_eq!(
        converted(replicas(json!(9_999_999_999_i64))),
        Ok(replicas(json!(1_410_065_407)))
    );
    assert_eq!(converted(replicas(json!(100.0))), Ok(replicas(json!(100))));
}
