//! A recording beside another server's answers: where they differ, and whether that is known.

use serde_json::Value;

use super::answer::{Answer, Body};
use super::recording::{self, Recorded};
use super::scenario::{Scenario, Step};

/// One place where an answer is not the recorded one.
#[derive(Debug, PartialEq)]
struct Difference {
    /// `status`, `header NAME`, or a path into the body.
    at: String,
    recorded: String,
    answered: String,
}

/// What is to be said of a scenario's answers; empty when they are as recorded, but for the
/// differences that the scenario names.
pub(super) fn problems(
    scenario: &Scenario,
    recorded: &[Recorded],
    answered: &[(&Step, Answer)],
    with_known: bool,
) -> Vec<String> {
    let mut problems = Vec::new();
    for (step, answer) in answered {
        let title = &step.title;
        let Some((_, recorded)) = recorded.iter().find(|(name, _)| name == title) else {
            problems.push(format!("### {title}\n  is not recorded"));
            continue;
        };
        let known: &[_] = if with_known { &step.differs } else { &[] };
        let mut found = Vec::new();
        if with_known && let Some(why) = &step.refused {
            if answer.status != 501 {
                let status = answer.status;
                found.push(format!(
                    "  is to be refused ({why}) and was answered: {status}"
                ));
            }
        } else {
            let differences = differences(recorded, answer);
            for known in known {
                if !differences.iter().any(|d| is_below(&d.at, &known.at)) {
                    found.push(format!(
                        "  no longer differs at {}: {}",
                        known.at, known.why
                    ));
                }
            }
            found.extend(
                differences
                    .iter()
                    .filter(|d| !known.iter().any(|known| is_below(&d.at, &known.at)))
                    .map(|d| format!("  {}\n    - {}\n    + {}", d.at, d.recorded, d.answered)),
            );
        }
        if !found.is_empty() {
            problems.push(format!("### {title}\n{}", found.join("\n")));
        }
    }
    let is_step = |title: &str| {
        scenario
            .steps
            .iter()
            .any(|step| step.title == title && !step.setup)
    };
    problems.extend(
        recorded
            .iter()
            .filter(|(title, _)| !is_step(title))
            .map(|(title, _)| format!("### {title}\n  is recorded and no longer a step")),
    );
    problems
}

fn is_below(at: &str, above: &str) -> bool {
    at.strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || above == "." || rest.starts_with(['.', '[']))
}

fn differences(recorded: &Answer, answered: &Answer) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut differ = |at: String, recorded: String, answered: String| {
        if recorded != answered {
            found.push(Difference {
                at,
                recorded,
                answered,
            });
        }
    };
    differ(
        "status".into(),
        recorded.status.to_string(),
        answered.status.to_string(),
    );
    let mut names: Vec<&str> = recorded
        .headers
        .iter()
        .chain(&answered.headers)
        .map(|(name, _)| name.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        differ(
            format!("header {name}"),
            all(recorded, name),
            all(answered, name),
        );
    }
    match (&recorded.body, &answered.body) {
        (Body::Json(recorded), Body::Json(answered)) => {
            json(".", Some(recorded), Some(answered), &mut found);
        }
        (recorded, answered) => differ(".".into(), text(recorded), text(answered)),
    }
    found
}

fn all(answer: &Answer, name: &str) -> String {
    let values = answer.headers.iter().filter(|(header, _)| header == name);
    let values: Vec<&str> = values.map(|(_, value)| value.as_str()).collect();
    match values.is_empty() {
        true => "nothing".into(),
        false => values.join(" | "),
    }
}

/// A body as it is recorded.
fn text(body: &Body) -> String {
    let answer = Answer {
        status: 0,
        headers: Vec::new(),
        body: body.clone(),
    };
    let text = recording::write(&[(String::new(), answer)]);
    text.trim_start_matches("### ").trim().to_owned()
}

fn json(at: &str, recorded: Option<&Value>, answered: Option<&Value>, found: &mut Vec<Difference>) {
    let below = |rest: String| format!("{}{rest}", at.trim_end_matches('.'));
    match (recorded, answered) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            for (name, field) in a {
                json(&below(key(name)), Some(field), b.get(name), found);
            }
            for (name, field) in b.iter().filter(|(name, _)| !a.contains_key(*name)) {
                json(&below(key(name)), None, Some(field), found);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            for index in 0..a.len().max(b.len()) {
                json(
                    &below(format!("[{index}]")),
                    a.get(index),
                    b.get(index),
                    found,
                );
            }
        }
        (recorded, answered) if recorded != answered => {
            let word = |value: Option<&Value>| value.map_or("nothing".into(), Value::to_string);
            found.push(Difference {
                at: at.to_owned(),
                recorded: word(recorded),
                answered: word(answered),
            });
        }
        _ => {}
    }
}

fn key(name: &str) -> String {
    match name.contains(['.', '[', '/', ' ']) {
        true => format!("[{name:?}]"),
        false => format!(".{name}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::problems;
    use crate::fidelity::answer::{Answer, Body};
    use crate::fidelity::scenario::parse_for_tests;

    fn compared(directives: &str, recorded: Answer, answered: Answer) -> Vec<String> {
        let scenario = parse_for_tests(&format!("# s\n\n### a\n{directives}GET /\n"));
        let answered = [(&scenario.steps[0], answered)];
        problems(&scenario, &[("a".into(), recorded)], &answered, true)
    }

    fn answer(status: u16, body: Value) -> Answer {
        Answer {
            status,
            headers: vec![("content-type".into(), "application/json".into())],
            body: Body::Json(body),
        }
    }

    #[test]
    fn every_difference_is_told() {
        let told = compared(
            "",
            answer(200, json!({"a": {"b": [1, 2]}, "c": 1})),
            answer(201, json!({"a": {"b": [1, 3, 4]}, "d.e": 1})),
        );
        assert_eq!(
            told,
            [
                "### a\n  status\n    - 200\n    + 201\n  .a.b[1]\n    - 2\n    + 3\n  .a.b[2]\n    - nothing\n    + 4\n  .c\n    - 1\n    + nothing\n  [\"d.e\"]\n    - nothing\n    + 1"
            ]
        );
        assert!(compared("", answer(200, json!(1)), answer(200, json!(1))).is_empty());
    }

    #[test]
    fn a_known_difference_is_one_that_is_there() {
        let one = || answer(200, json!({"a": {"b": 1}, "ab": 1}));
        let other = || answer(200, json!({"a": {"b": 2}, "ab": 1}));
        assert!(compared("# @differs .a: because\n", one(), other()).is_empty());
        assert_eq!(
            compared("# @differs .a: because\n", one(), one()),
            ["### a\n  no longer differs at .a: because"]
        );
        let elsewhere = answer(200, json!({"a": {"b": 2}, "ab": 2}));
        assert_eq!(
            compared("# @differs .a: because\n", one(), elsewhere),
            ["### a\n  .ab\n    - 1\n    + 2"]
        );
    }

    #[test]
    fn a_refusal_is_a_501() {
        let refused = "# @refused not built\n";
        assert!(compared(refused, answer(200, json!(1)), answer(501, json!(2))).is_empty());
        assert_eq!(
            compared(refused, answer(200, json!(1)), answer(200, json!(1))),
            ["### a\n  is to be refused (not built) and was answered: 200"]
        );
    }
}
