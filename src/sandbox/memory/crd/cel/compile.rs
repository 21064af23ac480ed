//! From texts to programs, or to the compiler's words about them.

use std::rc::Rc;

use super::super::schema::{Rule, Schema};
use super::ast::Expr;
use super::check::check;
use super::literals::failing_call;
use super::parse::{Problem, parse};
use super::types::{Type, of_schema};

/// An expression that can be evaluated.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) expr: Expr,
    pub(super) uses_old_self: bool,
}

/// A rule and the expression of its message.
#[derive(Debug)]
pub(super) struct Programs {
    pub(super) rule: Result<Program, String>,
    pub(super) message: Option<Result<Program, String>>,
}

/// What a CustomResourceDefinition's author is told of a rule.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) error: Option<String>,
    pub(crate) message_error: Option<String>,
    pub(crate) uses_old_self: bool,
}

/// What is wrong with the rules of a schema; an error when rules cannot see what it describes.
pub(crate) fn compile(schema: &Schema, is_resource: bool) -> Result<Vec<Report>, String> {
    let programs = programs(schema, is_resource)?;
    let reports = programs.into_iter().map(|programs| {
        let uses_old_self = programs.rule.as_ref().is_ok_and(|rule| rule.uses_old_self);
        Report {
            error: programs.rule.err(),
            message_error: programs.message.and_then(Result::err),
            uses_old_self,
        }
    });
    Ok(reports.collect())
}

/// The programs of a schema's rules.
pub(super) fn programs(schema: &Schema, is_resource: bool) -> Result<Vec<Programs>, String> {
    if schema.validations.is_empty() {
        return Ok(Vec::new());
    }
    let Some(type_) = of_schema(schema, is_resource) else {
        return Err("unable to convert structural schema to CEL declarations".to_owned());
    };
    let compile = |rule: &Rule| {
        let compiled = expression(&rule.rule, &type_, rule);
        let checked = compiled.map_err(|problem| format!("compilation failed: {problem}"));
        let checked = checked.and_then(|(program, type_)| match type_ {
            Type::Bool => runnable(program)
                .map_err(|problem| format!("program instantiation failed: {problem}")),
            _ => Err("cel expression must evaluate to a bool".to_owned()),
        });
        // A message is not looked at before its rule is right.
        let has_message = checked.is_ok() && !rule.message_expression.is_empty();
        Programs {
            rule: checked,
            message: has_message.then(|| message(rule, &type_)),
        }
    };
    Ok(schema.validations.iter().map(compile).collect())
}

fn message(rule: &Rule, type_: &Type<'_>) -> Result<Program, String> {
    let compiled = expression(&rule.message_expression, type_, rule);
    let (program, type_) =
        compiled.map_err(|problem| format!("messageExpression compilation failed: {problem}"))?;
    match type_ {
        Type::Text => runnable(program)
            .map_err(|problem| format!("messageExpression instantiation failed: {problem}")),
        _ => Err("messageExpression must evaluate to a string".to_owned()),
    }
}

/// A program, unless a part of it that is always the same fails.
fn runnable(program: Program) -> Result<Program, String> {
    failing_call(&program.expr).map_or(Ok(program), Err)
}

fn expression<'a>(
    source: &str,
    type_: &Type<'a>,
    rule: &Rule,
) -> Result<(Program, Type<'a>), String> {
    let old = match rule.optional_old_self {
        Some(true) => Type::Optional(Rc::new(type_.clone())),
        _ => type_.clone(),
    };
    let refusal = |problems: Vec<Problem>| report(source, &problems);
    let mut expr = parse(source).map_err(refusal)?;
    let variables = vec![("self", type_.clone()), ("oldSelf", old)];
    let checked = check(&mut expr, variables).map_err(refusal)?;
    let program = Program {
        expr,
        uses_old_self: checked.uses_old_self,
    };
    Ok((program, checked.type_))
}

/// Problems with the lines that they are in, as cel-go shows them.
fn report(source: &str, problems: &[Problem]) -> String {
    let shown: Vec<String> = problems
        .iter()
        .map(|problem| show(source, problem))
        .collect();
    shown.join("\n")
}

fn show(source: &str, problem: &Problem) -> String {
    let mut start = 0;
    let mut found = (1, 0, "");
    for (at, line) in source.split('\n').enumerate() {
        let length = line.chars().count() + 1;
        found = (at + 1, problem.at.saturating_sub(start), line);
        if problem.at < start + length {
            break;
        }
        start += length;
    }
    let (line, column, text) = found;
    let dots: String = text.chars().take(column).map(dot).collect();
    let missing = ".".repeat(column.saturating_sub(text.chars().count()));
    format!(
        "ERROR: <input>:{line}:{}: {}\n | {}\n | {dots}{missing}^",
        column + 1,
        problem.message,
        text.replace('\t', " ")
    )
}

/// Wide characters get wide dots.
fn dot(c: char) -> char {
    if c.len_utf8() > 1 { '\u{ff0e}' } else { '.' }
}
