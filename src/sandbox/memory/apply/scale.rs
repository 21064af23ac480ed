//! Who manages the number of replicas, seen from the object and from its scale subresource
//! (apimachinery's `pkg/util/managedfields/scalehandler.go`).

use std::borrow::Cow;

use serde_json::Value;

use super::element::Element;
use super::managed::{Entry, Managed, Manager};
use super::set::Set;

/// The version of the scale subresource.
const SCALE: &str = "autoscaling/v1";

/// Where the number of replicas is in the versions of a kind.
#[derive(Clone, Copy, Debug)]
pub struct Replicas<'a> {
    /// The version of the request
    pub api_version: &'a str,
    /// The path of the number in each version that is served, such as `["spec", "replicas"]`;
    /// `None` where a version of a custom resource has no scale subresource.
    pub paths: &'a [(&'a str, Option<&'a [&'a str]>)],
}

impl<'a> Replicas<'a> {
    /// `None` for a version that is not known.
    fn path(&self, api_version: &str) -> Option<Option<Vec<Element<'a>>>> {
        let (_, path) = self
            .paths
            .iter()
            .find(|(version, _)| *version == api_version)?;
        Some(path.map(|path| path.iter().map(|step| Element::field(step)).collect()))
    }

    /// The managedFields of the scale, from those of the object.
    ///
    /// # Errors
    /// What is wrong with the object's.
    pub fn to_scale(&self, object: Option<&Value>) -> Result<Option<Value>, String> {
        let mut owners = Managed::default();
        for mut entry in decode(object)?.entries {
            let path = self.path(&entry.manager.api_version).flatten();
            if path.is_some_and(|path| entry.set().has(&path)) {
                let manager = Manager {
                    api_version: Cow::Borrowed(SCALE),
                    ..entry.manager
                };
                let set = Set::of_paths(&["spec/replicas"]);
                owners.entries.push(Entry::new(manager, entry.time, set));
            }
        }
        Ok(owners.encode(None))
    }

    /// The managedFields of the object after its scale was written: `scale` are the scale's, `object`
    /// are the object's from before.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub fn to_object(
        &self,
        object: Option<&Value>,
        scale: Option<&Value>,
    ) -> Result<Option<Value>, String> {
        let (parent, mut scale) = (decode(object)?, decode(scale)?);
        let mut out = Managed::default();
        for mut entry in parent.entries {
            let Some(path) = self.path(&entry.manager.api_version) else {
                continue;
            };
            if let Some(path) = path.filter(|path| entry.set().has(path)) {
                // Entries of updates have the scale's version there, and are never found: they lose
                // the number here and get it back below, as another entry. So does Kubernetes.
                match scale.position(&entry.manager) {
                    Some(at) => {
                        scale.entries.swap_remove(at);
                    }
                    None => entry.change(|set| set.difference(&Set::of_path(path))),
                }
            }
            if !entry.is_empty() {
                out.entries.push(entry);
            }
        }
        let Some(Some(path)) = self.path(self.api_version) else {
            return Ok(out.encode(None));
        };
        let in_scale = [Element::field("spec"), Element::field("replicas")];
        for mut entry in scale.entries {
            if entry.set().has(&in_scale) {
                let api_version = Cow::Borrowed(self.api_version);
                let manager = Manager {
                    api_version,
                    ..entry.manager
                };
                // Kubernetes looks for the time among the object's entries, where there is none.
                out.entries
                    .push(Entry::new(manager, None, Set::of_path(path.clone())));
            }
        }
        Ok(out.encode(None))
    }
}

fn decode(list: Option<&Value>) -> Result<Managed<'_>, String> {
    list.map_or_else(|| Ok(Managed::default()), Managed::stored)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::managers;
    use super::Replicas;

    const PATH: &[&str] = &["spec", "replicas"];

    fn entry(manager: &str, operation: &str, api_version: &str, spec: Value) -> Value {
        json!({"manager": manager, "operation": operation, "apiVersion": api_version,
               "time": "2020-01-01T00:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": spec}})
    }

    fn shown(list: Option<Value>) -> Vec<String> {
        managers(&json!({"metadata": {"managedFields": list}}))
    }

    /// What the real server keeps after the same writes of a Deployment's scale.
    #[test]
    fn the_number_is_handed_between_object_and_scale() {
        let replicas = Replicas {
            api_version: "apps/v1",
            paths: &[("apps/v1", Some(PATH)), ("apps/v1beta2", None)],
        };
        let both = json!({"f:replicas": {}, "f:paused": {}});
        let object = json!([
            entry("a", "Apply", "apps/v1", json!({"f:replicas": {}})),
            entry("u", "Update", "apps/v1", both.clone()),
            entry("v", "Update", "apps/v1beta2", both.clone()),
            entry("w", "Update", "gone/v1", both),
        ]);
        let scale = replicas.to_scale(Some(&object)).unwrap().unwrap();
        let time = "2020-01-01T00:00:00Z";
        assert_eq!(scale[0]["apiVersion"], "autoscaling/v1");
        assert_eq!(
            shown(Some(scale.clone())),
            [
                format!("a Apply {time} .spec.replicas"),
                format!("u Update {time} .spec.replicas")
            ]
        );

        // A write that changes nothing: the applier keeps the number, the updater gets it anew.
        let same = replicas.to_object(Some(&object), Some(&scale)).unwrap();
        assert_eq!(
            shown(same),
            [
                format!("a Apply {time} .spec.replicas"),
                "u Update - .spec.replicas".to_owned(),
                format!("u Update {time} .spec.paused"),
                format!("v Update {time} .spec.paused .spec.replicas"),
            ]
        );

        // Somebody else changed the number.
        let mut taken = entry("s", "Update", "autoscaling/v1", json!({"f:replicas": {}}));
        taken["subresource"] = json!("scale");
        let other = json!([
            taken,
            entry("t", "Update", "autoscaling/v1", json!({"f:x": {}}))
        ]);
        let after = replicas.to_object(Some(&object), Some(&other)).unwrap();
        assert_eq!(
            shown(after),
            [
                "s Update scale - .spec.replicas".to_owned(),
                format!("u Update {time} .spec.paused"),
                format!("v Update {time} .spec.paused .spec.replicas"),
            ]
        );
        assert_eq!(replicas.to_object(None, None), Ok(None));
    }
}
