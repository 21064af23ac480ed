//! Which Secrets, ConfigMaps and claims there are, and what a pod lacks of those that it needs.

use std::collections::{BTreeSet, HashMap, HashSet};

use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, PodSpec, Secret};
use kube::Resource;
use kube::runtime::watcher::Event;

use super::needs::{self, Kind, Need};

/// Namespace and name.
type Name = (String, String);

/// What a pod lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lacks {
    /// What the kubelet says of each volume that cannot be mounted
    pub(super) volumes: Vec<String>,
    /// What it says of containers that cannot be made, by their names
    pub(super) containers: HashMap<String, String>,
}

impl Lacks {
    pub(super) fn is_empty(&self) -> bool {
        self.volumes.is_empty() && self.containers.is_empty()
    }
}

/// Pods of which something may have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Touched {
    Nobody,
    Namespace(String),
    Everybody,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Their keys
    secrets: Seen<BTreeSet<String>>,
    config_maps: Seen<BTreeSet<String>>,
    claims: Seen<Claim>,
    /// Whether somebody has asked
    wants_secrets: bool,
    wants_config_maps: bool,
}

#[derive(Debug)]
struct Claim {
    is_bound: bool,
    is_going: bool,
    /// Whether the volume that it was bound to is gone
    lost: Option<String>,
}

impl Known {
    /// Whether Secrets are to be watched: only when a pod names one.
    pub(super) fn wants_secrets(&self) -> bool {
        self.wants_secrets
    }

    /// The same of ConfigMaps.
    pub(super) fn wants_config_maps(&self) -> bool {
        self.wants_config_maps
    }

    pub(super) fn secret_event(&mut self, event: Event<Secret>) -> Touched {
        self.secrets.event(event, |secret| {
            secret
                .data
                .iter()
                .flatten()
                .map(|(key, _)| key.clone())
                .collect()
        })
    }

    pub(super) fn config_map_event(&mut self, event: Event<ConfigMap>) -> Touched {
        self.config_maps.event(event, |map| {
            let texts = map.data.iter().flatten().map(|(key, _)| key);
            let bytes = map.binary_data.iter().flatten().map(|(key, _)| key);
            texts.chain(bytes).cloned().collect()
        })
    }

    pub(super) fn claim_event(&mut self, event: Event<PersistentVolumeClaim>) -> Touched {
        self.claims.event(event, |claim| {
            let phase = claim
                .status
                .as_ref()
                .and_then(|status| status.phase.as_deref());
            let volume = claim
                .spec
                .as_ref()
                .and_then(|spec| spec.volume_name.clone());
            Claim {
                is_bound: phase == Some("Bound"),
                is_going: claim.metadata.deletion_timestamp.is_some(),
                lost: volume.filter(|_| phase == Some("Lost")),
            }
        })
    }

    /// Why the scheduler leaves a pod of that namespace alone, in its words; `Err` while it is not
    /// known. As `VolumeBinding` in k8s.io/kubernetes/pkg/scheduler says it. How a class binds is
    /// not looked at.
    pub(super) fn against(
        &self,
        namespace: &str,
        spec: &PodSpec,
    ) -> Result<Option<String>, Unknown> {
        let mut unbound = None;
        for name in needs::claims(spec) {
            let why = match self.claims.get(namespace, name)? {
                None => format!("persistentvolumeclaim {name:?} not found"),
                Some(Claim {
                    lost: Some(volume), ..
                }) => format!(
                    "persistentvolumeclaim {name:?} bound to non-existent persistentvolume {volume:?}"
                ),
                Some(claim) if claim.is_going => {
                    format!("persistentvolumeclaim {name:?} is being deleted")
                }
                Some(claim) => {
                    if !claim.is_bound {
                        let why = "pod has unbound immediate PersistentVolumeClaims";
                        unbound = Some(why.to_owned());
                    }
                    continue;
                }
            };
            return Ok(Some(why));
        }
        Ok(unbound)
    }

    /// What a pod of that namespace lacks, in the kubelet's words; `Err` while it is not known.
    pub(super) fn lacks(&mut self, namespace: &str, spec: &PodSpec) -> Result<Lacks, Unknown> {
        for need in needs::of_pod(spec) {
            match need.kind {
                Kind::Secret => self.wants_secrets = true,
                Kind::ConfigMap => self.wants_config_maps = true,
            }
        }
        let mut lacks = Lacks::default();
        for volume in spec.volumes.iter().flatten() {
            let mut missing = Vec::new();
            for need in needs::of_volume(volume) {
                missing.extend(self.missing(namespace, &need, |need, key| match need.kind {
                    Kind::Secret => format!("references non-existent secret key: {key}"),
                    Kind::ConfigMap => format!("references non-existent config key: {key}"),
                })?);
            }
            let why = match &missing[..] {
                [] => continue,
                [why] => why.clone(),
                all => format!("[{}]", all.join(", ")),
            };
            let name = &volume.name;
            let message = format!("MountVolume.SetUp failed for volume {name:?} : {why}");
            lacks.volumes.push(message);
        }
        let containers = spec
            .init_containers
            .iter()
            .flatten()
            .chain(&spec.containers);
        for container in containers {
            for need in needs::of_container(container) {
                let missing = self.missing(namespace, &need, |need, key| {
                    let kind = match need.kind {
                        Kind::Secret => "Secret",
                        Kind::ConfigMap => "ConfigMap",
                    };
                    format!(
                        "couldn't find key {key} in {kind} {namespace}/{}",
                        need.name
                    )
                })?;
                if let Some(why) = missing {
                    lacks.containers.insert(container.name.clone(), why);
                    break;
                }
            }
        }
        Ok(lacks)
    }

    fn missing(
        &self,
        namespace: &str,
        need: &Need<'_>,
        without_key: impl Fn(&Need<'_>, &str) -> String,
    ) -> Result<Option<String>, Unknown> {
        let (seen, kind) = match need.kind {
            Kind::Secret => (&self.secrets, "secret"),
            Kind::ConfigMap => (&self.config_maps, "configmap"),
        };
        let Some(keys) = seen.get(namespace, need.name)? else {
            return Ok(Some(format!("{kind} {:?} not found", need.name)));
        };
        let key = need.keys.iter().find(|key| !keys.contains(**key));
        Ok(key.map(|key| without_key(need, key)))
    }
}

/// What is there has not been listed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unknown;

/// Objects by their names, as a watch shows them.
#[derive(Debug)]
struct Seen<T> {
    all: HashMap<Name, T>,
    /// What a new list has not shown yet, while one is under way
    unseen: HashSet<Name>,
    /// Whether there has been a whole list
    is_complete: bool,
}

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Seen {
            all: HashMap::new(),
            unseen: HashSet::new(),
            is_complete: false,
        }
    }
}

impl<T> Seen<T> {
    fn get(&self, namespace: &str, name: &str) -> Result<Option<&T>, Unknown> {
        if !self.is_complete {
            return Err(Unknown);
        }
        Ok(self.all.get(&(namespace.to_owned(), name.to_owned())))
    }

    fn event<K: Resource>(&mut self, event: Event<K>, read: impl Fn(&K) -> T) -> Touched {
        let name = |object: &K| {
            let meta = object.meta();
            let text = |part: &Option<String>| part.clone().unwrap_or_default();
            (text(&meta.namespace), text(&meta.name))
        };
        match event {
            Event::Init => {
                self.unseen = self.all.keys().cloned().collect();
                Touched::Nobody
            }
            Event::InitApply(object) => {
                self.unseen.remove(&name(&object));
                self.all.insert(name(&object), read(&object));
                Touched::Nobody
            }
            Event::InitDone => {
                for name in std::mem::take(&mut self.unseen) {
                    self.all.remove(&name);
                }
                self.is_complete = true;
                Touched::Everybody
            }
            Event::Apply(object) => {
                self.all.insert(name(&object), read(&object));
                Touched::Namespace(name(&object).0)
            }
            Event::Delete(object) => {
                self.all.remove(&name(&object));
                Touched::Namespace(name(&object).0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{
        ConfigMapEnvSource, EnvFromSource, EnvVar, EnvVarSource, PersistentVolumeClaimStatus,
        PersistentVolumeClaimVolumeSource, SecretKeySelector, SecretVolumeSource, Volume,
    };
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

    use super::super::testing;
    use super::*;

    fn meta(name: &str) -> ObjectMeta {
        ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some("ns".to_owned()),
            ..ObjectMeta::default()
        }
    }

    fn secret(name: &str, key: &str) -> Secret {
        Secret {
            metadata: meta(name),
            data: Some([(key.to_owned(), Default::default())].into()),
            ..Secret::default()
        }
    }

    /// Everything has been listed, and there is nothing.
    fn nothing() -> Known {
        let mut known = Known::default();
        known.secret_event(Event::InitDone);
        known.config_map_event(Event::InitDone);
        known.claim_event(Event::InitDone);
        known
    }

    fn with_volume(volume: Volume) -> PodSpec {
        let pod = testing::pod("a").spec(|spec| spec.volumes = Some(vec![volume]));
        pod.build().spec.unwrap()
    }

    fn secret_volume(optional: Option<bool>) -> Volume {
        Volume {
            name: "v".to_owned(),
            secret: Some(SecretVolumeSource {
                secret_name: Some("s".to_owned()),
                optional,
                ..SecretVolumeSource::default()
            }),
            ..Volume::default()
        }
    }

    #[test]
    fn a_volume_of_what_is_not_there() {
        let mut known = nothing();
        let spec = with_volume(secret_volume(None));
        let lacks = known.lacks("ns", &spec).unwrap();
        let why = "MountVolume.SetUp failed for volume \"v\" : secret \"s\" not found";
        assert_eq!(lacks.volumes, [why]);
        assert!(known.wants_secrets() && !known.wants_config_maps());
        let touched = known.secret_event(Event::Apply(secret("s", "k")));
        assert_eq!(touched, Touched::Namespace("ns".to_owned()));
        assert!(known.lacks("ns", &spec).unwrap().is_empty());
        assert!(!known.lacks("other", &spec).unwrap().is_empty());
        let optional = with_volume(secret_volume(Some(true)));
        assert!(known.lacks("other", &optional).unwrap().is_empty());
    }

    #[test]
    fn an_environment_of_what_is_not_there() {
        let mut known = nothing();
        let mut spec = testing::pod("a").build().spec.unwrap();
        spec.containers[0].env = Some(vec![EnvVar {
            name: "A".to_owned(),
            value_from: Some(EnvVarSource {
                secret_key_ref: Some(SecretKeySelector {
                    name: "s".to_owned(),
                    key: "k".to_owned(),
                    optional: None,
                }),
                ..EnvVarSource::default()
            }),
            ..EnvVar::default()
        }]);
        let why = |known: &mut Known, spec: &PodSpec| {
            known.lacks("ns", spec).unwrap().containers.remove("main")
        };
        let missing = why(&mut known, &spec);
        assert_eq!(missing.as_deref(), Some("secret \"s\" not found"));
        known.secret_event(Event::Apply(secret("s", "other")));
        let missing = why(&mut known, &spec);
        assert_eq!(
            missing.as_deref(),
            Some("couldn't find key k in Secret ns/s")
        );
        known.secret_event(Event::Apply(secret("s", "k")));
        assert_eq!(why(&mut known, &spec), None);
        spec.containers[0].env_from = Some(vec![EnvFromSource {
            config_map_ref: Some(ConfigMapEnvSource {
                name: "c".to_owned(),
                optional: None,
            }),
            ..EnvFromSource::default()
        }]);
        let missing = why(&mut known, &spec);
        assert_eq!(missing.as_deref(), Some("configmap \"c\" not found"));
    }

    #[test]
    fn nothing_is_missing_before_all_is_listed() {
        let mut known = Known::default();
        let spec = with_volume(secret_volume(None));
        assert_eq!(known.lacks("ns", &spec), Err(Unknown));
        let plain = testing::pod("a").build().spec.unwrap();
        assert!(known.lacks("ns", &plain).unwrap().is_empty());
        assert_eq!(known.against("ns", &plain), Ok(None));
    }

    #[test]
    fn a_claim_is_there_and_bound() {
        let mut known = nothing();
        let spec = with_volume(Volume {
            name: "v".to_owned(),
            persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                claim_name: "c".to_owned(),
                read_only: None,
            }),
            ..Volume::default()
        });
        let claim = |phase: &str| PersistentVolumeClaim {
            metadata: meta("c"),
            status: Some(PersistentVolumeClaimStatus {
                phase: Some(phase.to_owned()),
                ..PersistentVolumeClaimStatus::default()
            }),
            ..PersistentVolumeClaim::default()
        };
        let why = |known: &Known| known.against("ns", &spec).unwrap();
        let missing = "persistentvolumeclaim \"c\" not found";
        assert_eq!(why(&known).as_deref(), Some(missing));
        known.claim_event(Event::Apply(claim("Pending")));
        let unbound = "pod has unbound immediate PersistentVolumeClaims";
        assert_eq!(why(&known).as_deref(), Some(unbound));
        known.claim_event(Event::Apply(claim("Bound")));
        assert_eq!(why(&known), None);
    }
}
