//! The facts of the built-in API that a fresh server of the pinned Kubernetes has: what is served,
//! what the types are, which columns are shown, which objects there are from the start, and the
//! OpenAPI documents.
//!
//! All of it comes from `catalog.json.gz`, which `tests/controlplane/catalog/generate.sh` writes.
//! What a start needs is built when [`catalog`] is first called; the rest when it is asked for.

mod columns;
mod descriptions;
mod discovery;
mod file;
mod openapi;
mod schemas;
mod types;
mod words;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use serde_json::Value;
use serde_json::value::RawValue;

use crate::sandbox::memory::resource::Resource;
use crate::sandbox::memory::types::{TypeId, Types};

pub use columns::Column;
pub use discovery::Group;

/// See the module.
#[derive(Debug)]
pub struct Catalog {
    kubernetes: String,
    version: Value,
    paths: Vec<String>,
    types: Arc<Types>,
    kinds: HashMap<String, HashMap<String, TypeId>>,
    groups: Vec<Group>,
    resources: Vec<Arc<Resource>>,
    columns: HashMap<String, Vec<Column>>,
    openapi: OnceLock<openapi::Parts>,
    words: OnceLock<words::Words>,
}

/// The catalog of the pinned Kubernetes.
pub fn catalog() -> &'static Catalog {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    CATALOG.get_or_init(Catalog::read)
}

impl Catalog {
    fn read() -> Self {
        let text = file::member(file::FACTS);
        let facts: file::Facts<'_> = file::parse(&text);
        let (types, numbers) = types::build(&facts.types);
        let types = Arc::new(types);
        let kinds = types::kinds(&facts.kinds, &facts.types, &numbers);
        let find = |gv: &str, kind: &str| kinds.get(gv).and_then(|kinds| kinds.get(kind)).copied();
        let (groups, resources) = discovery::build(&facts, &types, find);
        Catalog {
            kubernetes: facts.kubernetes.to_owned(),
            version: facts.version,
            paths: facts.paths.iter().map(|path| (*path).to_owned()).collect(),
            types,
            kinds,
            groups,
            resources,
            columns: columns::build(facts.columns),
            openapi: OnceLock::new(),
            words: OnceLock::new(),
        }
    }

    /// The release that the facts are of, such as `1.36.3`.
    pub fn kubernetes(&self) -> &str {
        &self.kubernetes
    }

    /// What `/version` answers. `goVersion` and `platform` are not in it: they are no facts of
    /// Kubernetes but of who built a server.
    pub fn version(&self) -> &Value {
        &self.version
    }

    /// The paths that `/` lists.
    pub fn paths(&self) -> &[String] {
        &self.paths
    }

    /// All types: those of kinds and what they contain, by the names of their schemas.
    pub fn types(&self) -> &Arc<Types> {
        &self.types
    }

    /// The groups, in the order of discovery; the core group, which has no name, is first.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Every resource that is served, in each version, in the order of discovery.
    pub fn resources(&self) -> &[Arc<Resource>] {
        &self.resources
    }

    /// The type of a kind of a served group-version. Kinds that belong to no group, such as
    /// `Status`, `DeleteOptions` and `Table`, are found in every one.
    pub fn type_of(&self, group: &str, version: &str, kind: &str) -> Option<TypeId> {
        let of = |gv: &str| self.kinds.get(gv)?.get(kind).copied();
        let own = if group.is_empty() {
            of(version)
        } else {
            of(&format!("{group}/{version}"))
        };
        own.or_else(|| of(""))
    }

    /// The columns of a Table of a resource; none for one that cannot be listed.
    pub fn columns(&self, group: &str, plural: &str) -> &[Column] {
        let key = format!("{group}/{plural}");
        self.columns.get(&key).map_or(&[], Vec::as_slice)
    }

    /// The description of a field of a type, such as `io.k8s.api.core.v1.PodSpec.nodeName`.
    pub fn description_of(&self, place: &str) -> Option<String> {
        descriptions::of_place(place)
    }

    /// The objects that a fresh server has, Namespaces first, without uids, times and versions: these
    /// are to be given
    /// when they are stored. Two things in them are for the caller to set: `targetPort` of the
    /// Service `kubernetes`, which is 0, and `data.since` (a day) of the ConfigMap
    /// `kube-apiserver-legacy-service-account-token-tracking`. Objects that carry keys or an
    /// identity of the server (the ConfigMaps of its certificates, its Lease) are not among them.
    pub fn bootstrap(&self) -> impl Iterator<Item = Value> + use<> {
        // One at a time is an object a tree of values, which takes ten times its text.
        let objects: Vec<Box<RawValue>> = file::parse(&file::member(file::BOOTSTRAP));
        objects.into_iter().map(|object| file::parse(object.get()))
    }

    fn openapi_parts(&self) -> &openapi::Parts {
        self.openapi.get_or_init(openapi::Parts::read)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::Value;

    use super::{Catalog, catalog};
    use crate::sandbox::memory::types::{Field, ListKind, Object, Omit, Scalar, Type};

    fn object<'a>(catalog: &'a Catalog, name: &str) -> &'a Object {
        let id = catalog
            .types()
            .named(name)
            .unwrap_or_else(|| panic!("no {name}"));
        match catalog.types().get(id) {
            Type::Object(object) => object,
            other => panic!("{name} is {other:?}"),
        }
    }

    fn field<'a>(catalog: &'a Catalog, name: &str) -> (&'a Field, &'a Type) {
        let (of, name) = name.rsplit_once('.').unwrap();
        let field = object(catalog, of)
            .field(name)
            .unwrap_or_else(|| panic!("no {of}.{name}"));
        (field, catalog.types().get(field.type_))
    }

    #[test]
    fn resources_have_types_and_columns() {
        let catalog = catalog();
        let mut seen = HashSet::new();
        for resource in catalog.resources() {
            let key = format!("{}/{}", resource.api_version(), resource.plural);
            assert!(
                matches!(resource.types.get(resource.type_), Type::Object(_)),
                "{key}"
            );
            let listed = resource.has_verb("list");
            let columns = catalog.columns(&resource.group, &resource.plural);
            assert_eq!(listed, !columns.is_empty(), "{key}");
            let list = catalog.type_of(&resource.group, &resource.version, &resource.list_kind);
            assert!(list.is_some() || !listed, "{key} has no list");
            for sub in &resource.subresources {
                let (group, version) = match sub.version.as_str() {
                    "" => (&resource.group, &resource.version),
                    _ => (&sub.group, &sub.version),
                };
                assert!(
                    catalog.type_of(group, version, &sub.kind).is_some(),
                    "{key}/{}",
                    sub.name
                );
            }
            assert!(seen.insert(key.clone()), "{key} is there twice");
        }
        assert!(
            seen.contains("v1/pods") && seen.contains("apps/v1/deployments"),
            "{seen:?}"
        );
        assert_eq!(catalog.groups()[0].name, "");
        let named = |name: &str| catalog.groups().iter().find(|g| g.name == name).unwrap();
        assert_eq!(named("autoscaling").versions, ["v2", "v1"]);
    }

    #[test]
    fn fields_are_as_go_has_them() {
        let catalog = catalog();
        let deployment = object(catalog, "io.k8s.api.apps.v1.Deployment");
        let names: Vec<_> = deployment.fields.iter().map(|f| &*f.name).collect();
        assert_eq!(names, ["kind", "apiVersion", "metadata", "spec", "status"]);
        for (place, omit) in [
            ("io.k8s.api.apps.v1.Deployment.status", Omit::Never),
            ("io.k8s.api.apps.v1.DeploymentSpec.replicas", Omit::Nil),
            ("io.k8s.api.apps.v1.DeploymentSpec.selector", Omit::Null),
            ("io.k8s.api.apps.v1.DeploymentSpec.paused", Omit::Zero),
            ("io.k8s.api.core.v1.PodSpec.containers", Omit::Null),
            ("io.k8s.api.core.v1.Container.name", Omit::Never),
            ("io.k8s.api.core.v1.Event.firstTimestamp", Omit::Null),
            (
                "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta.creationTimestamp",
                Omit::ZeroStruct,
            ),
        ] {
            assert_eq!(field(catalog, place).0.omit, omit, "{place}");
        }
        let (ports, list) = field(catalog, "io.k8s.api.core.v1.Container.ports");
        assert!(ports.patch.merge);
        assert_eq!(ports.patch.key.as_deref(), Some("containerPort"));
        let Type::List(list) = list else {
            panic!("{list:?}")
        };
        assert_eq!(
            list.kind,
            ListKind::Map(vec!["containerPort".into(), "protocol".into()])
        );
        let (protocol, _) = field(catalog, "io.k8s.api.core.v1.ContainerPort.protocol");
        assert_eq!(protocol.default, Some("TCP".into()));
        let (limits, map) = field(catalog, "io.k8s.api.core.v1.ResourceRequirements.limits");
        assert!(!limits.required);
        let Type::Map(map) = map else {
            panic!("{map:?}")
        };
        assert!(matches!(
            catalog.types().get(map.value),
            Type::Scalar(Scalar::Quantity)
        ));
        let strategy = field(catalog, "io.k8s.api.apps.v1.DeploymentSpec.strategy").0;
        assert!(strategy.patch.retain_keys && !strategy.patch.merge);
        assert!(
            object(
                catalog,
                "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector"
            )
            .atomic
        );
    }

    #[test]
    fn a_schema_of_schemas_contains_itself() {
        let catalog = catalog();
        let name = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";
        let Type::Map(properties) = field(catalog, &format!("{name}.properties")).1 else {
            panic!("properties are no map")
        };
        assert_eq!(Some(properties.value), catalog.types().named(name));
    }

    #[test]
    fn kinds_of_no_group_are_in_every_one() {
        let catalog = catalog();
        for kind in [
            "Status",
            "DeleteOptions",
            "Table",
            "PartialObjectMetadata",
            "WatchEvent",
        ] {
            let there = catalog.type_of("apps", "v1", kind);
            assert!(
                there.is_some() && there == catalog.type_of("", "v1", kind),
                "{kind}"
            );
        }
        assert_eq!(catalog.type_of("apps", "v1", "Pod"), None);
        assert_eq!(catalog.type_of("apps", "v2", "Deployment"), None);
    }

    #[test]
    fn a_fresh_server_has_its_objects() {
        let objects: Vec<_> = catalog().bootstrap().collect();
        let named = |kind: &str, name: &str| {
            objects
                .iter()
                .find(|o| o["kind"] == kind && o["metadata"]["name"] == name)
        };
        for (kind, name) in [
            ("Namespace", "kube-system"),
            ("Service", "kubernetes"),
            ("ClusterRole", "cluster-admin"),
            ("PriorityClass", "system-node-critical"),
            ("APIService", "v1.apps"),
        ] {
            let object = named(kind, name).unwrap_or_else(|| panic!("no {kind} {name}"));
            assert!(object["metadata"].get("uid").is_none());
        }
        let is_namespace = |object: &&Value| object["kind"] == "Namespace";
        let namespaces = objects.iter().filter(is_namespace).count();
        assert_eq!(objects.iter().take_while(is_namespace).count(), namespaces);
        // Its rules come from the roles that it aggregates.
        let view = named("ClusterRole", "view").unwrap();
        assert!(
            view["rules"]
                .as_array()
                .is_some_and(|rules| rules.len() > 10)
        );
    }

    #[test]
    fn columns_are_described() {
        let catalog = catalog();
        let columns = catalog.columns("", "pods");
        let names: Vec<_> = columns.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names[..5], ["Name", "Ready", "Status", "Restarts", "Age"]);
        assert_eq!(
            (columns[0].format.as_str(), columns[5].priority),
            ("name", 1)
        );
        assert!(
            columns[0]
                .description()
                .starts_with("Name must be unique within a namespace.")
        );
        assert!(columns[1].description().contains("readiness"));
        assert!(catalog.columns("apps", "pods").is_empty());
    }

    #[test]
    fn go_types_with_names_are_known() {
        let of = |schema: &str, field: &str| catalog().go_type(schema, field);
        assert_eq!(
            of("io.k8s.api.core.v1.Container", "imagePullPolicy"),
            Some("v1.PullPolicy")
        );
        assert_eq!(of("io.k8s.api.core.v1.Container", "image"), None);
    }

    #[test]
    fn embedded_structs_are_known() {
        let of = |schema: &str, field: &str| catalog().embedded(schema, field);
        assert_eq!(
            of("io.k8s.api.core.v1.Volume", "emptyDir"),
            Some("VolumeSource")
        );
        assert_eq!(of("io.k8s.api.core.v1.Volume", "name"), None);
    }

    #[test]
    fn kinds_that_are_not_served_are_known() {
        for (group, version, kind, is) in [
            ("apps", "v1", "Deployment", true),
            ("apps", "v1beta1", "Deployment", true),
            ("apps", "v1beta1", "DaemonSet", false),
            ("apps", "v1", "Pod", false),
            ("apps", "v1", "Status", true),
            ("", "v1", "Pod", true),
            ("example.com", "v1", "Pod", false),
        ] {
            assert_eq!(
                catalog().knows(group, version, kind),
                is,
                "{group}/{version} {kind}"
            );
        }
    }
}
