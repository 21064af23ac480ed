//! The tree of what an object owns, from objects that name their owners. Pure.

use std::collections::{HashMap, HashSet, VecDeque};

use super::Object;

/// Deeper than this nothing is shown: Kubernetes' own trees have five levels, and each level of JSON
/// takes two of the 128 that most readers allow.
const DEEPEST: usize = 50;

/// An object's place in a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Which of the objects that the tree was built from
    pub object: usize,
    /// 0 for the root
    pub depth: usize,
    /// How it belongs here
    pub link: Link,
}

/// How an object belongs where it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// It is the one that was asked about
    Root,
    /// The object above is its owner; of several, this is where what it owns itself is shown
    Owned,
    /// The object above is one more of its owners; what it owns is shown at the other
    Again,
    /// The object above names it as owner's owner: they own each other
    Cycle,
    /// Its owner's namespace is another one, which Kubernetes does not allow: the garbage collector
    /// takes such an owner for missing
    /// (kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents).
    Invalid,
}

/// The tree, in the order in which it is drawn: each node before what it owns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// The root comes first
    pub nodes: Vec<Node>,
    /// How many objects are left out because they are nested too deeply
    pub too_deep: usize,
}

/// Builds the tree below the object with this uid; nothing where there is no such object.
///
/// An object with several owners is at home below its controller, or else below the owner that is
/// nearest to the root, and is named below the others. Kinds are in alphabetical order; of one kind,
/// objects that own others come first, then names decide. Takes time in proportion to the number of
/// ownerReferences, whatever their shape.
pub fn build(root: &str, objects: &[Object]) -> Tree {
    let Some(root) = objects.iter().position(|object| object.uid == root) else {
        return Tree::default();
    };
    let edges = edges(objects);
    let home = homes(root, objects, &edges);
    let mut tree = Tree::default();
    // A stack of our own: a chain of owners may be as long as somebody likes.
    let mut open = vec![Node {
        object: root,
        depth: 0,
        link: Link::Root,
    }];
    while let Some(node) = open.pop() {
        let (at, depth) = (node.object, node.depth);
        let is_home = matches!(node.link, Link::Root | Link::Owned | Link::Invalid);
        tree.nodes.push(node);
        if !is_home {
            continue;
        }
        let mut below: Vec<Node> = edges[at]
            .iter()
            .map(|child| Node {
                object: *child,
                depth: depth + 1,
                link: link(at, *child, root, objects, &home),
            })
            .collect();
        below.sort_by(|a, b| {
            let key = |node: &Node| {
                let object = &objects[node.object];
                let owns_none = edges[node.object].is_empty();
                (
                    &object.kind.kind,
                    owns_none,
                    &object.namespace,
                    &object.name,
                )
            };
            key(a).cmp(&key(b))
        });
        if depth >= DEEPEST {
            tree.too_deep += hidden(at, &edges, &home);
        } else {
            open.extend(below.into_iter().rev());
        }
    }
    tree
}

/// For each object, those that name it as an owner, each once.
fn edges(objects: &[Object]) -> Vec<Vec<usize>> {
    let mut places = HashMap::with_capacity(objects.len());
    for (at, object) in objects.iter().enumerate() {
        // The same object may have come by way of two API groups.
        if !object.uid.is_empty() {
            places.entry(object.uid.as_str()).or_insert(at);
        }
    }
    let mut edges = vec![Vec::new(); objects.len()];
    for (at, object) in objects.iter().enumerate() {
        if places.get(object.uid.as_str()) != Some(&at) {
            continue;
        }
        let mut seen = HashSet::new();
        for owner in &object.owners {
            if let Some(owner) = places.get(owner.uid.as_str())
                && seen.insert(*owner)
            {
                edges[*owner].push(at);
            }
        }
    }
    edges
}

/// Below which owner each object that can be reached from the root is at home. Whoever can be
/// reached from controller to controller is placed so before other owners count, so that no object
/// is placed below itself.
fn homes(root: usize, objects: &[Object], edges: &[Vec<usize>]) -> HashMap<usize, usize> {
    let mut home = HashMap::new();
    let mut by_controller = VecDeque::from([root]);
    let mut by_others = VecDeque::new();
    loop {
        if let Some(owner) = by_controller.pop_front() {
            for child in edges[owner].iter().filter(|child| **child != root) {
                let controls = |o: &&super::Owner| o.controller && o.uid == objects[owner].uid;
                let is_controlled = objects[*child].owners.iter().any(|o| controls(&o));
                if !is_controlled {
                    by_others.push_back((owner, *child));
                } else if !home.contains_key(child) {
                    home.insert(*child, owner);
                    by_controller.push_back(*child);
                }
            }
        } else if let Some((owner, child)) = by_others.pop_front() {
            if let std::collections::hash_map::Entry::Vacant(place) = home.entry(child) {
                place.insert(owner);
                by_controller.push_back(child);
            }
        } else {
            return home;
        }
    }
}

fn link(
    owner: usize,
    child: usize,
    root: usize,
    objects: &[Object],
    home: &HashMap<usize, usize>,
) -> Link {
    if home.get(&child) != Some(&owner) {
        let mut above = std::iter::successors(Some(owner), |at| home.get(at).copied());
        return match child == root || above.any(|at| at == child) {
            true => Link::Cycle,
            false => Link::Again,
        };
    }
    let (owner, child) = (&objects[owner].namespace, &objects[child].namespace);
    // What lives in no namespace may own in all of them; the other way round it may not.
    match owner.is_empty() || owner == child {
        true => Link::Owned,
        false => Link::Invalid,
    }
}

/// How many objects are at home below this one.
fn hidden(at: usize, edges: &[Vec<usize>], home: &HashMap<usize, usize>) -> usize {
    let mut open = vec![at];
    let mut count = 0;
    while let Some(owner) = open.pop() {
        let at_home = edges[owner].iter().filter(|c| home.get(c) == Some(&owner));
        for child in at_home {
            count += 1;
            open.push(*child);
        }
    }
    count
}

impl Tree {
    /// What is drawn before each node, such as `│   ├── `.
    pub fn prefixes(&self) -> Vec<String> {
        // From the end: whether one more node of a depth follows before the tree rises above it.
        let mut follows = [false; DEEPEST + 2];
        let mut prefixes: Vec<String> = self
            .nodes
            .iter()
            .rev()
            .map(|node| {
                let depth = node.depth;
                let mut prefix = String::new();
                for follows in &follows[1..depth.max(1)] {
                    prefix.push_str(if *follows { "│   " } else { "    " });
                }
                if depth > 0 {
                    prefix.push_str(if follows[depth] {
                        "├── "
                    } else {
                        "└── "
                    });
                }
                follows[depth] = true;
                follows[depth + 1..].fill(false);
                prefix
            })
            .collect();
        prefixes.reverse();
        prefixes
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Kind, Owner, State};
    use super::*;

    /// `Kind/name`, owned by these; `!` marks the controller.
    fn object(title: &str, owners: &[&str]) -> Object {
        let (kind, name) = title.split_once('/').unwrap();
        let owner = |text: &&str| Owner {
            uid: text.trim_end_matches('!').to_owned(),
            controller: text.ends_with('!'),
            ..Owner::default()
        };
        Object {
            kind: Arc::new(Kind::known("", "v1", "x", kind)),
            namespace: "a".to_owned(),
            name: name.to_owned(),
            uid: title.to_owned(),
            created: None,
            deleting: false,
            owners: owners.iter().map(owner).collect(),
            state: State::default(),
        }
    }

    fn drawn(root: &str, objects: &[Object]) -> String {
        let tree = build(root, objects);
        let lines = tree
            .nodes
            .iter()
            .zip(tree.prefixes())
            .map(|(node, prefix)| {
                let link = match node.link {
                    Link::Root | Link::Owned => String::new(),
                    other => format!(" {other:?}"),
                };
                format!("{prefix}{}{link}\n", objects[node.object].title())
            });
        lines.collect()
    }

    #[test]
    fn children_hang_below_their_owner() {
        let objects = [
            object("Pod/b", &["Set/old!"]),
            object("Service/web", &["App/web!"]),
            object("Deployment/web", &["App/web!"]),
            object("Set/new", &["Deployment/web!"]),
            object("Set/old", &["Deployment/web!"]),
            object("Pod/a", &["Set/old!"]),
            object("App/web", &[]),
            object("Slice/s", &["Service/web!"]),
            object("Pod/stranger", &["Set/gone!"]),
        ];
        let wanted = "\
App/web
├── Deployment/web
│   ├── Set/old
│   │   ├── Pod/a
│   │   └── Pod/b
│   └── Set/new
└── Service/web
    └── Slice/s
";
        assert_eq!(drawn("App/web", &objects), wanted);
        assert_eq!(
            drawn("Set/old", &objects),
            "Set/old\n├── Pod/a\n└── Pod/b\n"
        );
        assert_eq!(drawn("Set/gone", &objects), "");
    }

    #[test]
    fn of_several_owners_the_controller_is_home() {
        let objects = [
            object("A/root", &[]),
            object("B/first", &["A/root"]),
            object("C/second", &["A/root!"]),
            object("D/both", &["B/first", "C/second!", "C/second"]),
            object("E/below", &["D/both"]),
        ];
        let wanted = "\
A/root
├── B/first
│   └── D/both Again
└── C/second
    └── D/both
        └── E/below
";
        assert_eq!(drawn("A/root", &objects), wanted);
    }

    #[test]
    fn objects_that_own_each_other_end_nowhere_but_here() {
        let objects = [
            object("A/a", &["B/b!", "A/a"]),
            object("B/b", &["A/a", "C/c!"]),
            object("C/c", &["B/b!"]),
        ];
        let wanted = "\
A/a
├── A/a Cycle
└── B/b
    ├── A/a Cycle
    └── C/c
        └── B/b Cycle
";
        assert_eq!(drawn("A/a", &objects), wanted);
    }

    #[test]
    fn owners_in_other_namespaces_are_pointed_out() {
        let mut node = object("Node/n", &[]);
        node.namespace.clear();
        let mut elsewhere = object("Pod/q", &["Pod/p"]);
        elsewhere.namespace = "b".to_owned();
        let objects = [node, object("Pod/p", &["Node/n"]), elsewhere];
        assert_eq!(
            drawn("Node/n", &objects),
            "Node/n\n└── Pod/p\n    └── Pod/q Invalid\n"
        );
    }

    #[test]
    fn an_object_that_comes_twice_is_shown_once() {
        let objects = [
            object("A/a", &[]),
            object("B/b", &["A/a"]),
            object("B/b", &["A/a"]),
            object("C/no-uid", &[""]),
        ];
        assert_eq!(drawn("A/a", &objects), "A/a\n└── B/b\n");
    }

    #[test]
    fn neither_many_nor_deep_is_too_much() {
        let mut objects = vec![object("Set/0", &[])];
        objects.extend((0..10_000).map(|n| object(&format!("Pod/{n:05}"), &["Set/0!"])));
        let tree = build("Set/0", &objects);
        assert_eq!(tree.nodes.len(), 10_001);
        assert_eq!(tree.prefixes().last().unwrap(), "└── ");
        let mut chain = vec![object("A/0", &[])];
        chain.extend((1..100_000).map(|n| object(&format!("A/{n}"), &[&format!("A/{}!", n - 1)])));
        let tree = build("A/0", &chain);
        assert_eq!(
            (tree.nodes.len(), tree.too_deep),
            (DEEPEST + 1, 100_000 - 1 - DEEPEST)
        );
    }
}
