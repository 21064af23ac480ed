//! Going back to a revision that an annotation names, as the API group `extensions` asked for it
//! (`rollback.go`). `kubectl rollout undo` patches the template instead.

use k8s_openapi::api::apps::v1::Deployment;

use super::super::meta;
use super::annotations::{ROLLBACK_TO, restore, revision};
use super::rollout::Action;
use super::sets::{Sets, same_template, without_hash};

/// The revision to go back to, 0 for the last one; `None` when none is asked for.
pub(super) fn wanted(deployment: &Deployment) -> Option<i64> {
    let annotations = deployment.metadata.annotations.as_ref()?;
    annotations.get(ROLLBACK_TO)?.parse().ok()
}

/// Takes the template of that revision.
pub(super) fn roll_back(mut deployment: Deployment, sets: &Sets, wanted: i64) -> Vec<Action> {
    let wanted = if wanted == 0 {
        last_but_one(sets)
    } else {
        wanted
    };
    let found = sets.all.iter().map(|entry| &entry.set);
    let found = found
        .into_iter()
        .find(|set| wanted != 0 && revision(set) == Some(wanted));
    let template = found.and_then(|set| set.spec.as_ref()?.template.as_ref());
    let told = match (found, template) {
        (Some(set), Some(template)) => {
            let spec = deployment.spec.get_or_insert_default();
            if same_template(&spec.template, template) {
                let name = meta::name(&deployment);
                let message = format!(
                    "The rollback revision contains the same template as current deployment {name:?}"
                );
                Action::Warning("DeploymentRollbackTemplateUnchanged", message)
            } else {
                spec.template = without_hash(template);
                restore(&mut deployment, set);
                let name = meta::name(&deployment);
                let message = format!("Rolled back deployment {name:?} to revision {wanted}");
                Action::Normal("DeploymentRollback", message)
            }
        }
        _ if wanted == 0 => {
            let message = "Unable to find last revision.".to_owned();
            Action::Warning("DeploymentRollbackRevisionNotFound", message)
        }
        _ => {
            let message = "Unable to find the revision to rollback to.".to_owned();
            Action::Warning("DeploymentRollbackRevisionNotFound", message)
        }
    };
    if let Some(annotations) = &mut deployment.metadata.annotations {
        annotations.remove(ROLLBACK_TO);
    }
    vec![Action::Replace(Box::new(deployment)), told]
}

fn last_but_one(sets: &Sets) -> i64 {
    let mut revisions: Vec<i64> = sets
        .all
        .iter()
        .filter_map(|entry| revision(&entry.set))
        .collect();
    revisions.sort_unstable();
    revisions.iter().rev().nth(1).copied().unwrap_or_default()
}
