//! Sends a scenario's requests to a server, in order, and keeps the answers as they came.

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::answer::{Answer, Body};
use super::body;
use super::http::{Client, Request, Server, Watch};
use super::path::JsonPath;
use super::scenario::{Action, From, Scenario, Step, Until};

/// How long the server may take for what it does in the background.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a watch may take for the events that a step collects.
const EVENTS: Duration = Duration::from_secs(30);

/// Between two requests of a step that is repeated until its condition holds.
const PAUSE: Duration = Duration::from_millis(50);

/// A scenario as one server answered it.
pub(super) struct Replayed {
    /// What `{ns}` stood for.
    pub(super) id: String,
    /// An answer for each step, as many as were sent.
    pub(super) answers: Vec<Answer>,
}

/// Replays the scenario; stops after the step that `refused` says is the last.
///
/// # Errors
///
/// What kept the scenario from going on, with the step's title.
pub(super) fn replay(
    scenario: &Scenario,
    server: &Server,
    furnished: bool,
    stop: impl Fn(&Step) -> bool,
) -> Result<Replayed, String> {
    let id = unique();
    let mut run = Run {
        id: id.clone(),
        client: Client::new(server.clone()),
        variables: HashMap::new(),
        watches: HashMap::new(),
        created: Vec::new(),
    };
    run.variables.insert("ns".into(), id.clone());
    let with_namespace = scenario.text.contains("/namespaces/{ns}");
    if with_namespace {
        run.namespace(&id, furnished)?;
    }
    let mut answers = Vec::new();
    let mut outcome = Ok(());
    for step in &scenario.steps {
        match run.step(step) {
            Ok(answer) => answers.push(answer),
            Err(problem) => {
                outcome = Err(format!("### {}: {problem}", step.title));
                break;
            }
        }
        if stop(step) {
            break;
        }
    }
    run.clean();
    outcome.map(|()| Replayed { id, answers })
}

/// What the runner of one scenario holds.
struct Run {
    /// What `{ns}` stands for.
    id: String,
    client: Client,
    variables: HashMap<String, String>,
    watches: HashMap<String, Watch>,
    /// Paths of objects that the scenario has created and that are not left behind.
    created: Vec<String>,
}

impl Run {
    /// The scenario's namespace, with what a server puts into each.
    fn namespace(&mut self, id: &str, furnished: bool) -> Result<(), String> {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": id}});
        let answer = self.request("POST", "/api/v1/namespaces", &namespace)?;
        if answer.status != 201 {
            return Err(format!("cannot make a namespace: {:?}", answer.body));
        }
        if furnished {
            for thing in ["configmaps/kube-root-ca.crt", "serviceaccounts/default"] {
                let target = format!("/api/v1/namespaces/{id}/{thing}");
                let until = Instant::now() + PATIENCE;
                while self.request("GET", &target, &Value::Null)?.status != 200 {
                    if Instant::now() > until {
                        return Err(format!("the namespace stays without {thing}"));
                    }
                    thread::sleep(PAUSE);
                }
            }
        }
        Ok(())
    }

    fn request(&mut self, method: &str, target: &str, body: &Value) -> Result<Answer, String> {
        let request = Request {
            method: method.into(),
            target: target.into(),
            headers: vec![("Content-Type".into(), "application/json".into())],
            body: match body {
                Value::Null => Vec::new(),
                body => body.to_string().into_bytes(),
            },
        };
        self.client
            .send(&request)
            .map_err(|e| format!("{method} {target}: {e}"))
    }

    fn step(&mut self, step: &Step) -> Result<Answer, String> {
        let mut answer = None;
        for n in 1..=step.repeat {
            self.variables.insert("n".into(), n.to_string());
            answer = Some(self.once(step)?);
        }
        let answer = answer.ok_or("it is repeated 0 times")?;
        if step.setup && !(200..300).contains(&answer.status) {
            return Err(format!(
                "set-up failed: {} {:?}",
                answer.status, answer.body
            ));
        }
        for capture in &step.captures {
            let value = match &capture.from {
                From::Header(name) => answer.header(name).map(str::to_owned),
                From::Body(path) => captured(&answer, path),
            };
            let value = value.ok_or_else(|| {
                let Answer { status, body, .. } = &answer;
                format!("nothing to capture as {}: {status} {body:?}", capture.name)
            })?;
            self.variables.insert(capture.name.clone(), value);
        }
        Ok(answer)
    }

    fn once(&mut self, step: &Step) -> Result<Answer, String> {
        match &step.action {
            Action::Send { method, target } => {
                let request = self.prepare(step, method, target)?;
                let until = Instant::now() + PATIENCE;
                loop {
                    let answer = match self.client.send(&request) {
                        Ok(answer) => answer,
                        Err(error) => return Err(format!("no answer: {error}")),
                    };
                    self.remember(&request, &answer);
                    let condition = step.until.as_ref();
                    let holds = condition.is_none_or(|until| until.holds(&answer, &self.id));
                    if holds {
                        return Ok(answer);
                    }
                    if Instant::now() > until {
                        let Answer { status, body, .. } = &answer;
                        return Err(format!("it is not so after a minute: {status} {body:?}"));
                    }
                    thread::sleep(PAUSE);
                }
            }
            Action::Watch { name, target } => {
                let request = self.prepare(step, "GET", target)?;
                let (answer, watch) = self.client.watch(&request).map_err(|e| e.to_string())?;
                if let Some(watch) = watch {
                    self.watches.insert(name.clone(), watch);
                }
                Ok(answer)
            }
            Action::Events { name, until } => {
                let watch = self
                    .watches
                    .get_mut(name)
                    .ok_or_else(|| format!("no watch {name} is open"))?;
                collect(watch, until)
            }
        }
    }

    fn prepare(&self, step: &Step, method: &str, target: &str) -> Result<Request, String> {
        let mut headers: Vec<(String, String)> = step
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), body::fill(value, &self.variables)))
            .collect();
        let has_type = |(name, _): &(String, String)| name.eq_ignore_ascii_case("Content-Type");
        let media = headers
            .iter()
            .find(|header| has_type(header))
            .map(|(_, value)| &**value);
        let body = body::bytes(&step.body, &self.variables, media, step.raw)?;
        if media.is_none() && !body.is_empty() {
            headers.push(("Content-Type".into(), "application/json".into()));
        }
        Ok(Request {
            method: method.to_owned(),
            target: body::fill(target, &self.variables),
            headers,
            body,
        })
    }

    /// Keeps the paths of created objects that others could see, or that make pods, which take
    /// places on nodes.
    fn remember(&mut self, request: &Request, answer: &Answer) {
        let target = request.target.split('?').next().unwrap_or_default();
        let makes_pods = [
            "/apis/apps/",
            "/apis/batch/",
            "/pods",
            "/replicationcontrollers",
        ];
        if answer.status != 201
            || target.contains("/namespaces/") && !makes_pods.iter().any(|m| target.contains(m))
        {
            return;
        }
        let Body::Json(object) = &answer.body else {
            return;
        };
        match (&*request.method, object["metadata"]["name"].as_str()) {
            ("POST", Some(name)) => self.created.push(format!("{target}/{name}")),
            ("PATCH" | "PUT", Some(_)) => self.created.push(target.to_owned()),
            _ => {}
        }
    }

    /// Takes away what the scenario has made; what refuses to go stays. So does the namespace: a
    /// real server needs seconds for each, and those whose life is looked at would wait in line.
    fn clean(&mut self) {
        for target in std::mem::take(&mut self.created).into_iter().rev() {
            let target = format!("{target}?propagationPolicy=Background");
            let _ = self.request("DELETE", &target, &Value::Null);
        }
    }
}

fn captured(answer: &Answer, path: &JsonPath) -> Option<String> {
    let Body::Json(body) = &answer.body else {
        return None;
    };
    match path.one(body)? {
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn collect(watch: &mut Watch, until: &Until) -> Result<Answer, String> {
    let deadline = Instant::now() + EVENTS;
    let mut events = Vec::new();
    loop {
        if let Until::Count(count) = until
            && events.len() == *count
        {
            break;
        }
        let event = watch
            .next(deadline)
            .map_err(|error| format!("{error}, after these events: {}", json!(events)))?;
        let Some(event) = event else {
            if *until == Until::Close {
                break;
            }
            return Err(format!(
                "the watch ended after these events: {}",
                json!(events)
            ));
        };
        // When bookmarks come is the server's affair.
        if matches!(until, Until::Count(_)) && event["type"] == "BOOKMARK" {
            continue;
        }
        let last = matches!(until, Until::Type(wanted) if event["type"] == wanted.as_str());
        events.push(event);
        if last {
            break;
        }
    }
    Ok(Answer {
        status: 0,
        headers: Vec::new(),
        body: Body::Json(Value::Array(events)),
    })
}

/// A name that no other scenario, run or client has, and that can name anything: `f`, then eight
/// letters and digits.
pub(super) fn unique() -> String {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).unwrap();
    let letters = b"abcdefghijklmnopqrstuvwxyz012345";
    let word = bytes.map(|byte| char::from(letters[usize::from(byte % 32)]));
    format!("f{}", word.iter().collect::<String>())
}
