//! Whether a field can be changed once it is set: by its CEL rules, or by what its description says.

use std::sync::LazyLock;

use regex::Regex;

use super::field::{Immutable, Rule};

/// The rule that keeps `what` (`self`, or `self.name` in a rule of the parent) as it was.
pub(super) fn by_rule(rules: &[Rule], what: &str) -> Option<Immutable> {
    let old = what.replacen("self", "oldSelf", 1);
    rules
        .iter()
        .find(|rule| {
            let text: String = rule.rule.chars().filter(|c| !c.is_whitespace()).collect();
            text == format!("{what}=={old}") || text == format!("{old}=={what}")
        })
        .map(|rule| Immutable::Rule(rule.rule.clone()))
}

/// The sentence that says so. Built-in kinds say it nowhere else; the forms are those that their
/// descriptions use, and a sentence with a condition ("if set to true, ...") does not count.
pub(super) fn by_description(description: &str) -> Option<Immutable> {
    static SAYS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"(?ix) \b (is | are | be | and | remains) \s immutable \b
            | ^ immutable \.? $
            | ^ ((this|it|the|once\s(it\sis\s)?set,?) \s)? ((field|list|value|it) \s)?
                (can\s?not|may\snot|must\snot) \s be \s (updated|changed|modified) \b
            | \b it \s cannot \s be \s modified \s by \s updating \b",
        )
        .expect("a constant expression")
    });
    static CONDITION: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)\b(if|while|by users)\b").expect("a constant expression")
    });
    if !description.contains("mmutable") && !description.contains("not be ") {
        return None;
    }
    sentences(description)
        .find(|s| SAYS.is_match(s) && !CONDITION.is_match(s))
        .map(|s| Immutable::Description(s.split_whitespace().collect::<Vec<_>>().join(" ")))
}

fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(". ")
        .flat_map(|part| part.split("\n\n"))
        .map(str::trim)
        .filter(|s| !s.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Vec<Rule> {
        vec![Rule {
            rule: text.into(),
            ..Rule::default()
        }]
    }

    #[test]
    fn rules_that_compare_with_the_old_value() {
        assert!(by_rule(&rule("self == oldSelf"), "self").is_some());
        assert!(by_rule(&rule("oldSelf==self"), "self").is_some());
        assert!(by_rule(&rule("self.name == oldSelf.name"), "self.name").is_some());
        assert!(by_rule(&rule("self >= oldSelf"), "self").is_none());
        assert!(by_rule(&rule("self.name == oldSelf.name || self.x"), "self.name").is_none());
    }

    #[test]
    fn sentences_that_say_so() {
        let said = |text| match by_description(text) {
            Some(Immutable::Description(sentence)) => sentence,
            _ => String::new(),
        };
        assert_eq!(
            said("The list. Cannot be updated. More info: x"),
            "Cannot be updated."
        );
        assert_eq!(
            said("A name.\n\nThis field is immutable."),
            "This field is immutable."
        );
        assert_eq!(
            said("Once set, it can not be changed. It"),
            "Once set, it can not be changed."
        );
        assert_eq!(
            said("It must be a label, and is immutable."),
            "It must be a label, and is immutable."
        );
        assert_eq!(
            said("This field was immutable in Kubernetes < 1.29 and now is mutable."),
            ""
        );
        assert_eq!(
            said("Immutable, if set to true, ensures that data cannot be updated"),
            ""
        );
        assert_eq!(
            said("Other fields are derived and cannot be modified by users."),
            ""
        );
        assert_eq!(
            said("The claim cannot be modified due to a missing class."),
            ""
        );
    }
}
