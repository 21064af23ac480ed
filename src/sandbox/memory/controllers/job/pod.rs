//! The pods of a Job.

use k8s_openapi::api::core::v1::{Container, EnvVar, EnvVarSource, ObjectFieldSelector, Pod};

use super::super::ownership::Owner;
use super::super::{meta, pods};
use super::FINALIZER;
use super::indexes::INDEX;
use super::policy::Verdict;
use super::sync::{FAILURES, IGNORED_FAILURES, Sync, count_of};

const INDEX_VARIABLE: &str = "JOB_COMPLETION_INDEX";
/// Characters before the random end of a generated name.
const LONGEST_PREFIX: usize = 58;

/// A pod, for that index if there are indexes.
pub(super) fn new(sync: &Sync, index: Option<i32>) -> Pod {
    let owner = Owner::of(&sync.before);
    let name = meta::name(&sync.before);
    let template = &sync.spec.template;
    let mut pod = pods::from_template(template, name, &owner.namespace, owner.reference);
    let finalizers = pod.metadata.finalizers.get_or_insert_default();
    if !finalizers.iter().any(|finalizer| finalizer == FINALIZER) {
        finalizers.push(FINALIZER.to_owned());
    }
    let Some(index) = index else {
        return pod;
    };
    let text = index.to_string();
    let annotations = pod.metadata.annotations.get_or_insert_default();
    annotations.insert(INDEX.to_owned(), text.clone());
    if sync.limits_each_index() {
        let (failures, ignored) = failures(sync, index);
        annotations.insert(FAILURES.to_owned(), failures.to_string());
        if ignored > 0 {
            annotations.insert(IGNORED_FAILURES.to_owned(), ignored.to_string());
        }
    }
    pod.metadata
        .labels
        .get_or_insert_default()
        .insert(INDEX.to_owned(), text);
    pod.metadata.generate_name = Some(prefix(name, index));
    let spec = pod.spec.get_or_insert_default();
    spec.hostname = Some(format!("{name}-{index}"));
    spec.init_containers
        .iter_mut()
        .flatten()
        .chain(&mut spec.containers)
        .for_each(add_variable);
    pod
}

fn prefix(job: &str, index: i32) -> String {
    let end = format!("-{index}-");
    let room = LONGEST_PREFIX.saturating_sub(end.len());
    format!("{}{end}", job.get(..room).unwrap_or(job))
}

/// How often the index has failed, with the pod that this one replaces.
fn failures(sync: &Sync, index: i32) -> (i32, i32) {
    let Some(replaced) = sync.delayed.get(&index) else {
        return (0, 0);
    };
    let ignored = sync.verdict(replaced) == Verdict::Ignore;
    (
        count_of(replaced, FAILURES).saturating_add(i32::from(!ignored)),
        count_of(replaced, IGNORED_FAILURES).saturating_add(i32::from(ignored)),
    )
}

fn add_variable(container: &mut Container) {
    let variables = container.env.get_or_insert_default();
    if variables
        .iter()
        .any(|variable| variable.name == INDEX_VARIABLE)
    {
        return;
    }
    variables.push(EnvVar {
        name: INDEX_VARIABLE.to_owned(),
        value: None,
        value_from: Some(EnvVarSource {
            field_ref: Some(ObjectFieldSelector {
                api_version: None,
                field_path: format!("metadata.labels['{INDEX}']"),
            }),
            ..EnvVarSource::default()
        }),
    });
}
