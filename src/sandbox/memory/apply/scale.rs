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
        let parent = decode(object)?;
        let owners = parent.entries.into_iter().filter_map(|entry| {
            let path = self.path(&entry.manager.api_version)??;
            let manager = Manager {
                api_version: Cow::Borrowed(SCALE),
                ..entry.manager
            };
            entry
                .set
                .has(&path)
                .then(|| Entry::new(manager, entry.time, Set::of_paths(&["spec/replicas"])))
        });
        Ok(Managed {
            entries: owners.collect(),
        }
        .encode())
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
            if let Some(path) = path.filter(|path| entry.set.has(path)) {
                let seen = Manager {
                    api_version: Cow::Borrowed(SCALE),
                    ..entry.manager.clone()
                };
                match scale.position(&seen) {
                    Some(at) => {
                        scale.entries.swap_remove(at);
                    }
                    None => entry.change(|set| set.difference(&Set::of_path(path))),
                }
            }
            if !entry.set.is_empty() {
                out.entries.push(entry);
            }
        }
        let Some(Some(path)) = self.path(self.api_version) else {
            return Ok(out.encode());
        };
        for entry in scale.entries {
            if !entry
                .set
                .has(&[Element::field("spec"), Element::field("replicas")])
            {
                continue;
            }
            let manager = Manager {
                api_version: Cow::Borrowed(self.api_version),
                ..entry.manager
            };
            // Kubernetes looks for the time among the object's entries, where there is none.
            out.entries
                .push(Entry::new(manager, None, Set::of_path(path.clone())));
        }
        Ok(out.encode())
    }
}

fn decode(list: Option<&Value>) -> Result<Managed<'_>, String> {
    list.map_or_else(
        || Ok(Managed::default()),
        |list| Managed::decode(list, true),
    )
}
