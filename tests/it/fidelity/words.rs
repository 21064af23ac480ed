//! Words for values that differ from run to run. The same value gets the same word within a
//! scenario; what the scenario itself says stays as it is.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use regex::{Captures, Regex};
use serde_json::{Map, Value};

use super::normal::Known;

/// Times further away are no times of the run.
const A_DAY: SignedDuration = SignedDuration::from_hours(24);

macro_rules! pattern {
    ($name:ident = $pattern:literal) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($pattern).unwrap());
    };
}

pattern!(UID = r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b");
pattern!(TIME = r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})");
pattern!(ADDRESS = r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b");
pattern!(SERIAL = r"\.[0-9a-f]{16}\b");
pattern!(JWT = r"\beyJ[\w-]+\.[\w-]+\.[\w-]+");
pattern!(SUM = r"\b([0-9A-F]{128}|[0-9a-f]{128})\b");
pattern!(ETAG = r#"^"[0-9A-F]{128}"$"#);
pattern!(YAML_VERSION = r#"resourceVersion: "\d+""#);
// An object that a message quotes.
pattern!(QUOTED_VERSION = r#"(\\?"resourceVersion\\?": ?\\?")\d+"#);
// The letters and digits of Kubernetes' hashes spell nothing.
pattern!(
    REPLICA_SET = r#"(ReplicaSet \\?"[a-z0-9.-]+-)([bcdfghjklmnpqrstvwxz2456789]{6,10})(\\?")"#
);
pattern!(NUMBER = r"([ (])(\d+)([ ,.)]|$)");
pattern!(AGE = r"^(\d+[ydhms]){1,2}$");

/// The words of one scenario.
pub(super) struct Words {
    /// What the scenario says.
    said: String,
    id: String,
    known: Known,
    /// Names and hashes that were made up, and what is known of them beforehand.
    learnt: Vec<Learnt>,
    numbers: HashMap<(&'static str, String), usize>,
}

struct Learnt {
    value: String,
    before: String,
    kind: &'static str,
}

impl Words {
    pub(super) fn new(said: &str, id: &str, known: &Known) -> Self {
        Words {
            said: said.to_owned(),
            id: id.to_owned(),
            known: known.clone(),
            learnt: Vec::new(),
            numbers: HashMap::new(),
        }
    }

    /// Finds the names and hashes that a server has made up.
    pub(super) fn learn(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.learn(item)),
            Value::Object(fields) => {
                let text = |name: &str| fields.get(name).and_then(Value::as_str);
                if let (Some(before), Some(name)) = (text("generateName"), text("name"))
                    && name.starts_with(before)
                    && name.len() == before.len() + 5
                {
                    self.made_up(name, before, "random");
                }
                for label in ["pod-template-hash", "controller-revision-hash"] {
                    if let Some(hash) = text(label) {
                        let hash = hash.rsplit('-').next().unwrap_or(hash);
                        self.made_up(hash, "", "hash");
                    }
                }
                fields.values().for_each(|field| self.learn(field));
            }
            _ => {}
        }
    }

    pub(super) fn made_up(&mut self, value: &str, before: &str, kind: &'static str) {
        let is_new = !self.learnt.iter().any(|learnt| learnt.value == value);
        if value.len() >= 5 && !self.said.contains(value) && is_new {
            self.learnt.push(Learnt {
                value: value.to_owned(),
                before: before.to_owned(),
                kind,
            });
            // A name contains a hash: longer values first.
            self.learnt
                .sort_by_key(|learnt| std::cmp::Reverse(learnt.value.len()));
        }
    }

    /// Replaces what differs in all of a JSON value.
    pub(super) fn json(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.json(item)),
            Value::Object(fields) => {
                let mut replaced = Map::new();
                for (name, mut field) in std::mem::take(fields) {
                    self.field(&name, &mut field);
                    replaced.insert(self.text(&name), field);
                }
                *fields = replaced;
            }
            _ => {}
        }
    }

    fn field(&mut self, name: &str, value: &mut Value) {
        match (name, &mut *value) {
            ("nodePort" | "healthCheckNodePort", Value::Number(port)) => {
                let port = port.to_string();
                if !self.said.contains(&port) {
                    *value = self.numbered("port", &port).into();
                }
            }
            _ => self.json(value),
        }
    }

    /// Replaces what differs in a text.
    pub(super) fn text(&mut self, text: &str) -> String {
        let mut text = text.replace(&self.id, "{ns}");
        let learnt = std::mem::take(&mut self.learnt);
        for Learnt {
            value,
            before,
            kind,
        } in &learnt
        {
            if text.contains(value) {
                let word = format!("{before}{}", self.numbered(kind, value));
                text = text.replace(value, &word);
            }
        }
        self.learnt = learnt;
        if !self.known.host.is_empty() {
            text = text.replace(&self.known.host, "<host>");
            if let Some(port) = self.known.host.rfind(':') {
                text = text.replace(&self.known.host[port..], ":<port>");
            }
        }
        for node in &self.known.nodes {
            text = text.replace(node, "<node>");
        }
        text = replaced(&REPLICA_SET, text, |found| {
            let hash = self.numbered("hash", &found[2]);
            Some(format!("{}{hash}{}", &found[1], &found[3]))
        });
        text = self.each(&UID, text, "uid");
        text = self.each(&JWT, text, "token");
        text = self.each(&SUM, text, "sha512");
        text = replaced(&TIME, text, |found| time(&found[0]));
        text = self.each(&ADDRESS, text, "ip");
        text = replaced(&SERIAL, text, |_| Some(".<serial>".to_owned()));
        text = replaced(&YAML_VERSION, text, |_| {
            Some("resourceVersion: <version>".to_owned())
        });
        text = replaced(&QUOTED_VERSION, text, |found| {
            Some(format!("{}<version>", &found[1]))
        });
        let lower = text.to_ascii_lowercase();
        if text.len() < 1000
            && (lower.contains("resourceversion") || lower.contains("resource version"))
        {
            let said = &self.said;
            text = replaced(&NUMBER, text.clone(), |found| {
                let number = &found[2];
                let is_said = [format!("={number}"), format!("\"{number}\"")]
                    .iter()
                    .any(|said_so| said.contains(said_so));
                (!is_said).then(|| format!("{}<n>{}", &found[1], &found[3]))
            });
        }
        text
    }

    /// An ETag, by its shape.
    pub(super) fn etag(&mut self, value: &str) -> String {
        match ETAG.is_match(value) {
            true => self.numbered("etag", value),
            false => value.to_owned(),
        }
    }

    fn each(&mut self, pattern: &Regex, text: String, kind: &'static str) -> String {
        if !pattern.is_match(&text) {
            return text;
        }
        let replaced: Cow<str> = pattern.replace_all(&text, |found: &Captures| {
            let value = &found[0];
            match self.said.contains(value) || value == "0.0.0.0" {
                true => value.to_owned(),
                false => self.numbered(kind, value),
            }
        });
        replaced.into_owned()
    }

    fn numbered(&mut self, kind: &'static str, value: &str) -> String {
        let next = 1 + self
            .numbers
            .keys()
            .filter(|(other, _)| *other == kind)
            .count();
        let number = self.numbers.entry((kind, value.to_owned())).or_insert(next);
        format!("<{kind}-{number}>")
    }
}

fn replaced(
    pattern: &Regex,
    text: String,
    mut by: impl FnMut(&Captures) -> Option<String>,
) -> String {
    if !pattern.is_match(&text) {
        return text;
    }
    pattern
        .replace_all(&text, |found: &Captures| {
            by(found).unwrap_or_else(|| found[0].to_owned())
        })
        .into_owned()
}

/// Whether a cell of a Table is an age, such as `4m5s`.
pub(super) fn is_age(cell: &str) -> bool {
    AGE.is_match(cell)
}

/// A word for a time of the run; its form shows.
fn time(text: &str) -> Option<String> {
    let at: Timestamp = text.parse().ok()?;
    if Timestamp::now().duration_since(at).abs() > A_DAY {
        return None;
    }
    let digits = text.find('.').map_or(0, |dot| text.len() - dot - 2);
    Some(match (digits, text.ends_with('Z')) {
        (0, true) => "<time>".to_owned(),
        (6, true) => "<microtime>".to_owned(),
        (digits, _) => format!("<time with {digits} digits>"),
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::Words;
    use crate::fidelity::normal::Known;

    fn words(said: &str) -> Words {
        let known = Known {
            host: "127.0.0.1:6443".into(),
            nodes: vec!["node-0".into()],
        };
        Words::new(said, "fabcdefg", &known)
    }

    #[test]
    fn texts_lose_what_differs_and_nothing_else() {
        let now = Timestamp::now();
        let one = "0a1b2c3d-0000-4000-8000-0123456789ab";
        let two = "1a1b2c3d-0000-4000-8000-0123456789ab";
        for (text, normal) in [
            (format!("{one} {two} {one}"), "<uid-1> <uid-2> <uid-1>"),
            (
                format!("at {now:.0} or {now:.6}"),
                "at <time> or <microtime>",
            ),
            ("2020-01-01T00:00:00Z".into(), "2020-01-01T00:00:00Z"),
            ("https://127.0.0.1:6443/x".into(), "https://<host>/x"),
            (
                "10.0.0.7, 10.0.0.8, 10.9.9.9".into(),
                "<ip-1>, <ip-2>, 10.9.9.9",
            ),
            (
                "a.fabcdefg.example.com on node-0".into(),
                "a.{ns}.example.com on <node>",
            ),
            ("web.17f3a2b4c5d60718".into(), "web.<serial>"),
            (
                "ReplicaSet \"a-868fcd64f9\" has".into(),
                "ReplicaSet \"a-<hash-1>\" has",
            ),
            (
                "too old resource version: 1 (4711)".into(),
                "too old resource version: 1 (<n>)",
            ),
            ("1 of 4711".into(), "1 of 4711"),
        ] {
            let said = "GET /x?resourceVersion=1 10.9.9.9";
            assert_eq!(words(said).text(&text), normal);
        }
    }

    #[test]
    fn made_up_names_and_hashes_are_found_in_all_texts() {
        let mut words = words("");
        let mut pod = json!({
            "metadata": {
                "generateName": "web-6d4b75cb6d-", "name": "web-6d4b75cb6d-x7k2p",
                "labels": {"pod-template-hash": "6d4b75cb6d"},
            },
            "message": "web-6d4b75cb6d made web-6d4b75cb6d-x7k2p",
            "spec": {"nodePort": 31234, "port": 31234},
        });
        assert!(
            super::is_age("4m5s")
                && super::is_age("6y333d")
                && !super::is_age("<unknown>")
                && !super::is_age("web")
        );
        words.learn(&pod);
        words.json(&mut pod);
        assert_eq!(
            pod,
            json!({
                "metadata": {
                    "generateName": "web-<hash-1>-", "name": "web-<hash-1>-<random-1>",
                    "labels": {"pod-template-hash": "<hash-1>"},
                },
                "message": "web-<hash-1> made web-<hash-1>-<random-1>",
                "spec": {"nodePort": "<port-1>", "port": 31234},
            })
        );
    }
}
