//! Who may do what, and who may prove to be whom.

use serde_json::Value;

use super::row::{NONE, Row, cells};
use super::time;
use crate::sandbox::memory::kinds::workloads::read::{int, text};

/// Name, Role, Age, Users, Groups, ServiceAccounts.
pub(super) fn role_binding(row: &Row<'_>) -> Vec<Value> {
    let of = |kind: &str| {
        let all = row.items("subjects").iter();
        let own = all.filter(|subject| text(subject, "kind") == kind);
        let names = own.map(|subject| match kind {
            "ServiceAccount" => format!("{}/{}", text(subject, "namespace"), text(subject, "name")),
            _ => text(subject, "name").to_owned(),
        });
        names.collect::<Vec<_>>().join(", ")
    };
    cells![
        row.name(),
        format!("{}/{}", row.text("roleRef.kind"), row.text("roleRef.name")),
        row.age(),
        of("User"),
        of("Group"),
        of("ServiceAccount"),
    ]
}

/// Name, Age, SignerName, Requestor, RequestedDuration, Condition.
pub(super) fn signing_request(row: &Row<'_>) -> Vec<Value> {
    let duration = match row.given("spec.expirationSeconds") {
        Some(_) => time::human(int(row.object, "spec.expirationSeconds")),
        None => NONE.to_owned(),
    };
    cells![
        row.name(),
        row.age(),
        row.text_or("spec.signerName", NONE),
        row.text("spec.username"),
        duration,
        signing_state(row),
    ]
}

fn signing_state(row: &Row<'_>) -> String {
    let conditions = row.items("status.conditions");
    let has = |type_: &str| {
        conditions
            .iter()
            .any(|condition| text(condition, "type") == type_)
    };
    let mut state = if has("Denied") {
        "Denied"
    } else if has("Approved") {
        "Approved"
    } else {
        "Pending"
    }
    .to_owned();
    if has("Failed") {
        state += ",Failed";
    }
    if !row.text("status.certificate").is_empty() {
        state += ",Issued";
    }
    state
}
