//! The JSONPath of printer columns and selectable fields (client-go's `util/jsonpath`).

mod eval;
mod parse;

use std::borrow::Cow;

use serde_json::Value;

/// A path that was read.
#[derive(Debug)]
pub(super) struct JsonPath {
    nodes: Vec<Node>,
}

/// One step of a path.
#[derive(Debug, PartialEq)]
enum Node {
    Field(String),
    Slice(Slice),
    Wildcard,
    /// The value and all that it contains
    Recursive,
    Union(Vec<Vec<Node>>),
    Filter(Filter),
    /// A text, number or boolean of its own
    Literal(Value),
    /// A word such as `range`, which makes no sense in a path
    Word,
}

/// `[from:to:step]`, or one item.
#[derive(Debug, PartialEq)]
struct Slice {
    from: Option<i64>,
    to: Option<i64>,
    step: Option<i64>,
    is_single: bool,
}

/// `[?(left operator right)]`; without an operator, what has `left`.
#[derive(Debug, PartialEq)]
struct Filter {
    left: Vec<Node>,
    operator: String,
    right: Vec<Node>,
}

impl JsonPath {
    /// Reads a path such as `.spec.list[0].name`; `None` for what is none.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let nodes = parse::parse(&format!("{{{path}}}"))?;
        Some(JsonPath { nodes })
    }

    /// What is at the path, missing keys being no error; `None` where the path makes no sense of the
    /// value, such as an index beyond a list's end.
    pub(super) fn find<'a>(&self, value: &'a Value) -> Option<Vec<Cow<'a, Value>>> {
        eval::walk_all(vec![Cow::Borrowed(value)], &self.nodes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The expectations are those of client-go with missing keys allowed.
    #[test]
    fn paths_are_followed() {
        let value = json!({
            "a": {"b.c": 1, "d": "text", "n": null},
            "l": [{"k": "x", "v": 1}, {"k": "y", "v": 2}, {"v": 3.5}],
            "e": [],
        });
        for (path, expected) in [
            (".a.d", Some(json!(["text"]))),
            (".a.b\\.c", Some(json!([1]))),
            (".a['b\\.c']", Some(json!([1]))),
            (".a['d']", Some(json!(["text"]))),
            (".a['b.c']", Some(json!([]))),
            (".a.n", Some(json!([null]))),
            (".a.n.x", Some(json!([]))),
            (".x.y[0]", Some(json!([]))),
            (".l[0].k", Some(json!(["x"]))),
            (".l[-1].v", Some(json!([3.5]))),
            (".l[*].k", Some(json!(["x", "y"]))),
            (".l[0:2].v", Some(json!([1, 2]))),
            (".l[:2].v", Some(json!([1, 2]))),
            (".l[::2].v", Some(json!([1, 3.5]))),
            (".l[0,2].v", Some(json!([1, 3.5]))),
            (".l[3]", None),
            (".l[2:1]", None),
            (".e[0]", None),
            (".e[*]", Some(json!([]))),
            (".a[0]", None),
            (".l[?(@.k==\"y\")].v", Some(json!([2]))),
            (".l[?(@.v>1)].v", None),
            (".l[?(@.k)].v", Some(json!([1, 2]))),
            (".l[?(@.v=='a')]", None),
            (".a[?(@.k)]", None),
            ("..k", Some(json!(["x", "y"]))),
            (".a.*", Some(json!([1, "text", null]))),
            (".a['d', 'n']", Some(json!(["text", null]))),
            (".a range", None),
        ] {
            let found = JsonPath::parse(path).expect(path).find(&value);
            assert_eq!(found.map(|all| json!(all)), expected, "{path}");
        }
        for path in [
            ".a[",
            ".a[x]",
            ".a[?(@.k]",
            ".a....b",
            ".a\nb",
            ".a {",
            ".['a[b']",
        ] {
            assert!(JsonPath::parse(path).is_none(), "{path}");
        }
    }

    #[test]
    fn no_path_takes_forever() {
        let mut value = json!(1);
        for _ in 0..100 {
            value = json!({"a": value, "b": [1]});
        }
        let path = "..['a','a']".repeat(30);
        assert!(JsonPath::parse(&path).unwrap().find(&value).is_none());
    }
}
