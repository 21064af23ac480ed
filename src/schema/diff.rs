//! What changed between two schemas of one kind.

use serde::Serialize;
use serde_json::Value;

use super::facts::value_text;
use super::field::{Field, Immutable};
use super::walk::escaped;

/// A change between two versions of a schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The field, by its path from the root; `[]` or `{}` at the end stands for a list's items or
    /// a map's values; empty for the root
    pub path: String,
    /// What changed
    pub what: What,
    /// How it was; `None` where there was none
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// How it is now; `None` where there is none
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Whether an object that was good before may be refused, or lose data, now
    pub breaking: bool,
}

/// What changed of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum What {
    /// The field is new, with all below it; `to` is its type
    Added,
    /// The field is gone, with all below it; `from` was its type
    Removed,
    /// The type
    Type,
    /// The format
    Format,
    /// Whether it must be there
    Required,
    /// The default
    Default,
    /// The values allowed
    Enum,
    /// The bounds
    Bounds,
    /// The patterns
    Pattern,
    /// Whether it may be null
    Nullable,
    /// Whether it may be an integer or a string
    IntOrString,
    /// Whether unknown fields are kept
    PreserveUnknownFields,
    /// Whether it is a whole object
    EmbeddedResource,
    /// How a list is merged
    List,
    /// How a map is merged
    Map,
    /// A CEL rule
    Rule,
    /// What a CEL rule says where it does not hold, or how it says so
    RuleMessage,
    /// Whether it can be changed, by its description
    Immutable,
    /// anyOf, oneOf, not
    Condition,
    /// The description
    Description,
}

impl What {
    /// As a person calls it: `added`, `int or string`.
    pub fn word(self) -> &'static str {
        match self {
            What::Added => "added",
            What::Removed => "removed",
            What::Type => "type",
            What::Format => "format",
            What::Required => "required",
            What::Default => "default",
            What::Enum => "enum",
            What::Bounds => "bounds",
            What::Pattern => "pattern",
            What::Nullable => "nullable",
            What::IntOrString => "int or string",
            What::PreserveUnknownFields => "unknown fields",
            What::EmbeddedResource => "embedded",
            What::List => "list",
            What::Map => "map",
            What::Rule => "rule",
            What::RuleMessage => "rule message",
            What::Immutable => "immutable",
            What::Condition => "condition",
            What::Description => "description",
        }
    }
}

/// What changed from one tree to the other, in the order of the fields. A field that is new or
/// gone is one change, whatever hangs below it.
pub fn diff(from: &Field, to: &Field) -> Vec<Change> {
    let mut changes = Changes::default();
    changes.field("", from, to, &mut Vec::new());
    changes.found
}

/// Deeper than any real schema.
const DEEPEST: usize = 64;

/// More fields than any real kind has.
const MOST: usize = 100_000;

#[derive(Default)]
struct Changes {
    found: Vec<Change>,
    compared: usize,
}

impl Changes {
    fn field<'a>(&mut self, path: &str, from: &Field, to: &'a Field, entered: &mut Vec<&'a str>) {
        self.compared += 1;
        self.own(path, from, to);
        if let (Some(old), Some(new)) = (from.element(), to.element())
            && from.type_ == to.type_
        {
            self.own(&format!("{path}{}", new.name), old, new);
        }
        let types = to.type_names();
        // A type that contains itself has been compared already.
        if entered.len() >= DEEPEST
            || self.compared > MOST
            || types.iter().any(|n| entered.contains(n))
        {
            return;
        }
        let before = entered.len();
        // One more even for a type without a name, so that the depth is counted.
        entered.push("");
        entered.extend(types.into_iter().filter(|t| !t.is_empty()));
        let below = |name: &str| match path {
            "" => escaped(name).into_owned(),
            path => format!("{path}.{}", escaped(name)),
        };
        let mut names: Vec<&str> = from.children().iter().map(|c| c.name.as_str()).collect();
        names.extend(to.children().iter().map(|c| c.name.as_str()));
        names.sort_unstable();
        names.dedup();
        for name in names {
            match (from.child(name), to.child(name)) {
                (Some(old), Some(new)) => self.field(&below(name), old, new, entered),
                (Some(old), None) => {
                    let kept = to.preserve_unknown;
                    self.add(
                        below(name),
                        What::Removed,
                        Some(old.type_.clone()),
                        None,
                        !kept,
                    );
                }
                (None, Some(new)) => {
                    let refuses = new.required && new.default.is_none();
                    let text = if new.required { " -required-" } else { "" };
                    let to = format!("{}{text}", new.type_);
                    self.add(below(name), What::Added, None, Some(to), refuses);
                }
                (None, None) => {}
            }
        }
        entered.truncate(before);
    }

    /// What is said of the field itself.
    fn own(&mut self, path: &str, from: &Field, to: &Field) {
        let mut text = |what, old: Option<String>, new: Option<String>, breaking| {
            if old != new {
                self.add(path.to_owned(), what, old, new, breaking);
            }
        };
        let flag = |on: bool| on.then(|| "yes".to_owned());
        let words = |list: Vec<String>| (!list.is_empty()).then(|| list.join(", "));
        let values = |list: &[Value]| words(list.iter().map(value_text).collect());

        let was_wider = from.int_or_string && !to.int_or_string;
        let is_wider = to.int_or_string && !from.int_or_string;
        text(
            What::Type,
            Some(from.type_.clone()),
            Some(to.type_.clone()),
            !is_wider,
        );
        text(
            What::IntOrString,
            flag(from.int_or_string),
            flag(to.int_or_string),
            was_wider,
        );
        let must = to.required && to.default.is_none();
        text(What::Required, flag(from.required), flag(to.required), must);
        let default = |f: &Field| f.default.as_ref().map(value_text);
        let needed = to.required && to.default.is_none();
        text(What::Default, default(from), default(to), needed);
        let fewer = !to.enum_.is_empty()
            && (from.enum_.is_empty() || from.enum_.iter().any(|v| !to.enum_.contains(v)));
        text(What::Enum, values(&from.enum_), values(&to.enum_), fewer);
        text(
            What::Format,
            from.format.clone(),
            to.format.clone(),
            to.format.is_some(),
        );
        let mut both = from.bounds.clone();
        both.tighten(to.bounds.clone());
        let (old, new) = (from.bounds.words(), to.bounds.words());
        text(What::Bounds, words(old), words(new), both != from.bounds);
        let stricter = to.patterns.iter().any(|p| !from.patterns.contains(p));
        let patterns = |f: &Field| words(f.patterns.clone());
        text(What::Pattern, patterns(from), patterns(to), stricter);
        text(
            What::Nullable,
            flag(from.nullable),
            flag(to.nullable),
            from.nullable,
        );
        let keeps = |f: &Field| f.preserve_unknown || f.takes_any_key();
        text(
            What::PreserveUnknownFields,
            flag(keeps(from)),
            flag(keeps(to)),
            keeps(from),
        );
        text(
            What::EmbeddedResource,
            flag(from.embedded),
            flag(to.embedded),
            to.embedded,
        );
        let list = |f: &Field| f.list.as_ref().map(|l| l.words());
        let unique = to.list.as_ref().is_some_and(|l| l.type_ != "atomic");
        text(What::List, list(from), list(to), unique);
        text(What::Map, from.map_type.clone(), to.map_type.clone(), false);
        let says = |f: &Field| match &f.immutable {
            Some(Immutable::Description(sentence)) => Some(sentence.clone()),
            _ => None,
        };
        text(What::Immutable, says(from), says(to), says(from).is_none());
        let conditions = |f: &Field| {
            let shown = f
                .conditions
                .iter()
                .map(|c| format!("{}: {}", c.kind, Value::from(c.schemas.clone())));
            words(shown.collect())
        };
        text(
            What::Condition,
            conditions(from),
            conditions(to),
            conditions(to).is_some(),
        );
        let description = |f: &Field| Some(f.description.clone()).filter(|d| !d.is_empty());
        text(What::Description, description(from), description(to), false);
        self.rules(path, from, to);
    }

    fn rules(&mut self, path: &str, from: &Field, to: &Field) {
        for old in &from.rules {
            match to.rules.iter().find(|r| r.rule == old.rule) {
                None => self.add(path.to_owned(), What::Rule, Some(old.words()), None, false),
                Some(new) if new != old => {
                    let (old, new) = (Some(old.words()), Some(new.words()));
                    self.add(path.to_owned(), What::RuleMessage, old, new, false);
                }
                Some(_) => {}
            }
        }
        for new in &to.rules {
            if !from.rules.iter().any(|r| r.rule == new.rule) {
                self.add(path.to_owned(), What::Rule, None, Some(new.words()), true);
            }
        }
    }

    fn add(
        &mut self,
        path: String,
        what: What,
        from: Option<String>,
        to: Option<String>,
        breaking: bool,
    ) {
        self.found.push(Change {
            path,
            what,
            from,
            to,
            breaking,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn changes(from: Value, to: Value) -> Vec<String> {
        let tree = |schema: Value| {
            Field::from_crd(&json!({"type": "object", "properties": {"f": schema}})).unwrap()
        };
        let show = |c: Change| {
            let from = c.from.unwrap_or_else(|| "-".into());
            let to = c.to.unwrap_or_else(|| "-".into());
            let mark = if c.breaking { "!" } else { "" };
            format!("{} {}{mark}: {from} -> {to}", c.path, c.what.word())
        };
        diff(&tree(from), &tree(to)).into_iter().map(show).collect()
    }

    #[test]
    fn nothing_changed_is_no_change() {
        let schema =
            json!({"type": "object", "properties": {"a": {"type": "string", "enum": ["x"]}}});
        assert!(changes(schema.clone(), schema).is_empty());
    }

    #[test]
    fn fields_come_and_go() {
        assert_eq!(
            changes(
                json!({"type": "object", "properties": {"old": {"type": "string"}}}),
                json!({"type": "object", "required": ["must"], "properties": {
                    "must": {"type": "integer"},
                    "new": {"type": "object", "properties": {"x": {"type": "string"}}}}})
            ),
            [
                "f.must added!: - -> integer -required-",
                "f.new added: - -> Object",
                "f.old removed!: string -> -",
            ]
        );
    }

    #[test]
    fn tighter_is_breaking_and_looser_is_not() {
        assert_eq!(
            changes(
                json!({"type": "integer", "maximum": 9}),
                json!({"type": "integer", "maximum": 5})
            ),
            ["f bounds!: at most 9 -> at most 5"]
        );
        assert_eq!(
            changes(
                json!({"type": "integer", "maximum": 5}),
                json!({"type": "integer"})
            ),
            ["f bounds: at most 5 -> -"]
        );
        assert_eq!(
            changes(
                json!({"type": "string", "enum": ["a"]}),
                json!({"type": "string", "enum": ["a", "b"]})
            ),
            ["f enum: a -> a, b"]
        );
        assert_eq!(
            changes(
                json!({"type": "string", "enum": ["a", "b"]}),
                json!({"type": "string", "enum": ["a"]})
            ),
            ["f enum!: a, b -> a"]
        );
        assert_eq!(
            changes(json!({"type": "string"}), json!({"type": "integer"})),
            ["f type!: string -> integer"]
        );
    }

    #[test]
    fn items_and_rules_count_too() {
        assert_eq!(
            changes(
                json!({"type": "array", "items": {"type": "string"}}),
                json!({"type": "array", "items": {"type": "string", "pattern": "^a"},
                    "x-kubernetes-validations": [{"rule": "size(self) > 0"}]})
            ),
            ["f rule!: - -> size(self) > 0", "f[] pattern!: - -> ^a"]
        );
    }
}
