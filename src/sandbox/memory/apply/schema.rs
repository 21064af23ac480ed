//! Sets of fields seen through the types that they belong to.

use crate::sandbox::memory::types::{Type, TypeId, Types};

use super::element::Element;
use super::set::{Node, Set};
use super::typed::{View, declared};

/// The set with every named field in it below which something is in it. With it, what is below a
/// field goes when the field goes, and the field goes when nothing is left below it.
pub(super) fn with_parents<'a>(types: &Types, type_: TypeId, set: &Set<'a>) -> Set<'a> {
    parents(types, Some(type_), set)
}

fn parents<'a>(types: &Types, type_: Option<TypeId>, set: &Set<'a>) -> Set<'a> {
    let view = type_.map(|type_| declared(types, type_));
    let nodes = set.nodes().iter().map(|node| {
        let (mut member, mut below) = (node.member, None);
        match (&view, &node.element) {
            (Some(View::Map(fields) | View::AtomicMap(fields)), Element::Field(name)) => {
                member |= !node.children.is_empty() && fields.declares(name);
                below = fields.type_of(name);
            }
            (Some(View::List(items)), Element::Key(_)) => below = Some(items.item),
            (Some(View::AtomicList(item)), Element::Key(_)) => below = Some(*item),
            _ => {}
        }
        let children = parents(types, below, &node.children);
        Node {
            element: node.element.clone(),
            member,
            children,
        }
    });
    Set::of_nodes(nodes.collect())
}

/// The set after types changed: who owned parts of what is now owned as a whole owns all of it.
/// `None` when nothing changes.
pub(super) fn reconcile<'a>(types: &Types, type_: TypeId, set: &Set<'a>) -> Option<Set<'a>> {
    if !is_outdated(types, type_, set) {
        return None;
    }
    let nodes = set.nodes().iter().map(|node| {
        let mut node = node.clone();
        if let Some(type_) = below(types, type_, &node.element) {
            if is_split(types, type_, &node) {
                node = Node::member(node.element);
            } else if let Some(children) = reconcile(types, type_, &node.children) {
                node.children = children;
            }
        }
        node
    });
    Some(Set::of_nodes(nodes.collect()))
}

fn is_outdated(types: &Types, type_: TypeId, set: &Set<'_>) -> bool {
    set.nodes()
        .iter()
        .filter(|node| !node.children.is_empty())
        .any(|node| {
            below(types, type_, &node.element).is_some_and(|type_| {
                is_split(types, type_, node) || is_outdated(types, type_, &node.children)
            })
        })
}

/// Whether parts are owned of what can only be owned as a whole.
fn is_split(types: &Types, type_: TypeId, node: &Node<'_>) -> bool {
    let atomic = match declared(types, type_) {
        // Maps of anything were never looked at by structured-merge-diff here.
        View::AtomicMap(fields) => !fields.is_untyped(types),
        View::AtomicList(_) => true,
        _ => false,
    };
    atomic && !node.children.is_empty()
}

fn below(types: &Types, type_: TypeId, element: &Element<'_>) -> Option<TypeId> {
    if matches!(types.get(type_), Type::Any) {
        return None;
    }
    match (declared(types, type_), element) {
        (View::Map(fields), Element::Field(name)) => fields.type_of(name),
        (View::List(items), _) => Some(items.item),
        _ => None,
    }
}
