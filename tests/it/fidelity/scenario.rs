//! Scenario files: requests in order, in the form of `.http` files that editors know.
//!
//! ```text
//! # What the scenario shows, in a sentence.
//!
//! ### a step
//! # @capture version = .metadata.resourceVersion
//! POST /api/v1/namespaces/{ns}/configmaps?fieldManager=a
//! Content-Type: application/json
//!
//! {metadata: {name: a}, data: {k: v}}
//! ```
//!
//! `tests/fidelity/README.md` describes the form for those who write scenarios.

use std::fs;
use std::path::{Path, PathBuf};

use super::condition::Condition;
use super::path::JsonPath;

/// One file.
#[derive(Debug)]
pub(super) struct Scenario {
    /// The folder and the file's name without its ending, such as `verbs/create-twice`.
    pub(super) name: String,
    /// What it shows.
    pub(super) sentence: String,
    /// Its requests, in order.
    pub(super) steps: Vec<Step>,
    /// The file as it is.
    pub(super) text: String,
}

/// One request of a scenario, and what is done with its answer.
#[derive(Debug)]
pub(super) struct Step {
    /// What follows `###`.
    pub(super) title: String,
    pub(super) action: Action,
    /// Headers as written; `Authorization: none` leaves the token out.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
    /// The body goes out as it is written, though it could be YAML for JSON.
    pub(super) raw: bool,
    /// The answer is not compared; it must be a success.
    pub(super) setup: bool,
    /// How often it is sent, with `{n}` counting from 1.
    pub(super) repeat: usize,
    /// The request is repeated until this holds; the last answer is the one compared.
    pub(super) until: Option<Condition>,
    pub(super) captures: Vec<Capture>,
    /// Where there are any, only these parts of the body are compared.
    pub(super) show: Vec<JsonPath>,
    /// Parts of the body that are not compared.
    pub(super) hide: Vec<JsonPath>,
    /// The first lines of a text that are compared.
    pub(super) head: Option<usize>,
    pub(super) differs: Vec<Differs>,
    /// The sandbox answers 501 here, for this reason; what follows is not sent to it.
    pub(super) refused: Option<String>,
}

/// What a step does.
#[derive(Debug, PartialEq)]
pub(super) enum Action {
    /// A request, and its whole answer.
    Send { method: String, target: String },
    /// A watch is opened under a name; its answer's head is compared.
    Watch { name: String, target: String },
    /// Events of an open watch are collected.
    Events { name: String, until: Until },
}

/// When enough events are collected.
#[derive(Debug, PartialEq)]
pub(super) enum Until {
    Count(usize),
    /// The first event of this type has come.
    Type(String),
    /// The server has ended the watch.
    Close,
}

/// A value kept for later steps.
#[derive(Debug)]
pub(super) struct Capture {
    pub(super) name: String,
    pub(super) from: From,
}

#[derive(Debug)]
pub(super) enum From {
    Body(JsonPath),
    Header(String),
}

/// A known difference of the sandbox from what is recorded.
#[derive(Debug)]
pub(super) struct Differs {
    /// `status`, `header NAME`, or a path into the body: all differences there and below.
    pub(super) at: String,
    pub(super) why: String,
}

impl Scenario {
    /// Reads a file below `root`.
    ///
    /// # Panics
    ///
    /// When it is not in the form of a scenario: that is a failure of the test.
    pub(super) fn read(root: &Path, file: &Path) -> Scenario {
        let text = fs::read_to_string(file).unwrap();
        let inside = file.strip_prefix(root).unwrap().with_extension("");
        let name = inside.to_str().unwrap().replace('\\', "/");
        parse(name.clone(), text).unwrap_or_else(|problem| panic!("{name}: {problem}"))
    }

    /// The folder.
    pub(super) fn area(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }

    /// Where its recording is.
    pub(super) fn recording(&self, root: &Path) -> PathBuf {
        root.join(format!("{}.answers", self.name))
    }
}

/// All scenarios of a folder of `root`, by name.
pub(super) fn of_area(root: &Path, area: &str) -> Vec<Scenario> {
    let mut files: Vec<PathBuf> = fs::read_dir(root.join(area))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "http"))
        .collect();
    files.sort();
    files
        .iter()
        .map(|file| Scenario::read(root, file))
        .collect()
}

fn parse(name: String, text: String) -> Result<Scenario, String> {
    let mut parts = text.split("\n### ");
    let head = parts.next().unwrap_or_default();
    let sentence: Vec<&str> = head
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .collect();
    if sentence.is_empty() {
        return Err("it begins with a comment: the sentence that says what it shows".into());
    }
    let steps = parts.map(step).collect::<Result<Vec<Step>, String>>()?;
    if steps.is_empty() {
        return Err("it has no step (### TITLE)".into());
    }
    let mut titles: Vec<&str> = steps.iter().map(|step| step.title.as_str()).collect();
    titles.sort_unstable();
    if let Some(twice) = titles.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("two steps are called {:?}", twice[0]));
    }
    Ok(Scenario {
        sentence: sentence.join(" "),
        name,
        steps,
        text,
    })
}

fn step(part: &str) -> Result<Step, String> {
    let (title, rest) = part.split_once('\n').ok_or("a step has no request")?;
    let in_step = |problem: String| format!("### {title}: {problem}");
    let mut step = Step {
        title: title.trim().to_owned(),
        action: Action::Events {
            name: String::new(),
            until: Until::Close,
        },
        headers: Vec::new(),
        body: String::new(),
        raw: false,
        setup: false,
        repeat: 1,
        until: None,
        captures: Vec::new(),
        show: Vec::new(),
        hide: Vec::new(),
        head: None,
        differs: Vec::new(),
        refused: None,
    };
    let mut rest = rest;
    let request = loop {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        rest = after;
        if let Some(directive) = line.strip_prefix("# @") {
            step.direct(directive).map_err(in_step)?;
        } else if !line.is_empty() && !line.starts_with('#') {
            break line;
        } else if rest.is_empty() {
            return Err(in_step("no request".into()));
        }
    };
    step.action = action(request).map_err(in_step)?;
    loop {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        rest = after;
        if line.is_empty() {
            break;
        }
        let (name, value) = line
            .split_once(": ")
            .ok_or_else(|| in_step(format!("{line:?} is no header")))?;
        step.headers.push((name.to_owned(), value.to_owned()));
    }
    step.body = rest.trim_end_matches('\n').to_owned();
    Ok(step)
}

fn action(request: &str) -> Result<Action, String> {
    let unclear = || {
        format!(
            "{request:?} is neither METHOD /path nor WATCH NAME /path nor EVENTS NAME N|TYPE|close"
        )
    };
    let (method, rest) = request.split_once(' ').ok_or_else(unclear)?;
    let name_and = || rest.split_once(' ').ok_or_else(unclear);
    Ok(match method {
        "WATCH" => {
            let (name, target) = name_and()?;
            Action::Watch {
                name: name.to_owned(),
                target: target.to_owned(),
            }
        }
        "EVENTS" => {
            let (name, until) = name_and()?;
            let until = match until {
                "close" => Until::Close,
                number if number.starts_with(|c: char| c.is_ascii_digit()) => {
                    Until::Count(number.parse().map_err(|_| unclear())?)
                }
                word => Until::Type(word.to_owned()),
            };
            Action::Events {
                name: name.to_owned(),
                until,
            }
        }
        _ => Action::Send {
            method: method.to_owned(),
            target: rest.to_owned(),
        },
    })
}

impl Step {
    fn direct(&mut self, directive: &str) -> Result<(), String> {
        let (word, rest) = directive.split_once(' ').unwrap_or((directive, ""));
        match word {
            "raw" => self.raw = true,
            "setup" => self.setup = true,
            "repeat" => self.repeat = rest.parse().map_err(|_| "repeat what?")?,
            "until" => self.until = Some(rest.parse()?),
            "show" => self.show.extend(paths(rest)?),
            "hide" => self.hide.extend(paths(rest)?),
            "head" => self.head = Some(rest.parse().map_err(|_| "head of how many lines?")?),
            "capture" => {
                let (name, from) = rest.split_once(" = ").ok_or("capture NAME = WHAT")?;
                self.captures.push(Capture {
                    name: name.to_owned(),
                    from: match from.strip_prefix("header ") {
                        Some(header) => From::Header(header.to_ascii_lowercase()),
                        None => From::Body(from.parse()?),
                    },
                });
            }
            "differs" => {
                let (at, why) = rest.split_once(": ").ok_or("differs WHERE: WHY")?;
                self.differs.push(Differs {
                    at: at.to_owned(),
                    why: why.to_owned(),
                });
            }
            "refused" if !rest.is_empty() => self.refused = Some(rest.to_owned()),
            _ => return Err(format!("@{directive} is not known")),
        }
        Ok(())
    }
}

fn paths(list: &str) -> Result<Vec<JsonPath>, String> {
    list.split(", ").map(str::parse).collect()
}

/// A scenario from a text.
#[cfg(test)]
pub(super) fn parse_for_tests(text: &str) -> Scenario {
    parse("area/name".into(), text.into()).unwrap()
}

#[cfg(test)]
mod tests {
    use super::{Action, Until, parse};

    #[test]
    fn a_scenario_is_read() {
        let text = "# It shows\n# that.\n\n### first\n# why\n# @capture v = .metadata.resourceVersion\n\
                    # @hide .a, .b\nPOST /x?y=1\nAccept: */*\n\n{a: 1}\n\n### then\nEVENTS w 3\n";
        let read = parse("a/b".into(), text.into()).unwrap();
        assert_eq!(read.sentence, "It shows that.");
        assert_eq!(read.area(), "a");
        let [first, then] = read.steps.try_into().unwrap();
        assert_eq!(first.title, "first");
        assert_eq!(first.headers, [("Accept".into(), "*/*".into())]);
        assert_eq!((first.body.as_str(), first.hide.len()), ("{a: 1}", 2));
        assert_eq!(
            then.action,
            Action::Events {
                name: "w".into(),
                until: Until::Count(3)
            }
        );
    }

    #[test]
    fn what_is_no_scenario_is_named() {
        for (text, problem) in [
            ("### a\nGET /\n", "it begins with a comment"),
            ("# s\n", "no step"),
            ("# s\n\n### a\n# only words\n", "### a: no request"),
            ("# s\n\n### a\nGET\n", "is neither METHOD"),
            ("# s\n\n### a\nGET /\nAccept\n", "\"Accept\" is no header"),
            (
                "# s\n\n### a\n# @hidden .x\nGET /\n",
                "@hidden .x is not known",
            ),
            (
                "# s\n\n### a\nGET /\n\n### a\nGET /\n",
                "two steps are called \"a\"",
            ),
        ] {
            let error = parse("a/b".into(), text.into()).unwrap_err();
            assert!(error.contains(problem), "{text:?}: {error}");
        }
    }
}
