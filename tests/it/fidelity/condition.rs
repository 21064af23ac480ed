//! What a repeated request waits for: `404`, `.status.phase == "Active"`, `.spec.x absent`,
//! `.items[2] exists`, several joined by `and`.

use std::str::FromStr;

use serde_json::Value;

use super::answer::{Answer, Body};
use super::path::JsonPath;

/// What must hold of an answer, all of it.
#[derive(Debug)]
pub(super) struct Condition(Vec<Test>);

#[derive(Debug)]
enum Test {
    Status(u16),
    Is(JsonPath, Value),
    IsNot(JsonPath, Value),
    Exists(JsonPath),
    Absent(JsonPath),
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let tests = text.split(" and ").map(test).collect::<Result<_, _>>()?;
        Ok(Condition(tests))
    }
}

fn test(text: &str) -> Result<Test, String> {
    let text = text.trim();
    if let Ok(status) = text.parse() {
        return Ok(Test::Status(status));
    }
    if let Some(path) = text.strip_suffix(" exists") {
        return Ok(Test::Exists(path.parse()?));
    }
    if let Some(path) = text.strip_suffix(" absent") {
        return Ok(Test::Absent(path.parse()?));
    }
    let json = |text: &str| serde_json::from_str(text).map_err(|e| format!("{text:?}: {e}"));
    if let Some((path, value)) = text.split_once(" == ") {
        return Ok(Test::Is(path.parse()?, json(value)?));
    }
    if let Some((path, value)) = text.split_once(" != ") {
        return Ok(Test::IsNot(path.parse()?, json(value)?));
    }
    Err(format!("{text:?} is no condition"))
}

impl Condition {
    /// Whether it holds, in the scenario's namespace; a body that is not JSON has nothing anywhere.
    pub(super) fn holds(&self, answer: &Answer, namespace: &str) -> bool {
        let nothing = Value::Null;
        let body = match &answer.body {
            Body::Json(body) => body,
            _ => &nothing,
        };
        let at = |path: &JsonPath| {
            path.within(namespace)
                .one(body)
                .cloned()
                .unwrap_or(Value::Null)
        };
        self.0.iter().all(|test| match test {
            Test::Status(status) => answer.status == *status,
            Test::Is(path, value) => at(path) == *value,
            Test::IsNot(path, value) => at(path) != *value,
            Test::Exists(path) => path.within(namespace).one(body).is_some(),
            Test::Absent(path) => path.within(namespace).one(body).is_none(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Condition;
    use crate::fidelity::answer::{Answer, Body};

    #[test]
    fn conditions_hold_or_not() {
        let answer = Answer {
            status: 200,
            headers: Vec::new(),
            body: Body::Json(json!({"a": {"b": 1}, "l": [1, 2]})),
        };
        for (text, holds) in [
            ("200", true),
            ("404", false),
            (".a.b == 1", true),
            (".a.b == 2", false),
            (".a.b != 2 and .l[1] exists", true),
            (".a.b == 1 and .l[2] exists", false),
            (".c absent", true),
            (".a absent", false),
        ] {
            let condition: Condition = text.parse().unwrap();
            assert_eq!(condition.holds(&answer, ""), holds, "{text}");
        }
        assert!(".a.b".parse::<Condition>().is_err());
        assert!(".a == b".parse::<Condition>().is_err());
    }
}
