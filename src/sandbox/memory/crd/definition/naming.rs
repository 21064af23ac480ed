//! Which of its names a definition gets, given what others of its group have, and whether it is
//! served (`pkg/controller/status`, `establish` and `apiapproval`).

use std::collections::HashSet;

use serde_json::{Value, json};

use super::approval::{self, State};
use super::conditions::{self, Condition};
use super::spec::Names;
use super::{ESTABLISHED, NAMES_ACCEPTED};

/// The definition with the status that it should have; `None` when it has it. `others` are all other
/// definitions, those of other groups included. What a real server's controllers do one after the
/// other is done at once.
pub fn settle(definition: &Value, others: &[&Value], now: &str) -> Option<Value> {
    let mut new = definition.clone();
    accept_names(&mut new, others, now);
    approve(&mut new, now);
    let is_established = conditions::is_true(&new, ESTABLISHED);
    if conditions::is_true(&new, NAMES_ACCEPTED) && !is_established {
        let condition = Condition {
            type_: ESTABLISHED,
            status: "True",
            reason: "InitialNamesAccepted",
            message: "the initial names have been accepted",
        };
        conditions::set(&mut new, &condition, now);
    }
    (new != *definition).then_some(new)
}

fn accept_names(new: &mut Value, others: &[&Value], now: &str) {
    let requested = Names::read(&new["spec"]["names"]);
    let accepted = Names::read(&new["status"]["acceptedNames"]);
    if requested == accepted {
        return;
    }
    let taken = Taken::by(new, others);
    let mut names = accepted.clone();
    let mut conflict: Option<(&str, String)> = None;
    let mut accept = |requested: &str, accepted: &mut String, reason, taken: &HashSet<String>| {
        if requested == *accepted || !taken.contains(requested) {
            requested.clone_into(accepted);
        } else {
            conflict = Some((reason, in_use(requested)));
        }
    };
    let (resources, kinds) = (&taken.resources, &taken.kinds);
    accept(
        &requested.plural,
        &mut names.plural,
        "PluralConflict",
        resources,
    );
    accept(
        &requested.singular,
        &mut names.singular,
        "SingularConflict",
        resources,
    );
    if requested.short_names != accepted.short_names {
        let is_taken =
            |name: &&String| !accepted.short_names.contains(name) && resources.contains(*name);
        let mut in_use: Vec<String> = Vec::new();
        for name in requested.short_names.iter().filter(is_taken) {
            let words = self::in_use(name);
            if !in_use.contains(&words) {
                in_use.push(words);
            }
        }
        match in_use.as_slice() {
            [] => names.short_names = requested.short_names.clone(),
            [one] => conflict = Some(("ShortNamesConflict", one.clone())),
            all => conflict = Some(("ShortNamesConflict", format!("[{}]", all.join(", ")))),
        }
    }
    let mut accept = |requested: &str, accepted: &mut String, reason, taken: &HashSet<String>| {
        if requested == *accepted || !taken.contains(requested) {
            requested.clone_into(accepted);
        } else {
            conflict = Some((reason, in_use(requested)));
        }
    };
    accept(&requested.kind, &mut names.kind, "KindConflict", kinds);
    accept(
        &requested.list_kind,
        &mut names.list_kind,
        "ListKindConflict",
        kinds,
    );
    names.categories = requested.categories;
    let condition = match &conflict {
        None => Condition {
            type_: NAMES_ACCEPTED,
            status: "True",
            reason: "NoConflicts",
            message: "no conflicts found",
        },
        Some((reason, message)) => Condition {
            type_: NAMES_ACCEPTED,
            status: "False",
            reason,
            message,
        },
    };
    if names == accepted && conditions::says(new, &condition) {
        return;
    }
    let is_accepted = conflict.is_none();
    conditions::set(new, &condition, now);
    if !conditions::is_true(new, ESTABLISHED) && (is_accepted || no_established(new)) {
        let (reason, message) = if is_accepted {
            ("Installing", "the initial names have been accepted")
        } else {
            ("NotAccepted", "not all names are accepted")
        };
        let condition = Condition {
            type_: ESTABLISHED,
            status: "False",
            reason,
            message,
        };
        conditions::set(new, &condition, now);
    }
    new["status"]["acceptedNames"] = names.to_json();
}

fn no_established(definition: &Value) -> bool {
    conditions::find(definition, ESTABLISHED).is_none()
}

fn in_use(name: &str) -> String {
    format!("{} is already in use", super::super::go::quote(name))
}

/// The names that a group's definitions have.
#[derive(Default)]
struct Taken {
    resources: HashSet<String>,
    kinds: HashSet<String>,
}

impl Taken {
    /// Its own accepted names count, too: they are compared before.
    fn by(definition: &Value, others: &[&Value]) -> Self {
        let group = &definition["spec"]["group"];
        let same = others
            .iter()
            .copied()
            .filter(|other| other["spec"]["group"] == *group);
        let mut taken = Taken::default();
        for one in same.chain([definition]) {
            let names = Names::read(&one["status"]["acceptedNames"]);
            taken.resources.extend([names.plural, names.singular]);
            taken.resources.extend(names.short_names);
            taken.kinds.extend([names.kind, names.list_kind]);
        }
        taken
    }
}

impl Names {
    fn to_json(&self) -> Value {
        let mut names = json!({"plural": self.plural, "singular": self.singular});
        if self.singular.is_empty() {
            names["singular"].take();
        }
        let mut put = |field: &str, value: Value, is_empty: bool| {
            if !is_empty {
                names[field] = value;
            }
        };
        put(
            "shortNames",
            json!(self.short_names),
            self.short_names.is_empty(),
        );
        put("kind", json!(self.kind), false);
        put("listKind", json!(self.list_kind), self.list_kind.is_empty());
        put(
            "categories",
            json!(self.categories),
            self.categories.is_empty(),
        );
        if let Value::Object(names) = &mut names {
            names.retain(|_, value| !value.is_null());
        }
        names
    }
}

/// The condition of groups that belong to Kubernetes.
fn approve(new: &mut Value, now: &str) {
    let group = new["spec"]["group"].as_str().unwrap_or_default();
    if !approval::is_protected(group) {
        return;
    }
    let (state, message) = approval::state(new);
    let (status, reason) = match state {
        State::Invalid => ("False", "InvalidAnnotation"),
        State::Missing => ("False", "MissingAnnotation"),
        State::Approved => ("True", "ApprovedAnnotation"),
        State::Bypassed => ("False", "UnapprovedAnnotation"),
    };
    let condition = Condition {
        type_: "KubernetesAPIApprovalPolicyConformant",
        status,
        reason,
        message: &message,
    };
    if !conditions::says(new, &condition) {
        conditions::set(new, &condition, now);
    }
}
