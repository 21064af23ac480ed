//! Selectors of labels, as `pkg/labels` of apimachinery has them.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use super::parse;
use crate::sandbox::memory::field::{FieldError, Path, aggregate};
use crate::sandbox::memory::names;
use crate::sandbox::memory::status::Status;

/// Something that has labels.
pub trait Labels {
    /// The label's value, if it is there.
    fn label(&self, key: &str) -> Option<&str>;
}

impl Labels for Map<String, Value> {
    fn label(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }
}

/// `metadata.labels` as it stands in an object; anything but an object has none.
impl Labels for Value {
    fn label(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }
}

impl Labels for BTreeMap<String, String> {
    fn label(&self, key: &str) -> Option<&str> {
        self.get(key).map(String::as_str)
    }
}

impl<L: Labels> Labels for Option<L> {
    fn label(&self, key: &str) -> Option<&str> {
        self.as_ref()?.label(key)
    }
}

impl<L: Labels> Labels for &L {
    fn label(&self, key: &str) -> Option<&str> {
        (*self).label(key)
    }
}

/// Which labels an object must have. All requirements hold, or it is none of those selected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector {
    /// Nothing has such labels: the selector of an object that leaves it out.
    is_nothing: bool,
    requirements: Vec<Requirement>,
}

/// One condition on one label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The label's key
    pub key: String,
    /// What is asked of its value
    pub operator: Operator,
    /// One value for the operators of one value, none for those of existence; sorted
    pub values: Vec<String>,
}

/// See [`Requirement`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// One of the values
    In,
    /// None of the values, or no such label
    NotIn,
    /// `=`
    Equals,
    /// `==`, which differs from `=` only when it is written
    DoubleEquals,
    /// `!=`, or no such label
    NotEquals,
    /// There, whatever its value
    Exists,
    /// Not there
    DoesNotExist,
    /// An integer above that one
    GreaterThan,
    /// An integer below that one
    LessThan,
}

impl LabelSelector {
    /// Selects all.
    pub fn everything() -> Self {
        LabelSelector::default()
    }

    /// Selects none.
    pub fn nothing() -> Self {
        LabelSelector {
            is_nothing: true,
            requirements: Vec::new(),
        }
    }

    /// From a query, such as `a=b,c in (d,e),!f`; 400 with the real server's words otherwise.
    pub fn parse(text: &str) -> Result<Self, Status> {
        let requirements = parse::requirements(text).map_err(Status::bad_request)?;
        Ok(LabelSelector::sorted(requirements))
    }

    /// From a `LabelSelector` object: `null` selects none, an empty one all. Fails as
    /// `LabelSelectorAsSelector` does, in words for a field's error.
    pub fn of(selector: &Value) -> Result<Self, String> {
        let Some(selector) = selector.as_object() else {
            return Ok(LabelSelector::nothing());
        };
        let mut requirements = Vec::new();
        for (key, value) in selector
            .get("matchLabels")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let value = value.as_str().unwrap_or_default().to_owned();
            requirements.push(Requirement::new(
                key.clone(),
                Operator::Equals,
                vec![value],
            )?);
        }
        let expressions = selector.get("matchExpressions").and_then(Value::as_array);
        for expression in expressions.into_iter().flatten() {
            let text = |field: &str| expression[field].as_str().unwrap_or_default();
            let operator = match text("operator") {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                other => return Err(format!("{other:?} is not a valid label selector operator")),
            };
            let values = expression["values"].as_array().into_iter().flatten();
            let values = values
                .filter_map(|value| value.as_str().map(str::to_owned))
                .collect();
            requirements.push(Requirement::new(text("key").to_owned(), operator, values)?);
        }
        Ok(LabelSelector::sorted(requirements))
    }

    /// Selects what has all these labels, which are not checked: the plain map in a Service or a
    /// ReplicationController. An empty one selects all, as in `SelectorFromSet`.
    pub fn of_labels(labels: &Map<String, Value>) -> Self {
        let requirements = labels.iter().map(|(key, value)| Requirement {
            key: key.clone(),
            operator: Operator::Equals,
            values: vec![value.as_str().unwrap_or_default().to_owned()],
        });
        LabelSelector::sorted(requirements.collect())
    }

    fn sorted(mut requirements: Vec<Requirement>) -> Self {
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        LabelSelector {
            is_nothing: false,
            requirements,
        }
    }

    /// Whether an object with these labels is selected.
    pub fn matches(&self, labels: &impl Labels) -> bool {
        !self.is_nothing && self.requirements.iter().all(|r| r.matches(labels))
    }

    /// Whether all are selected.
    pub fn is_everything(&self) -> bool {
        !self.is_nothing && self.requirements.is_empty()
    }

    /// The conditions, ordered by key.
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }
}

/// As it stands in a query and in the columns of tables.
impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, requirement) in self.requirements.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{requirement}")?;
        }
        Ok(())
    }
}

impl Requirement {
    /// Checks key, operator and values as `NewRequirement` does.
    pub(super) fn new(
        key: String,
        operator: Operator,
        values: Vec<String>,
    ) -> Result<Self, String> {
        let mut errors = Vec::new();
        errors.extend(key_error(&Path::new("key"), &key));
        let path = Path::new("values");
        let wrong = match operator {
            Operator::In | Operator::NotIn => values
                .is_empty()
                .then_some("for 'in', 'notin' operators, values set can't be empty"),
            Operator::Exists | Operator::DoesNotExist => (!values.is_empty())
                .then_some("values set must be empty for exists and does not exist"),
            // The parser gives exactly one.
            _ => None,
        };
        errors.extend(wrong.map(|wrong| FieldError::invalid(&path, values.clone(), wrong)));
        if matches!(operator, Operator::GreaterThan | Operator::LessThan) {
            for (at, value) in values.iter().enumerate() {
                if value.parse::<i64>().is_err() {
                    let why = "for 'Gt', 'Lt' operators, the value must be an integer";
                    errors.push(FieldError::invalid(&path.index(at), value.as_str(), why));
                }
            }
        }
        for (at, value) in values.iter().enumerate() {
            let wrong = names::label_value(value);
            if !wrong.is_empty() {
                let path = path.index(at).key(&key);
                errors.push(FieldError::invalid(&path, value.as_str(), wrong.join("; ")));
            }
        }
        if errors.is_empty() {
            return Ok(Requirement {
                key,
                operator,
                values,
            });
        }
        Err(aggregate(&errors))
    }

    /// Whether these labels fulfil it.
    pub fn matches(&self, labels: &impl Labels) -> bool {
        let label = labels.label(&self.key);
        let has = |value: &str| self.values.iter().any(|known| known == value);
        match self.operator {
            Operator::In | Operator::Equals | Operator::DoubleEquals => label.is_some_and(has),
            Operator::NotIn | Operator::NotEquals => !label.is_some_and(has),
            Operator::Exists => label.is_some(),
            Operator::DoesNotExist => label.is_none(),
            Operator::GreaterThan => self
                .bound(label)
                .is_some_and(|(label, bound)| label > bound),
            Operator::LessThan => self
                .bound(label)
                .is_some_and(|(label, bound)| label < bound),
        }
    }

    fn bound(&self, label: Option<&str>) -> Option<(i64, i64)> {
        Some((label?.parse().ok()?, self.values.first()?.parse().ok()?))
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Requirement {
            key,
            operator,
            values,
        } = self;
        let mut values: Vec<&str> = values.iter().map(String::as_str).collect();
        values.sort_unstable();
        let values = values.join(",");
        match operator {
            Operator::In => write!(f, "{key} in ({values})"),
            Operator::NotIn => write!(f, "{key} notin ({values})"),
            Operator::Equals => write!(f, "{key}={values}"),
            Operator::DoubleEquals => write!(f, "{key}=={values}"),
            Operator::NotEquals => write!(f, "{key}!={values}"),
            Operator::Exists => f.write_str(key),
            Operator::DoesNotExist => write!(f, "!{key}"),
            Operator::GreaterThan => write!(f, "{key}>{values}"),
            Operator::LessThan => write!(f, "{key}<{values}"),
        }
    }
}

pub(super) fn key_error(path: &Path, key: &str) -> Option<FieldError> {
    let wrong = names::qualified_name(key);
    (!wrong.is_empty()).then(|| FieldError::invalid(path, key, wrong.join("; ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(text: &str) -> LabelSelector {
        LabelSelector::parse(text).unwrap_or_else(|status| panic!("{text:?}: {}", status.message))
    }

    #[test]
    fn label_selectors_match() {
        let labels = json!({"a": "b", "n": "5"});
        let cases = [
            ("", true),
            ("a", true),
            ("a=b", true),
            ("a==b", true),
            ("a=c", false),
            ("a!=c", true),
            ("x!=c", true),
            ("x", false),
            ("!x", true),
            ("!a", false),
            ("a in (b,c)", true),
            ("a notin (b,c)", false),
            ("x notin (b)", true),
            ("n>4", true),
            ("n>5", false),
            ("n<6,a=b", true),
            ("a>1", false),
            ("x=", false),
            ("a in (,)", false),
        ];
        for (text, expected) in cases {
            assert_eq!(parsed(text).matches(&labels), expected, "{text:?}");
        }
        assert!(parsed("!a").matches(&Value::Null));
    }

    #[test]
    fn label_selectors_are_written_in_one_form() {
        let cases = [
            ("b , a = c", "a=c,b"),
            ("a in (c,b,b)", "a in (b,c)"),
            ("a notin ()", "a notin ()"),
            ("x in (a,,b)", "x in (,a,b)"),
            ("in in (in,notin)", "in in (in,notin)"),
            ("a==b,!c,d!=e,f>1", "a==b,!c,d!=e,f>1"),
        ];
        for (text, written) in cases {
            assert_eq!(parsed(text).to_string(), written);
        }
    }

    #[test]
    fn selectors_in_objects() {
        let labels = json!({"a": "b"});
        let cases = [
            (Value::Null, false, ""),
            (json!({}), true, ""),
            (json!({"matchLabels": {"a": "b"}}), true, "a=b"),
            (
                json!({"matchLabels": {"b": "c"}, "matchExpressions": [
                    {"key": "a", "operator": "In", "values": ["x", "b"]},
                    {"key": "c", "operator": "DoesNotExist"}]}),
                false,
                "a in (b,x),b=c,!c",
            ),
        ];
        for (selector, expected, written) in cases {
            let made = LabelSelector::of(&selector).expect("a selector");
            assert_eq!(made.matches(&labels), expected, "{selector}");
            assert_eq!(made.to_string(), written);
        }
        let unknown = json!({"matchExpressions": [{"key": "a", "operator": "x"}]});
        assert_eq!(
            LabelSelector::of(&unknown),
            Err("\"x\" is not a valid label selector operator".to_owned())
        );
        let empty = json!({"matchExpressions": [{"key": "a", "operator": "In"}]});
        assert_eq!(
            LabelSelector::of(&empty),
            Err(
                "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty"
                    .to_owned()
            )
        );
    }
}
