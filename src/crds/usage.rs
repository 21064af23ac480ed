//! Through which versions objects were written, told from their managed fields.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::model::{Metadata, or_default};

/// A page of objects, as metadata alone.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct MetadataPage {
    /// How many more there are
    pub metadata: ListMetadata,
    /// The objects
    #[serde(deserialize_with = "or_default")]
    pub items: Vec<MetadataItem>,
}

/// The parts of `metav1.ListMeta` that matter here.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ListMetadata {
    /// How many objects follow; not said where it is not known
    pub remaining_item_count: Option<u64>,
    /// Not empty where more follow
    #[serde(rename = "continue")]
    pub continue_: String,
}

/// An object's metadata.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct MetadataItem {
    /// Name and managed fields
    pub metadata: Metadata,
}

impl MetadataPage {
    /// The number of objects in all; `None` where there are more than the server says.
    pub fn count(&self) -> Option<u64> {
        let here = self.items.len() as u64;
        match self.metadata.remaining_item_count {
            Some(more) => Some(here + more),
            None if self.metadata.continue_.is_empty() => Some(here),
            None => None,
        }
    }
}

/// Who wrote objects through one version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writers {
    /// How many objects
    pub objects: usize,
    /// The field managers
    pub managers: BTreeSet<String>,
}

/// The writers of each version of `group` in these objects.
pub fn writers(group: &str, items: &[MetadataItem]) -> BTreeMap<String, Writers> {
    let mut versions: BTreeMap<String, Writers> = BTreeMap::new();
    for item in items {
        let mut counted = BTreeSet::new();
        for entry in &item.metadata.managed_fields {
            let Some((of, version)) = entry.api_version.split_once('/') else {
                continue;
            };
            if of != group {
                continue;
            }
            let writers = versions.entry(version.to_owned()).or_default();
            writers.managers.insert(entry.manager.clone());
            if counted.insert(version) {
                writers.objects += 1;
            }
        }
    }
    versions
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn item(entries: &[(&str, &str)]) -> MetadataItem {
        let entries: Vec<_> = entries
            .iter()
            .map(|(manager, version)| json!({"manager": manager, "apiVersion": version}))
            .collect();
        serde_json::from_value(json!({"metadata": {"managedFields": entries}})).unwrap()
    }

    #[test]
    fn an_object_counts_once_for_each_version() {
        let items = [
            item(&[
                ("helm", "a.b/v1beta1"),
                ("kubectl", "a.b/v1beta1"),
                ("op", "a.b/v1"),
            ]),
            item(&[("op", "a.b/v1"), ("x", "other/v1beta1"), ("y", "v1")]),
        ];
        let found = writers("a.b", &items);
        let managers: Vec<&String> = found["v1beta1"].managers.iter().collect();
        assert_eq!((found["v1beta1"].objects, managers.len()), (1, 2));
        assert_eq!((found["v1"].objects, found.len()), (2, 2));
    }

    #[test]
    fn the_count_is_exact_or_not_known() {
        let page = |metadata| -> MetadataPage {
            serde_json::from_value(json!({"metadata": metadata, "items": [{}]})).unwrap()
        };
        assert_eq!(
            page(json!({"remainingItemCount": 41, "continue": "x"})).count(),
            Some(42)
        );
        assert_eq!(page(json!({})).count(), Some(1));
        assert_eq!(page(json!({"continue": "x"})).count(), None);
        let none: MetadataPage = serde_json::from_value(json!({"items": null})).unwrap();
        assert_eq!(none.count(), Some(0));
    }
}
