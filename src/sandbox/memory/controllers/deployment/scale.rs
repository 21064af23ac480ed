//! Resizing, while a rollout may be under way (`sync.go`).

use k8s_openapi::api::apps::v1::Deployment;

use super::annotations::{DESIRED_REPLICAS, MAX_REPLICAS, size};
use super::sets::{Sets, age};
use super::status::{is_rolling, max_surge, replicas};

/// Whether the Deployment was resized since its sets were last.
pub(super) fn is_due(deployment: &Deployment, sets: &Sets) -> bool {
    let wanted = replicas(deployment);
    let differs =
        |at: usize| size(&sets.all[at].set, DESIRED_REPLICAS).is_some_and(|d| d != wanted);
    sets.active().into_iter().any(differs)
}

/// Resizes the only set with pods; or, with several in a rolling update, each in proportion.
pub(super) fn scale(deployment: &Deployment, sets: &mut Sets) {
    let wanted = replicas(deployment);
    let active = sets.active();
    let only = match active.as_slice() {
        [] => sets.new.or_else(|| sets.old().pop()),
        [only] => Some(*only),
        _ => None,
    };
    if sets.all.is_empty() {
        return;
    }
    if let Some(only) = only {
        sets.scale(only, wanted, deployment, false);
        return;
    }
    if is_saturated(deployment, sets) {
        for old in sets.active_old() {
            sets.scale(old, 0, deployment, false);
        }
        return;
    }
    if is_rolling(deployment) {
        proportionally(deployment, sets, active);
    }
}

/// Whether the current template has all its pods.
fn is_saturated(deployment: &Deployment, sets: &Sets) -> bool {
    let wanted = replicas(deployment);
    sets.new.is_some_and(|new| {
        sets.replicas(new) == wanted
            && sets.available(new) == wanted
            && size(&sets.all[new].set, DESIRED_REPLICAS) == Some(wanted)
    })
}

fn proportionally(deployment: &Deployment, sets: &mut Sets, mut active: Vec<usize>) {
    let wanted = replicas(deployment);
    let allowed = if wanted > 0 {
        wanted.saturating_add(max_surge(deployment))
    } else {
        0
    };
    let total = active
        .iter()
        .fold(0_i32, |sum, at| sum.saturating_add(sets.replicas(*at)));
    let to_add = allowed.saturating_sub(total);
    // The largest first; among equals the youngest grow and the oldest shrink.
    active.sort_by(|one, other| {
        let ages = age(&sets.all[*one].set).cmp(&age(&sets.all[*other].set));
        let ages = if to_add > 0 { ages.reverse() } else { ages };
        sets.replicas(*other).cmp(&sets.replicas(*one)).then(ages)
    });
    let mut added = 0;
    let mut sizes = Vec::with_capacity(active.len());
    for at in &active {
        let share = share(deployment, sets, *at, to_add, added);
        sizes.push(sets.replicas(*at).saturating_add(share));
        added += share;
    }
    if to_add != 0
        && let Some(first) = sizes.first_mut()
    {
        *first = first.saturating_add(to_add - added).max(0);
    }
    for (at, size) in active.into_iter().zip(sizes) {
        sets.scale(at, size, deployment, true);
    }
}

/// What one set gets of what is to be added, or taken away.
fn share(deployment: &Deployment, sets: &Sets, at: usize, to_add: i32, added: i32) -> i32 {
    if sets.replicas(at) == 0 || to_add == 0 || to_add == added {
        return 0;
    }
    let fraction = fraction(deployment, sets, at);
    let left = to_add - added;
    if to_add > 0 {
        fraction.min(left)
    } else {
        fraction.max(left)
    }
}

fn fraction(deployment: &Deployment, sets: &Sets, at: usize) -> i32 {
    let current = sets.replicas(at);
    if replicas(deployment) == 0 {
        return -current;
    }
    let max = replicas(deployment).saturating_add(max_surge(deployment));
    let counted = deployment
        .status
        .as_ref()
        .and_then(|status| status.replicas);
    let before = size(&sets.all[at].set, MAX_REPLICAS).filter(|size| *size != 0);
    let Some(before) = before.or(counted).filter(|size| *size != 0) else {
        return 0;
    };
    let size = f64::from(current) * f64::from(max) / f64::from(before);
    // Away from zero at a half, as Kubernetes rounds; `as` saturates.
    (size.round() as i32).saturating_sub(current)
}
