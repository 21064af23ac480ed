//! A method that a path does not take.

use super::place::Place;
use super::walk::Walk;
use super::{Asked, Explanation};
use crate::discovery::model::Resource;

/// Explains a 405 on a path that the server has.
pub(super) fn refused(walk: &Walk<'_>, asked: &Asked<'_>, parts: &[&str]) -> Option<Explanation> {
    let Some((resource, place)) = walk.resource(parts) else {
        return Explanation::new("This path can only be read: it takes GET.".into(), None);
    };
    let method = asked.method;
    let plural = &resource.plural;
    if let [_, sub, ..] = place.rest.as_slice() {
        let known = resource.subresources.iter().find(|s| s.name == **sub)?;
        return Explanation::new(
            format!(
                "{plural}/{sub} takes {}.",
                methods(&known.verbs, Level::Sub).join(", ")
            ),
            None,
        );
    }
    let is_one = !place.rest.is_empty();
    let (list, mut one) = (list_of(&place), place.clone());
    match (method, is_one) {
        ("POST", true) if resource.can("create") => Explanation::new(
            format!("A new one of {plural} is sent to the list; its name stands in the object."),
            Some(walk.under(&list, resource)),
        ),
        ("PUT" | "PATCH", false) if resource.can(verb_of(method, true)) => {
            one.rest.push("NAME");
            Explanation::new(
                format!("{method} changes one object, whose name ends the path."),
                Some(walk.under(&one, resource)),
            )
        }
        ("DELETE", false) if resource.can("delete") => {
            one.rest.push("NAME");
            let how = match resource.namespaced && resource.can("deletecollection") {
                true => "by name, or all of one namespace at once",
                false => "one by one, by name",
            };
            Explanation::new(
                format!("{plural} are deleted {how}."),
                Some(walk.under(&one, resource)),
            )
        }
        _ => verbs(resource, is_one),
    }
}

fn verbs(resource: &Resource, is_one: bool) -> Option<Explanation> {
    let plural = &resource.plural;
    let of = |level| methods(&resource.verbs, level).join(", ");
    let (one, list) = (of(Level::One), of(Level::List));
    let why = match (one.as_str(), list.as_str()) {
        ("", "") => format!("{plural} take no method of their own; their subresources do."),
        (one, "") => format!("{plural} are taken one by one: {one}."),
        ("", list) => format!("{plural} are only sent to, not kept: their path takes {list}."),
        (one, list) if is_one => format!("One of {plural} takes {one}; their list takes {list}."),
        (one, list) => format!("The list of {plural} takes {list}; one of them takes {one}."),
    };
    Explanation::new(why, None)
}

fn list_of<'a>(place: &Place<'a>) -> Place<'a> {
    Place {
        rest: Vec::new(),
        ..place.clone()
    }
}

fn verb_of(method: &str, one: bool) -> &'static str {
    match (method, one) {
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("POST", _) => "create",
        ("DELETE", true) => "delete",
        ("DELETE", false) => "deletecollection",
        (_, true) => "get",
        (_, false) => "list",
    }
}

/// What a method is applied to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    List,
    One,
    Sub,
}

/// The methods behind verbs.
fn methods(verbs: &[String], level: Level) -> Vec<&'static str> {
    let one = level != Level::List;
    let known = [
        ("get", "GET", one),
        ("list", "GET", !one),
        // A subresource is created below its object, all else in its list.
        ("create", "POST", level != Level::One),
        ("update", "PUT", one),
        ("patch", "PATCH", one),
        ("delete", "DELETE", one),
        ("deletecollection", "DELETE", !one),
    ];
    let taken = known
        .iter()
        .filter(|(verb, _, here)| *here && verbs.iter().any(|v| v == verb));
    taken.map(|(_, method, _)| *method).collect()
}
