//! Fields that an apply would take from others (apimachinery's
//! `pkg/util/managedfields/internal/conflict.go`).

use crate::sandbox::memory::status::{Cause, Details, Status};

use super::managed::Manager;
use super::set::Set;

/// What would be taken from whom; sorted by manager.
pub(super) struct Conflicts<'a>(Vec<(Manager<'a>, Set<'a>)>);

impl<'a> Conflicts<'a> {
    pub(super) fn new(mut conflicts: Vec<(Manager<'a>, Set<'a>)>) -> Self {
        conflicts.sort_by_cached_key(|(manager, _)| manager.identifier());
        Conflicts(conflicts)
    }

    /// Those that are not in this set.
    pub(super) fn without(self, allowed: &Set<'_>) -> Self {
        let left = self
            .0
            .into_iter()
            .map(|(manager, set)| (manager, set.difference(allowed)));
        Conflicts(left.filter(|(_, set)| !set.is_empty()).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// 409, with a cause for each field.
    pub(super) fn status(&self) -> Status {
        let mut causes = Vec::new();
        let mut lines = Vec::new();
        for (manager, set) in &self.0 {
            let manager = manager.shown();
            lines.push(format!("conflicts with {manager}:"));
            for path in set.paths() {
                lines.push(format!("- {path}"));
                causes.push(Cause {
                    reason: "FieldManagerConflict",
                    message: format!("conflict with {manager}"),
                    field: path,
                });
            }
        }
        let message = match causes.as_slice() {
            [cause] => format!(
                "Apply failed with 1 conflict: {}: {}",
                cause.message, cause.field
            ),
            _ => format!(
                "Apply failed with {} conflicts: {}",
                causes.len(),
                lines.join("\n")
            ),
        };
        Status::new(409, "Conflict", message).with(Details {
            causes,
            ..Details::default()
        })
    }
}
