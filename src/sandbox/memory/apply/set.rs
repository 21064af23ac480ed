//! Sets of fields: trees of path elements, with the algebra of structured-merge-diff.

use std::cmp::Ordering;
use std::fmt::Write as _;

use super::element::Element;

/// A set of fields. A field may be in it without the fields below it, and the other way round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Set<'a> {
    /// Sorted by element, each once, none of them [empty](Node::is_empty).
    nodes: Vec<Node<'a>>,
}

/// A field and what is below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node<'a> {
    /// The last step to it
    pub element: Element<'a>,
    /// Whether the field itself is in the set
    pub member: bool,
    /// The fields below it that are
    pub children: Set<'a>,
}

impl<'a> Node<'a> {
    /// A field without anything below it.
    pub fn member(element: Element<'a>) -> Self {
        Node {
            element,
            member: true,
            children: Set::new(),
        }
    }

    fn is_empty(&self) -> bool {
        !self.member && self.children.is_empty()
    }
}

impl<'a> Set<'a> {
    /// The empty set.
    pub const fn new() -> Self {
        Set { nodes: Vec::new() }
    }

    /// The set of these paths, given in steps between `/`. For paths of plain fields.
    pub fn of_paths(paths: &[&'a str]) -> Self {
        let mut set = Set::new();
        for path in paths {
            let steps = path.split('/').map(Element::field);
            set = set.union(Set::of_path(steps.collect()));
        }
        set
    }

    /// The set of the field at the end of these steps.
    pub fn of_path(path: Vec<Element<'a>>) -> Self {
        let mut steps = path.into_iter().rev();
        let Some(last) = steps.next() else {
            return Set::new();
        };
        let node = steps.fold(Node::member(last), |node, element| Node {
            element,
            member: false,
            children: Set { nodes: vec![node] },
        });
        Set { nodes: vec![node] }
    }

    /// The set of these nodes, in any order; empty ones and all but the first of an element go.
    pub fn of_nodes(mut nodes: Vec<Node<'a>>) -> Self {
        nodes.retain(|node| !node.is_empty());
        if !nodes.is_sorted_by(|a, b| a.element < b.element) {
            nodes.sort_by(|a, b| a.element.cmp(&b.element));
            nodes.dedup_by(|later, first| later.element == first.element);
        }
        Set { nodes }
    }

    /// Whether no field is in it.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// What is at the top.
    pub fn nodes(&self) -> &[Node<'a>] {
        &self.nodes
    }

    /// What is at the top, to keep.
    pub fn into_nodes(self) -> Vec<Node<'a>> {
        self.nodes
    }

    /// The node of that element.
    pub fn get(&self, element: &Element<'_>) -> Option<&Node<'a>> {
        let at = self
            .nodes
            .binary_search_by(|node| compare(&node.element, element))
            .ok()?;
        Some(&self.nodes[at])
    }

    /// Whether the field at the end of these steps is in it.
    pub fn has(&self, path: &[Element<'_>]) -> bool {
        match path {
            [] => false,
            [last] => self.get(last).is_some_and(|node| node.member),
            [first, rest @ ..] => self.get(first).is_some_and(|node| node.children.has(rest)),
        }
    }

    /// What is in either.
    #[must_use]
    pub fn union(self, other: Set<'a>) -> Self {
        if self.is_empty() {
            return other;
        }
        if other.is_empty() {
            return self;
        }
        let mut nodes = Vec::with_capacity(self.nodes.len() + other.nodes.len());
        let mut left = self.nodes.into_iter().peekable();
        let mut right = other.nodes.into_iter().peekable();
        while let (Some(l), Some(r)) = (left.peek(), right.peek()) {
            let order = l.element.cmp(&r.element);
            let l = if order.is_le() { left.next() } else { None };
            let r = if order.is_ge() { right.next() } else { None };
            match (l, r) {
                (Some(l), Some(r)) => nodes.push(Node {
                    element: l.element,
                    member: l.member || r.member,
                    children: l.children.union(r.children),
                }),
                (l, r) => nodes.extend(l.or(r)),
            }
        }
        nodes.extend(left);
        nodes.extend(right);
        Set { nodes }
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Set<'_>) -> Self {
        let pairs = Pairs {
            left: &self.nodes,
            right: &other.nodes,
        };
        let nodes = pairs.filter_map(|(l, r)| {
            let (l, r) = (l?, r?);
            let member = l.member && r.member;
            let children = l.children.intersection(&r.children);
            (member || !children.is_empty()).then(|| Node {
                element: l.element.clone(),
                member,
                children,
            })
        });
        Set {
            nodes: nodes.collect(),
        }
    }

    /// Whether anything is in both.
    pub fn meets(&self, other: &Set<'_>) -> bool {
        Pairs {
            left: &self.nodes,
            right: &other.nodes,
        }
        .any(|(l, r)| match (l, r) {
            (Some(l), Some(r)) => l.member && r.member || l.children.meets(&r.children),
            _ => false,
        })
    }

    /// Whether all of it is in the other.
    pub fn is_within(&self, other: &Set<'_>) -> bool {
        Pairs {
            left: &self.nodes,
            right: &other.nodes,
        }
        .all(|(l, r)| match (l, r) {
            (Some(l), Some(r)) => (!l.member || r.member) && l.children.is_within(&r.children),
            (l, _) => l.is_none(),
        })
    }

    /// What is not in the other.
    #[must_use]
    pub fn difference(self, other: &Set<'_>) -> Self {
        self.subtract(other, false)
    }

    /// What is neither in the other nor below a field that is.
    #[must_use]
    pub fn recursive_difference(self, other: &Set<'_>) -> Self {
        self.subtract(other, true)
    }

    fn subtract(mut self, other: &Set<'_>, recursively: bool) -> Self {
        if other.is_empty() {
            return self;
        }
        let mut right = other.nodes.as_slice();
        self.nodes.retain_mut(|node| {
            while let [first, rest @ ..] = right
                && compare(&first.element, &node.element).is_lt()
            {
                right = rest;
            }
            let Some(first) = right.first().filter(|first| first.element == node.element) else {
                return true;
            };
            if recursively && first.member {
                return false;
            }
            node.member &= !first.member;
            let children = std::mem::take(&mut node.children);
            node.children = children.subtract(&first.children, recursively);
            !node.is_empty()
        });
        self
    }

    /// Calls for every field in it, in the order of messages: those at a place before those below.
    pub fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.collect_paths(&mut String::new(), &mut paths);
        paths
    }

    fn collect_paths(&self, prefix: &mut String, paths: &mut Vec<String>) {
        let members = self.nodes.iter().filter(|node| node.member);
        paths.extend(members.map(|node| format!("{prefix}{}", node.element)));
        for node in self.nodes.iter().filter(|node| !node.children.is_empty()) {
            let length = prefix.len();
            // Writing to a string cannot fail.
            let _ = write!(prefix, "{}", node.element);
            node.children.collect_paths(prefix, paths);
            prefix.truncate(length);
        }
    }
}

/// Elements of two lifetimes, which `Ord` does not compare.
fn compare(a: &Element<'_>, b: &Element<'_>) -> Ordering {
    a.cmp(b)
}

/// Nodes of two sets, side by side.
struct Pairs<'s, 'a, 'b> {
    left: &'s [Node<'a>],
    right: &'s [Node<'b>],
}

impl<'s, 'a, 'b> Iterator for Pairs<'s, 'a, 'b> {
    type Item = (Option<&'s Node<'a>>, Option<&'s Node<'b>>);

    fn next(&mut self) -> Option<Self::Item> {
        let order = match (self.left.first(), self.right.first()) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(l), Some(r)) => compare(&l.element, &r.element),
        };
        let (mut l, mut r) = (None, None);
        if order.is_le() {
            (l, self.left) = (self.left.first(), &self.left[1..]);
        }
        if order.is_ge() {
            (r, self.right) = (self.right.first(), &self.right[1..]);
        }
        Some((l, r))
    }
}
