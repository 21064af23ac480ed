//! Recordings: the normalised answers of the real server beside the scenario, for people to read
//! and for programs to compare.
//!
//! ```text
//! ### the step's title
//! 201
//! content-type: application/json
//!
//! {"kind": "ConfigMap", ...}
//! ```

use serde_json::Value;

use super::answer::{Answer, Body};

/// Objects and arrays up to this wide stay on one line.
const WIDTH: usize = 110;

/// A step's title and its answer.
pub(super) type Recorded = (String, Answer);

/// The text of a recording.
pub(super) fn write(answers: &[Recorded]) -> String {
    let mut text = String::new();
    for (title, answer) in answers {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!("### {title}\n"));
        if answer.status != 0 {
            text.push_str(&format!("{}\n", answer.status));
        }
        for (name, value) in &answer.headers {
            text.push_str(&format!("{name}: {value}\n"));
        }
        match &answer.body {
            Body::Empty => {}
            Body::Json(body) => {
                text.push('\n');
                lay_out(body, 0, 0, &mut text);
                text.push('\n');
            }
            Body::Text(body) => {
                text.push('\n');
                for line in body.lines() {
                    // Told apart from what begins a step, and from JSON.
                    text.push_str(&format!("| {line}\n"));
                }
            }
            Body::Bytes(_) => text.push_str("\n<bytes>\n"),
        }
    }
    text
}

/// Reads a recording; `None` where it is damaged.
pub(super) fn read(text: &str) -> Option<Vec<Recorded>> {
    let text = text.strip_prefix("### ")?;
    text.split("\n### ").map(read_step).collect()
}

fn read_step(part: &str) -> Option<Recorded> {
    let (title, rest) = part.split_once('\n').unwrap_or((part, ""));
    let (head, body) = match rest.strip_prefix('\n') {
        Some(body) => ("", body),
        None => rest.split_once("\n\n").unwrap_or((rest, "")),
    };
    let mut lines = head.lines().filter(|line| !line.is_empty());
    let status = match lines.next() {
        Some(status) => status.parse().ok()?,
        None => 0,
    };
    let headers = lines
        .map(|line| {
            let (name, value) = line
                .split_once(": ")
                .unwrap_or((line.trim_end_matches(':'), ""));
            (name.to_owned(), value.to_owned())
        })
        .collect();
    let body = body.trim_end();
    let body = match body {
        "" => Body::Empty,
        "<bytes>" => Body::Bytes(0),
        text if text.starts_with('|') => {
            let lines: Option<Vec<&str>> = text
                .lines()
                .map(|line| line.strip_prefix("| ").or(line.strip_prefix('|')))
                .collect();
            Body::Text(lines?.join("\n"))
        }
        json => Body::Json(serde_json::from_str(json).ok()?),
    };
    Some((
        title.to_owned(),
        Answer {
            status,
            headers,
            body,
        },
    ))
}

/// JSON with one field a line, but short objects and arrays on one line.
fn lay_out(value: &Value, indent: usize, used: usize, text: &mut String) {
    let line = one_line(value);
    let is_empty = match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => true,
    };
    if is_empty || indent + used + line.len() <= WIDTH {
        text.push_str(&line);
        return;
    }
    let inner = indent + 2;
    let mut first = true;
    let mut next = |text: &mut String, open: char| {
        text.push(if first { open } else { ',' });
        first = false;
        text.push('\n');
        text.extend(std::iter::repeat_n(' ', inner));
    };
    match value {
        Value::Array(items) => {
            for item in items {
                next(text, '[');
                lay_out(item, inner, 1, text);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                next(text, '{');
                let name = format!("{}: ", Value::from(name.as_str()));
                text.push_str(&name);
                match field {
                    // Long, the same everywhere, and best read as a whole.
                    Value::Array(entries) if name.starts_with("\"managedFields\"") => {
                        let entries: Vec<String> = entries.iter().map(one_line).collect();
                        let space = " ".repeat(inner);
                        let between = format!(",\n{space}  ");
                        text.push_str(&format!("[\n{space}  {}\n{space}]", entries.join(&between)));
                    }
                    field => lay_out(field, inner, name.len() + 1, text),
                }
            }
        }
        _ => {}
    }
    text.push('\n');
    text.extend(std::iter::repeat_n(' ', indent));
    text.push(if value.is_array() { ']' } else { '}' });
}

fn one_line(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(one_line).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, field)| format!("{}: {}", Value::from(name.as_str()), one_line(field)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{read, write};
    use crate::fidelity::answer::{Answer, Body};

    #[test]
    fn what_is_written_is_read() {
        let answer = |status, headers: &[(&str, &str)], body| Answer {
            status,
            headers: headers
                .iter()
                .map(|(n, v)| ((*n).into(), (*v).into()))
                .collect(),
            body,
        };
        let long = "x".repeat(100);
        let answers = vec![
            (
                "json".into(),
                answer(
                    200,
                    &[("a", "b: c"), ("d", "")],
                    Body::Json(json!({"a": [1, {"b": long}], "c": {}})),
                ),
            ),
            (
                "text".into(),
                answer(400, &[("a", "b")], Body::Text("### no\n\n  step".into())),
            ),
            ("none".into(), answer(304, &[], Body::Empty)),
            ("bytes".into(), answer(200, &[("a", "b")], Body::Bytes(0))),
            ("events".into(), answer(0, &[], Body::Json(json!([])))),
            ("number".into(), answer(200, &[], Body::Json(json!(7)))),
        ];
        assert_eq!(read(&write(&answers)).unwrap(), answers);
        assert_eq!(read("damaged"), None);
        assert_eq!(read("### a\n200\n\n{\"a\": "), None);
    }
}
