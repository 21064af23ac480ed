//! What is wrong with literals, looked at when all types are known: cel-go's validators of durations,
//! timestamps and expressions, of lists of different things, and of formats.

use super::ast::{Call, Expr, Kind, Literal};
use super::check::is_same;
use super::convert;
use super::eval::{Failure, of_literal};
use super::parse::Problem;
use super::types::Type;
use super::value::Val;
use crate::sandbox::memory::crd::regexp;

/// Places with types, as they were when each was checked.
type Typed<'a> = Vec<(usize, Type<'a>)>;

/// The literals of an expression.
#[derive(Default)]
pub(super) struct Literals<'a> {
    lists: Vec<Typed<'a>>,
    /// The keys, or the values, of maps
    maps: Vec<Typed<'a>>,
    /// Items of all lists
    items: Typed<'a>,
    /// How many calls of `format` are around: what is formatted may be of different types.
    pub(super) formatted: usize,
}

impl<'a> Literals<'a> {
    pub(super) fn list(&mut self, types: Typed<'a>) {
        if self.formatted == 0 {
            self.lists.push(types);
        } else {
            self.items.extend(types);
        }
    }

    pub(super) fn map(&mut self, types: Typed<'a>) {
        if self.formatted == 0 {
            self.maps.push(types);
        }
    }

    /// What is wrong with them.
    pub(super) fn problems(
        &self,
        expr: &Expr,
        resolve: &dyn Fn(&Type<'a>) -> Type<'a>,
    ) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut calls = Vec::new();
        collect(expr, &mut calls);
        for name in ["duration", "timestamp", "matches"] {
            let wrong = calls.iter().filter(|(_, call)| call.name == name);
            let wrong = wrong.filter_map(|(_, call)| argument(call));
            problems.extend(wrong);
        }
        let mut differ = |all: &[Typed<'a>], ends: bool| {
            for typed in all {
                let Some(((_, first), others)) = typed.split_first() else {
                    continue;
                };
                let first = resolve(first);
                for (at, other) in others {
                    let other = resolve(other);
                    if !is_same(&first, &other) {
                        let message = format!("expected type '{first}' but found '{other}'");
                        problems.push(Problem { at: *at, message });
                        if ends {
                            break;
                        }
                    }
                }
            }
        };
        differ(&self.lists, true);
        differ(&self.maps, false);
        for (at, call) in calls {
            problems.extend(self.format(at, call, resolve));
        }
        problems
    }

    /// What is wrong with a call of `format` whose text and list are literals.
    fn format(
        &self,
        at: usize,
        call: &Call,
        resolve: &dyn Fn(&Type<'a>) -> Type<'a>,
    ) -> Option<Problem> {
        let target = call.target.as_ref().filter(|_| call.name == "format")?;
        let (Kind::Literal(Literal::Text(pattern)), [list]) = (&target.kind, call.args.as_slice())
        else {
            return None;
        };
        let Kind::List(items) = &list.kind else {
            return None;
        };
        let type_of = |at: usize| {
            let found = self.items.iter().find(|(known, _)| *known == at);
            found.map_or(Type::Dyn, |(_, type_)| resolve(type_))
        };
        let wrong = |message: String| Some(Problem { at, message });
        let mut args = items.iter();
        let mut rest = pattern.as_str();
        while let Some(found) = rest.find('%') {
            rest = &rest[found + 1..];
            if let Some(tail) = rest.strip_prefix('%') {
                rest = tail;
                continue;
            }
            let Some(arg) = args.next() else {
                return wrong(format!("index {} out of range", items.len()));
            };
            if let Some(tail) = rest.strip_prefix('.') {
                let tail = tail.trim_start_matches(|c: char| c.is_ascii_digit());
                if tail.len() + 1 == rest.len() {
                    return wrong(
                        "could not parse formatting clause: error while parsing precision: could \
                         not convert precision to integer: strconv.Atoi: parsing \"\": invalid syntax"
                            .to_owned(),
                    );
                }
                rest = tail;
            }
            let Some(verb) = rest.chars().next() else {
                return wrong(
                    "could not parse formatting clause: unexpected end of string".to_owned(),
                );
            };
            rest = &rest[verb.len_utf8()..];
            if let Some(words) = misfit(verb, &type_of(arg.value.at)) {
                let message = format!("error during formatting: {words}");
                return Some(Problem {
                    at: arg.value.at,
                    message,
                });
            }
            if !"sdfebxXo".contains(verb) {
                return wrong(format!(
                    "could not parse formatting clause: unrecognized formatting clause \"{verb}\""
                ));
            }
        }
        let more = args.len();
        let seen = items.len() - more;
        (more > 0).then(|| Problem {
            at,
            message: format!(
                "too many arguments supplied to string.format (expected {seen}, got {})",
                items.len()
            ),
        })
    }
}

/// Why a type cannot be formatted so.
fn misfit(verb: char, type_: &Type<'_>) -> Option<String> {
    let words = match (verb, type_) {
        (_, Type::Dyn | Type::Var(_)) => return None,
        ('s', Type::Object(_) | Type::Opaque(_) | Type::Optional(_)) => {
            "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, \
             types, durations, and timestamps"
        }
        ('s', _) | ('d' | 'b' | 'x' | 'X' | 'o', Type::Int | Type::Uint) => return None,
        ('d', _) => "decimal clause can only be used on integers",
        ('f' | 'e', Type::Double | Type::Text) => return None,
        ('f', _) => "fixed-point clause can only be used on doubles",
        ('e', _) => "scientific clause can only be used on doubles",
        ('b', Type::Bool) | ('x' | 'X', Type::Text | Type::Bytes) => return None,
        ('b', _) => "only integers and bools can be formatted as binary",
        ('x' | 'X', _) => "only integers, byte buffers, and strings can be formatted as hex",
        ('o', _) => "octal clause can only be used on integers",
        _ => return None,
    };
    let given = match type_ {
        Type::List(_) => "list".to_owned(),
        Type::Map(_) => "map".to_owned(),
        Type::Meta(_) => "type".to_owned(),
        Type::Optional(_) => "optional_type".to_owned(),
        Type::Null => "null_type".to_owned(),
        Type::Timestamp => "google.protobuf.Timestamp".to_owned(),
        Type::Duration => "google.protobuf.Duration".to_owned(),
        other => other.to_string(),
    };
    Some(format!("{words}, was given {given}"))
}

/// Calls that are evaluated when a program is made: what they fail with.
pub(super) fn failing_call(expr: &Expr) -> Option<String> {
    let mut calls = Vec::new();
    collect(expr, &mut calls);
    calls.into_iter().find_map(|(_, call)| {
        let [
            Expr {
                kind: Kind::Literal(literal),
                ..
            },
            ..,
        ] = call.args.as_slice()
        else {
            return None;
        };
        match (call.name.as_str(), literal) {
            ("find" | "findAll", Literal::Text(pattern)) => regexp::compile(pattern).err(),
            ("bool" | "bytes" | "double" | "int" | "string" | "uint", literal) => {
                match convert::call(&call.name, &[of_literal(literal)])? {
                    Err(Failure::Error(error)) => Some(error),
                    _ => None,
                }
            }
            _ => None,
        }
    })
}

/// What is wrong with the first argument of a call, when it is a literal.
fn argument(call: &Call) -> Option<Problem> {
    let arg = call.args.first()?;
    let Kind::Literal(literal) = &arg.kind else {
        return None;
    };
    let is_fine = match (call.name.as_str(), literal) {
        ("matches", Literal::Text(pattern)) => regexp::compile(pattern).is_ok(),
        (name @ ("duration" | "timestamp"), Literal::Text(text)) => {
            convert::call(name, &[Val::text(text)]).is_some_and(|made| made.is_ok())
        }
        (name @ ("duration" | "timestamp"), Literal::Int(number)) => {
            convert::call(name, &[Val::Int(*number)]).is_some_and(|made| made.is_ok())
        }
        _ => true,
    };
    (!is_fine).then(|| Problem {
        at: arg.at,
        message: format!("invalid {} argument", call.name),
    })
}

/// All calls in an expression.
fn collect<'e>(expr: &'e Expr, calls: &mut Vec<(usize, &'e Call)>) {
    match &expr.kind {
        Kind::Literal(_) | Kind::Ident(_) | Kind::Message(_) => {}
        Kind::Select(select) => collect(&select.operand, calls),
        Kind::Call(call) => {
            calls.push((expr.at, call));
            call.target
                .iter()
                .chain(&call.args)
                .for_each(|one| collect(one, calls));
        }
        Kind::List(items) => items.iter().for_each(|item| collect(&item.value, calls)),
        Kind::Map(entries) => entries.iter().for_each(|entry| {
            collect(&entry.key, calls);
            collect(&entry.value, calls);
        }),
        Kind::Fold(fold) => {
            let parts = [&fold.range].into_iter().chain(&fold.filter);
            parts
                .chain([&fold.body])
                .for_each(|one| collect(one, calls));
        }
    }
}
