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
        self::decoded("api.core.v1.Pod", &body)
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
        assert_eq!(self::decoded(name, body).unwrap_err(), expected, "{body}");
    }
}

/// Looking each number up in the text would take minutes.
#[test]
fn many_numbers_are_no_attack() {
    let limits: String = (0..20_000).map(|n| format!("\"x{n}\":0.5,")).collect();
    let body = format!("{{\"limits\":{{{limits}\"y\":1e2}}}}");
    let value = value("api.core.v1.ResourceRequirements", &body);
    assert_eq!(value["limits"]["x19999"], "500m");
    let bytes = "300,".repeat(20_000);
    let body = format!("{{\"data\":{{\"a\":[{bytes}1.5]}}}}");
    assert!(decoded("api.core.v1.Secret", &body).is_err());
}
