//! The rules of a schema, compiled, and what objects break of them
//! (`pkg/apiserver/schema/cel/validation.go`).

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::correlate::{Correlated, Keyed};
use super::super::definition::find_path;
use super::super::go;
use super::super::schema::{Rule, Schema};
use super::compile::{self, Program};
use super::eval::{Failure, Scope};
use super::value::Val;
use crate::sandbox::memory::field::{FieldError, Path, Wrong};

/// What all rules of an object may cost.
const BUDGET: u64 = 10_000_000;
const MESSAGE_MAX: usize = 5 * 1024;

/// The rules of a schema and of what is in it; nodes without any are left out.
#[derive(Debug)]
pub(crate) struct Rules {
    rules: Vec<Compiled>,
    /// Why no rule here can be compiled
    problem: Option<String>,
    is_resource: bool,
    items: Option<Box<Rules>>,
    properties: BTreeMap<String, Rules>,
    additional: Option<Box<Rules>>,
}

#[derive(Debug)]
struct Compiled {
    rule: Rule,
    program: Result<Program, String>,
    message: Option<Program>,
    /// Where the error is, below the value
    field: Option<String>,
}

/// What is wrong, and what would be if it had not been so before.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) errors: Vec<FieldError>,
    pub(crate) warnings: Vec<String>,
}

/// Whether there are rules in a schema, outside of junctors.
pub(crate) fn has_rules(schema: &Schema) -> bool {
    !schema.validations.is_empty()
        || schema.item().is_some_and(has_rules)
        || schema.additional().is_some_and(has_rules)
        || schema.properties.values().any(has_rules)
}

impl Rules {
    /// Compiles the rules of a schema; `is_resource`: it is the root of one.
    pub(crate) fn new(schema: &Schema, is_resource: bool) -> Self {
        let within = |schema: &Schema| {
            has_rules(schema).then(|| Rules::new(schema, schema.embedded_resource))
        };
        let (rules, problem) = match compile::programs(schema, is_resource) {
            Ok(programs) => {
                let all = schema.validations.iter().zip(programs);
                (
                    all.map(|(rule, programs)| Compiled::new(rule, programs, schema))
                        .collect(),
                    None,
                )
            }
            Err(problem) => (Vec::new(), Some(problem)),
        };
        Rules {
            rules,
            problem,
            is_resource,
            items: schema.item().and_then(within).map(Box::new),
            properties: schema
                .properties
                .iter()
                .filter_map(|(name, schema)| Some((name.clone(), within(schema)?)))
                .collect(),
            additional: schema.additional().and_then(within).map(Box::new),
        }
    }

    /// Evaluates the rules on an object. With `ratchet`, what is as it was before is let pass with a
    /// warning.
    pub(crate) fn validate(
        &self,
        path: Option<&Path>,
        schema: &Schema,
        new: &Value,
        old: Option<&Value>,
        ratchet: Option<Correlated<'_>>,
    ) -> Outcome {
        let mut run = Run {
            outcome: Outcome::default(),
            budget: BUDGET,
        };
        let ratchet = Ratchet {
            current: ratchet,
            parent: None,
        };
        let root = Path::root();
        let _ = run.node(self, path.unwrap_or(&root), schema, new, old, ratchet);
        run.outcome
    }
}

impl Compiled {
    fn new(rule: &Rule, programs: compile::Programs, schema: &Schema) -> Self {
        let field = Some(rule.field_path.as_str()).filter(|path| !path.is_empty());
        let found = field.and_then(|path| find_path(path, schema, true).ok());
        Compiled {
            rule: rule.clone(),
            program: programs.rule,
            message: programs.message.and_then(Result::ok),
            field: found
                .and_then(|found| found.path)
                .map(|path| path.to_string()),
        }
    }
}

impl Rule {
    /// How errors name the rule.
    fn words(&self) -> &str {
        if self.message.is_empty() {
            self.rule.trim()
        } else {
            self.message.trim()
        }
    }
}

/// The value before, here or as near above as it is known.
#[derive(Clone, Copy, Default)]
struct Ratchet<'a> {
    current: Option<Correlated<'a>>,
    parent: Option<Correlated<'a>>,
}

impl<'a> Ratchet<'a> {
    fn forgives(self) -> bool {
        self.current
            .or(self.parent)
            .is_some_and(Correlated::is_equal)
    }

    fn key(self, name: &str) -> Self {
        match self.current {
            None => self,
            Some(_) if self.parent.is_none() && matches!(name, "apiVersion" | "kind") => {
                Ratchet::default()
            }
            Some(current) => Ratchet {
                current: current.key(name),
                parent: Some(current),
            },
        }
    }
}

/// The end of everything: no further rules are evaluated.
struct Stop;

struct Run {
    outcome: Outcome,
    budget: u64,
}

impl Run {
    fn node(
        &mut self,
        rules: &Rules,
        path: &Path,
        schema: &Schema,
        new: &Value,
        old: Option<&Value>,
        ratchet: Ratchet<'_>,
    ) -> Result<(), Stop> {
        // Rules speak of values only; what may be null is judged by what is around it.
        if new.is_null() {
            return Ok(());
        }
        let old = old.filter(|old| !old.is_null());
        self.rules(rules, path, schema, new, old, ratchet)?;
        match new {
            Value::Array(items) => {
                let (Some(rules), Some(item_schema)) = (&rules.items, schema.item()) else {
                    return Ok(());
                };
                let before = old
                    .and_then(Value::as_array)
                    .map(Vec::as_slice)
                    .unwrap_or_default();
                let keyed = Keyed::new(schema, before);
                let correlated = ratchet.current.map(Correlated::items);
                for (at, item) in items.iter().enumerate() {
                    let ratchet = match &correlated {
                        Some(items) => Ratchet {
                            current: items.get(at),
                            parent: ratchet.current,
                        },
                        None => ratchet,
                    };
                    let path = path.index(at);
                    self.node(rules, &path, item_schema, item, keyed.get(item), ratchet)?;
                }
            }
            Value::Object(map) => {
                let before = |name: &str| old.and_then(|old| old.get(name));
                if let (Some(rules), Some(schema)) = (&rules.additional, schema.additional()) {
                    for (name, value) in map {
                        let (path, old) = (path.key(name), before(name));
                        self.node(rules, &path, schema, value, old, ratchet.key(name))?;
                    }
                }
                for (name, rules) in &rules.properties {
                    let (Some(value), Some(schema)) = (map.get(name), schema.properties.get(name))
                    else {
                        continue;
                    };
                    let (path, old) = (path.child(name), before(name));
                    self.node(rules, &path, schema, value, old, ratchet.key(name))?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn rules(
        &mut self,
        rules: &Rules,
        path: &Path,
        schema: &Schema,
        new: &Value,
        old: Option<&Value>,
        ratchet: Ratchet<'_>,
    ) -> Result<(), Stop> {
        let type_ = schema.type_.as_str();
        if let Some(problem) = &rules.problem {
            let detail = format!("rule compiler initialization error: {problem}");
            self.outcome
                .errors
                .push(go::invalid_text(path, type_, detail));
            return Ok(());
        }
        for compiled in &rules.rules {
            let invalid = |detail: String| go::invalid_text(path, type_, detail);
            let rule = &compiled.rule;
            let program = match &compiled.program {
                Ok(program) => program,
                Err(problem) => {
                    let detail = format!("rule compile error: {problem}");
                    self.outcome.errors.push(invalid(detail));
                    continue;
                }
            };
            let is_optional = rule.optional_old_self == Some(true);
            if program.uses_old_self && old.is_none() && !is_optional {
                continue;
            }
            let scope = |budget| {
                let old = old.filter(|_| program.uses_old_self);
                scope(schema, rules.is_resource, new, old, is_optional, budget)
            };
            let failure = match self.evaluate(program, scope) {
                Ok(Val::Bool(true)) => continue,
                Ok(_) => None,
                Err(failure) => Some(failure),
            };
            match failure {
                None => {}
                Some(Failure::Error(error)) if error.starts_with("no such overload") => {
                    self.outcome.errors.push(invalid(format!(
                        "'{error}': call arguments did not match a supported operator, function or \
                         macro signature for rule: {}",
                        rule.words()
                    )));
                    continue;
                }
                Some(Failure::Error(error)) => {
                    let detail = format!("{error} evaluating rule: {}", rule.words());
                    self.outcome.errors.push(invalid(detail));
                    continue;
                }
                Some(Failure::TooCostly) => {
                    self.outcome.errors.push(invalid(format!(
                        "'operation cancelled: actual cost limit exceeded': no further validation \
                         rules will be run due to call cost exceeds limit for rule: {}",
                        rule.words()
                    )));
                    return Err(Stop);
                }
                Some(Failure::NoBudget) => {
                    self.outcome.errors.push(invalid(
                        "validation failed due to running out of cost budget, no further \
                         validation rules will be run"
                            .to_owned(),
                    ));
                    return Err(Stop);
                }
            }
            let message = match &compiled.message {
                Some(program) => self.evaluate(program, scope),
                None => Err(Failure::from("")),
            };
            if matches!(message, Err(Failure::TooCostly | Failure::NoBudget)) {
                self.outcome.errors.push(invalid(
                    "messageExpression evaluation failed due to running out of cost budget, no \
                     further validation rules will be run"
                        .to_owned(),
                ));
                return Err(Stop);
            }
            let detail = message.ok().and_then(|message| usable(&message));
            let detail = detail.unwrap_or_else(|| default_message(rule));
            let path = match &compiled.field {
                Some(field) => path.child(field),
                None => path.clone(),
            };
            let error = broken(&path, type_, new, detail, rule.reason.as_deref());
            if !program.uses_old_self && ratchet.forgives() {
                self.outcome.warnings.push(error.to_string());
            } else {
                self.outcome.errors.push(error);
            }
        }
        Ok(())
    }

    fn evaluate<'a>(
        &mut self,
        program: &Program,
        scope: impl FnOnce(u64) -> Result<Scope<'a>, String>,
    ) -> Result<Val<'a>, Failure> {
        let mut scope = scope(self.budget)?;
        let value = scope.eval(&program.expr);
        self.budget = self.budget.saturating_sub(scope.cost());
        value
    }
}

fn scope<'a>(
    schema: &'a Schema,
    is_resource: bool,
    new: &'a Value,
    old: Option<&'a Value>,
    is_optional: bool,
    budget: u64,
) -> Result<Scope<'a>, String> {
    let scope = Scope::new(budget).with("self", Val::of_json(new, schema, is_resource)?);
    let old = old
        .map(|old| Val::of_json(old, schema, is_resource))
        .transpose()?;
    Ok(match (old, is_optional) {
        (old, true) => scope.with("oldSelf", Val::Optional(old.map(std::rc::Rc::new))),
        (Some(old), false) => scope.with("oldSelf", old),
        (None, false) => scope,
    })
}

/// A message that may be shown.
fn usable(message: &Val<'_>) -> Option<String> {
    let Val::Text(text) = message else {
        return None;
    };
    let text = text.as_str().trim();
    let is_fine = !text.is_empty() && text.len() <= MESSAGE_MAX && !text.contains('\n');
    is_fine.then(|| text.to_owned())
}

fn default_message(rule: &Rule) -> String {
    if rule.message.is_empty() {
        format!("failed rule: {}", rule.words())
    } else {
        rule.message.trim().to_owned()
    }
}

fn broken(
    path: &Path,
    type_: &str,
    new: &Value,
    detail: String,
    reason: Option<&str>,
) -> FieldError {
    let value = if matches!(type_, "object" | "array") {
        String::new()
    } else {
        go::shown(new)
    };
    match reason {
        Some("FieldValueForbidden") => FieldError::forbidden(path, detail),
        Some("FieldValueRequired") => FieldError::required(path, detail),
        Some("FieldValueDuplicate") => go::error(Wrong::Duplicate, path, value, ""),
        _ => go::error(Wrong::Invalid, path, value, detail),
    }
}
