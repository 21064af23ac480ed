//! Label selectors.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};

/// Labels of an object.
pub(super) type Labels = BTreeMap<String, String>;

/// Whether it selects everything.
pub(super) fn is_empty(selector: &LabelSelector) -> bool {
    selector
        .match_labels
        .as_ref()
        .is_none_or(BTreeMap::is_empty)
        && selector
            .match_expressions
            .as_ref()
            .is_none_or(Vec::is_empty)
}

/// Whether the labels are selected. A selector that Kubernetes would not accept selects nothing.
pub(super) fn matches(selector: &LabelSelector, labels: &Labels) -> bool {
    let wanted = selector.match_labels.iter().flatten();
    let mut expressions = selector.match_expressions.iter().flatten();
    wanted
        .into_iter()
        .all(|(key, value)| labels.get(key) == Some(value))
        && expressions.all(|expression| holds(expression, labels))
}

/// The same of a plain map, as Services have it.
pub(super) fn contains(labels: &Labels, wanted: &Labels) -> bool {
    wanted
        .iter()
        .all(|(key, value)| labels.get(key) == Some(value))
}

fn holds(requirement: &LabelSelectorRequirement, labels: &Labels) -> bool {
    let value = labels.get(&requirement.key);
    let listed = |value: &String| requirement.values.iter().flatten().any(|v| v == value);
    match requirement.operator.as_str() {
        "In" => value.is_some_and(listed),
        "NotIn" => !value.is_some_and(listed),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        _ => false,
    }
}

/// Which of many selectors select an object, without trying each: by one of the labels that a
/// selector asks for.
#[derive(Debug, Default)]
pub(super) struct Selectors {
    /// By namespace and one label that must be there
    by_label: HashMap<(String, String, String), BTreeSet<String>>,
    /// By namespace, those that ask for no label of a given value
    others: HashMap<String, BTreeSet<String>>,
    all: HashMap<(String, String), LabelSelector>,
}

impl Selectors {
    /// That name's selector is now this; `None` for one that selects nothing.
    pub(super) fn set(&mut self, namespace: &str, name: &str, selector: Option<LabelSelector>) {
        let key = (namespace.to_owned(), name.to_owned());
        if let Some(before) = self.all.remove(&key) {
            if let Some(place) = self.place(namespace, &before) {
                place.remove(name);
            }
            self.forget_if_empty(namespace, &before);
        }
        if let Some(selector) = selector {
            if let Some((label, value)) = first_label(&selector) {
                let place = (namespace.to_owned(), label.clone(), value.clone());
                self.by_label
                    .entry(place)
                    .or_default()
                    .insert(name.to_owned());
            } else {
                let others = self.others.entry(namespace.to_owned()).or_default();
                others.insert(name.to_owned());
            }
            self.all.insert(key, selector);
        }
    }

    /// The names in the namespace whose selector selects the labels.
    pub(super) fn selecting(&self, namespace: &str, labels: &Labels) -> Vec<String> {
        let mut names = BTreeSet::new();
        if self.all.is_empty() {
            return Vec::new();
        }
        for (label, value) in labels {
            let place = (namespace.to_owned(), label.clone(), value.clone());
            names.extend(self.by_label.get(&place).into_iter().flatten());
        }
        names.extend(self.others.get(namespace).into_iter().flatten());
        let selects = |name: &&String| {
            let selector = self.all.get(&(namespace.to_owned(), (*name).clone()));
            selector.is_some_and(|selector| matches(selector, labels))
        };
        names.into_iter().filter(selects).cloned().collect()
    }

    fn place(
        &mut self,
        namespace: &str,
        selector: &LabelSelector,
    ) -> Option<&mut BTreeSet<String>> {
        match first_label(selector) {
            Some((label, value)) => {
                let place = (namespace.to_owned(), label.clone(), value.clone());
                self.by_label.get_mut(&place)
            }
            None => self.others.get_mut(namespace),
        }
    }

    fn forget_if_empty(&mut self, namespace: &str, selector: &LabelSelector) {
        if self
            .place(namespace, selector)
            .is_some_and(|place| !place.is_empty())
        {
            return;
        }
        match first_label(selector) {
            Some((label, value)) => {
                let place = (namespace.to_owned(), label.clone(), value.clone());
                self.by_label.remove(&place);
            }
            None => {
                self.others.remove(namespace);
            }
        }
    }
}

fn first_label(selector: &LabelSelector) -> Option<(&String, &String)> {
    selector.match_labels.as_ref()?.first_key_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> Labels {
        let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
        pairs
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }

    fn expression(key: &str, operator: &str, values: &[&str]) -> LabelSelector {
        LabelSelector {
            match_expressions: Some(vec![LabelSelectorRequirement {
                key: key.to_owned(),
                operator: operator.to_owned(),
                values: Some(values.iter().map(|value| (*value).to_owned()).collect()),
            }]),
            match_labels: None,
        }
    }

    fn selector(text: &str) -> LabelSelector {
        LabelSelector {
            match_labels: Some(labels(text)),
            match_expressions: None,
        }
    }

    #[test]
    fn expressions_hold_as_documented() {
        let both = labels("a=1,b=2");
        for (selector, wanted) in [
            (expression("a", "In", &["1", "3"]), true),
            (expression("a", "In", &["2"]), false),
            (expression("c", "In", &["2"]), false),
            (expression("a", "NotIn", &["1"]), false),
            (expression("c", "NotIn", &["1"]), true),
            (expression("c", "Exists", &[]), false),
            (expression("a", "Exists", &[]), true),
            (expression("c", "DoesNotExist", &[]), true),
            (expression("a", "DoesNotExist", &[]), false),
            (expression("a", "Near", &["1"]), false),
            (LabelSelector::default(), true),
        ] {
            assert_eq!(matches(&selector, &both), wanted, "{selector:?}");
        }
    }

    #[test]
    fn selectors_are_found_and_forgotten() {
        let mut all = Selectors::default();
        all.set("ns", "one", Some(selector("a=1,b=2")));
        all.set("ns", "two", Some(selector("a=1")));
        all.set("ns", "any", Some(expression("b", "Exists", &[])));
        all.set("other", "two", Some(selector("a=1")));
        assert_eq!(
            all.selecting("ns", &labels("a=1,b=2")),
            ["any", "one", "two"]
        );
        assert_eq!(all.selecting("ns", &labels("a=1")), ["two"]);
        all.set("ns", "two", Some(selector("c=1")));
        assert_eq!(all.selecting("ns", &labels("a=1")), [""; 0]);
        for name in ["one", "two", "any"] {
            all.set("ns", name, None);
        }
        all.set("other", "two", None);
        assert!(all.all.is_empty() && all.by_label.is_empty() && all.others.is_empty());
    }
}
