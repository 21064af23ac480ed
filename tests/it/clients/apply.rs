//! Server-side apply as a kube-rs program does it, with two who own fields.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::{client_in, run};
use crate::support::{Cluster, on_both};

on_both! {
    fields_have_owners,
}

fn wish(data: Value) -> Patch<Value> {
    let metadata = json!({"name": "a"});
    Patch::Apply(
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}),
    )
}

fn managers(object: &ConfigMap) -> Vec<&str> {
    let entries = object.managed_fields().iter();
    entries
        .filter_map(|entry| entry.manager.as_deref())
        .collect()
}

fn fields_have_owners(cluster: &'static Cluster) {
    run(async {
        let client = client_in(cluster, "kube-apply").await;
        let maps: Api<ConfigMap> = Api::default_namespaced(client);
        let (one, other) = (PatchParams::apply("one"), PatchParams::apply("other"));
        let made = maps
            .patch("a", &one, &wish(json!({"x": "1", "y": "1"})))
            .await;
        let made = made.unwrap();
        assert_eq!(managers(&made), ["one"]);
        // The same again changes nothing, not even the version.
        let again = maps
            .patch("a", &one, &wish(json!({"x": "1", "y": "1"})))
            .await;
        assert_eq!(again.unwrap().resource_version(), made.resource_version());

        let refused = maps
            .patch("a", &other, &wish(json!({"y": "2", "z": "2"})))
            .await;
        let Err(kube::Error::Api(status)) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!((status.code, &*status.reason), (409, "Conflict"));
        assert!(
            status.message.contains(r#"conflict with "one": .data.y"#),
            "{}",
            status.message
        );
        let forced = other.clone().force();
        let taken = maps
            .patch("a", &forced, &wish(json!({"y": "2", "z": "2"})))
            .await;
        let data = serde_json::to_value(taken.unwrap().data).unwrap();
        assert_eq!(data, json!({"x": "1", "y": "2", "z": "2"}));
        // What nobody wishes any more is gone; what somebody else wishes stays.
        let less = maps.patch("a", &one, &wish(json!({}))).await.unwrap();
        let data = serde_json::to_value(less.data).unwrap();
        assert_eq!(data, json!({"y": "2", "z": "2"}));
        let typed = ConfigMap {
            metadata: super::named("b"),
            ..ConfigMap::default()
        };
        let typed = maps.patch("b", &one, &Patch::Apply(&typed)).await.unwrap();
        assert_eq!(typed.name_any(), "b");
    });
}
