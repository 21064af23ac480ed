//! The CustomResourceDefinition of the App, made from its Rust types.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::json;

use super::schema;
use super::types::App;

/// The CRD `apps.app.example.com`, as it is installed.
pub fn crd() -> CustomResourceDefinition {
    let mut crd = App::crd();
    for version in &mut crd.spec.versions {
        if let Some(validation) = &mut version.schema {
            let mut root = json!(validation.open_api_v3_schema);
            schema::finish(&mut root);
            validation.open_api_v3_schema =
                serde_json::from_value(root).expect("settings of a schema are a schema");
        }
    }
    crd
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_small_and_whole() {
        let text = serde_json::to_string(&crd()).unwrap();
        assert!(text.len() < 30_000, "{} bytes", text.len());
        assert!(!text.contains("null"), "{text}");
    }
}
