//! Evaluation, with a bound on the work: cel-go's interpreter.
//!
//! Costs are counted about as cel-go counts them: one for each node that is evaluated, more for what
//! is proportional to a text or list. The real server's sums differ in detail, so that a rule near
//! the limit may pass here and not there.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::ast::{Call, Entry, Expr, Fold, FoldKind, Item, Kind, Literal, Select};
use super::library;
use super::value::{Key, Map, Val};

/// Why an evaluation ended without a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Failure {
    /// An error of the expression, in cel-go's words
    Error(String),
    /// It cost more than one evaluation may
    TooCostly,
    /// It cost more than is left for the whole object
    NoBudget,
}

impl From<String> for Failure {
    fn from(error: String) -> Self {
        Failure::Error(error)
    }
}

impl From<&str> for Failure {
    fn from(error: &str) -> Self {
        Failure::Error(error.to_owned())
    }
}

pub(super) type Evaluated<'a> = Result<Val<'a>, Failure>;

/// `PerCallLimit` of the real server.
const CALL_LIMIT: u64 = 1_000_000;

/// Variables and what the evaluation has cost.
pub(super) struct Scope<'a> {
    variables: Vec<(String, Val<'a>)>,
    cost: u64,
    budget: u64,
}

impl<'a> Scope<'a> {
    /// `budget`: what may be spent at most.
    pub(super) fn new(budget: u64) -> Self {
        Scope {
            variables: Vec::new(),
            cost: 0,
            budget,
        }
    }

    pub(super) fn with(mut self, name: &str, value: Val<'a>) -> Self {
        self.variables.push((name.to_owned(), value));
        self
    }

    /// What was spent.
    pub(super) fn cost(&self) -> u64 {
        self.cost
    }

    pub(super) fn spend(&mut self, cost: u64) -> Result<(), Failure> {
        self.cost = self.cost.saturating_add(cost);
        if self.cost > CALL_LIMIT {
            return Err(Failure::TooCostly);
        }
        if self.cost > self.budget {
            return Err(Failure::NoBudget);
        }
        Ok(())
    }

    /// Evaluates an expression that has been checked.
    pub(super) fn eval(&mut self, expr: &Expr) -> Evaluated<'a> {
        match &expr.kind {
            Kind::Literal(literal) => Ok(of_literal(literal)),
            Kind::Ident(name) => {
                self.spend(1)?;
                let found = self.variables.iter().rfind(|(known, _)| known == name);
                match found {
                    Some((_, value)) => Ok(value.clone()),
                    // What is no variable is a type.
                    None => Ok(Val::Type(Rc::from(name.as_str()))),
                }
            }
            Kind::Select(select) => self.select(select),
            Kind::Call(call) => self.call(call),
            Kind::List(items) => self.list(items),
            Kind::Map(entries) => self.map(entries),
            Kind::Fold(fold) => self.fold(fold),
            Kind::Message(name) => Err(format!("no such type: {name}").into()),
        }
    }

    fn select(&mut self, select: &Select) -> Evaluated<'a> {
        if let Some(name) = type_name(select) {
            return Ok(Val::Type(Rc::from(name.as_str())));
        }
        let operand = self.eval(&select.operand)?;
        self.spend(1)?;
        let key = Key::Text(Rc::from(select.field.as_str()));
        let (target, is_optional) = match operand {
            Val::Optional(None) => {
                return Ok(if select.is_test {
                    Val::Bool(false)
                } else {
                    Val::Optional(None)
                });
            }
            Val::Optional(Some(inner)) => ((*inner).clone(), true),
            other => (other, select.is_optional),
        };
        let Val::Map(map) = &target else {
            return Err("no such overload".into());
        };
        let found = map.get(&key).transpose()?;
        if select.is_test {
            return Ok(Val::Bool(found.is_some()));
        }
        match (found, is_optional) {
            (found, true) => Ok(Val::Optional(found.map(Rc::new))),
            (Some(found), false) => Ok(found),
            (None, false) => Err(format!("no such key: {key}").into()),
        }
    }

    fn call(&mut self, call: &Call) -> Evaluated<'a> {
        match call.name.as_str() {
            "_&&_" => return self.junction(&call.args, false),
            "_||_" => return self.junction(&call.args, true),
            "_?_:_" => {
                let Val::Bool(is) = self.eval(&call.args[0])? else {
                    return Err("no such overload".into());
                };
                self.spend(1)?;
                return self.eval(&call.args[if is { 1 } else { 2 }]);
            }
            "or" | "orValue" if call.target.is_some() => {
                return self.optional_or(call);
            }
            _ => {}
        }
        let mut args = Vec::with_capacity(call.args.len() + 1);
        if let Some(target) = &call.target {
            args.push(self.eval(target)?);
        }
        for arg in &call.args {
            args.push(self.eval(arg)?);
        }
        self.spend(1)?;
        library::call(self, &call.name, args)
    }

    /// `&&` and `||`: an error counts only where the others do not decide.
    fn junction(&mut self, args: &[Expr], decisive: bool) -> Evaluated<'a> {
        let mut failure = None;
        for arg in args {
            match self.eval(arg) {
                Ok(Val::Bool(is)) if is == decisive => return Ok(Val::Bool(decisive)),
                Ok(Val::Bool(_)) => {}
                Ok(_) => failure = failure.or(Some("no such overload".into())),
                Err(Failure::Error(error)) => failure = failure.or(Some(Failure::Error(error))),
                Err(limit) => return Err(limit),
            }
        }
        match failure {
            Some(failure) => Err(failure),
            None => Ok(Val::Bool(!decisive)),
        }
    }

    /// The other value is evaluated only when it is needed.
    fn optional_or(&mut self, call: &Call) -> Evaluated<'a> {
        let (Some(target), [other]) = (&call.target, call.args.as_slice()) else {
            return Err("no such overload".into());
        };
        let target = self.eval(target)?;
        self.spend(1)?;
        match target {
            Val::Optional(None) => self.eval(other),
            Val::Optional(Some(inner)) if call.name == "orValue" => Ok((*inner).clone()),
            optional @ Val::Optional(_) => Ok(optional),
            _ => Err("no such overload".into()),
        }
    }

    fn list(&mut self, items: &[Item]) -> Evaluated<'a> {
        self.spend(10)?;
        let mut list = Vec::with_capacity(items.len());
        for item in items {
            let value = self.eval(&item.value)?;
            if !item.is_optional {
                list.push(value);
            } else if let Val::Optional(inner) = value {
                list.extend(inner.map(|inner| (*inner).clone()));
            }
        }
        Ok(Val::list(list))
    }

    fn map(&mut self, entries: &[Entry]) -> Evaluated<'a> {
        self.spend(30)?;
        let mut map = BTreeMap::new();
        for entry in entries {
            let key = self.eval(&entry.key)?;
            let key = key.to_key().ok_or("unsupported key type")?;
            let value = match self.eval(&entry.value)? {
                Val::Optional(inner) if entry.is_optional => match inner {
                    Some(inner) => (*inner).clone(),
                    None => continue,
                },
                value => value,
            };
            if map.contains_key(&key) {
                return Err(format!("Failed with repeated key {key}").into());
            }
            map.insert(key, value);
        }
        Ok(Val::Map(Map::Owned(Rc::new(map))))
    }

    fn fold(&mut self, fold: &Fold) -> Evaluated<'a> {
        let range = self.eval(&fold.range)?;
        if matches!(fold.kind, FoldKind::OptMap | FoldKind::OptFlatMap) {
            let inner = match range {
                Val::Optional(None) => return Ok(Val::Optional(None)),
                Val::Optional(Some(inner)) => (*inner).clone(),
                _ => return Err("no such overload".into()),
            };
            let value = self.within(&[(&fold.var, inner)], &fold.body)?;
            return Ok(if fold.kind == FoldKind::OptMap {
                Val::some(value)
            } else {
                value
            });
        }
        let keys = match &range {
            Val::Map(map) => map.keys(),
            _ => Vec::new(),
        };
        let mut outcome = Outcome::default();
        let mut at = 0;
        while let Some((first, second)) = step(&range, &keys, at, fold.var2.is_some())? {
            at += 1;
            self.spend(1)?;
            let mut variables = vec![(fold.var.as_str(), first.clone())];
            if let (Some(name), Some(second)) = (&fold.var2, second) {
                variables.push((name.as_str(), second));
            }
            if let Some(filter) = &fold.filter
                && !is_true(self.within(&variables, filter)?)?
            {
                continue;
            }
            let value = self.within(&variables, &fold.body);
            if outcome.take(fold.kind, first, value)? {
                break;
            }
        }
        outcome.finish(fold.kind)
    }

    fn within(&mut self, variables: &[(&str, Val<'a>)], expr: &Expr) -> Evaluated<'a> {
        let depth = self.variables.len();
        let named = variables.iter();
        self.variables
            .extend(named.map(|(name, value)| ((*name).to_owned(), value.clone())));
        let value = self.eval(expr);
        self.variables.truncate(depth);
        value
    }
}

type Step<'a> = (Val<'a>, Option<Val<'a>>);

/// What the variables of a macro are at one step; `None` behind the last.
fn step<'a>(
    range: &Val<'a>,
    keys: &[Key],
    at: usize,
    has_second: bool,
) -> Result<Option<Step<'a>>, Failure> {
    match range {
        Val::List(list) => {
            let Some(item) = list.get(at).transpose()? else {
                return Ok(None);
            };
            let index = Val::Int(i64::try_from(at).unwrap_or(i64::MAX));
            Ok(Some(if has_second {
                (index, Some(item))
            } else {
                (item, None)
            }))
        }
        Val::Map(map) => {
            let Some(key) = keys.get(at) else {
                return Ok(None);
            };
            let value = if has_second {
                map.get(key).transpose()?
            } else {
                None
            };
            Ok(Some((key.to_val(), value)))
        }
        _ => Err("no such overload".into()),
    }
}

fn is_true(value: Val<'_>) -> Result<bool, Failure> {
    match value {
        Val::Bool(is) => Ok(is),
        _ => Err("no such overload".into()),
    }
}

/// What a macro has come to.
#[derive(Default)]
struct Outcome<'a> {
    failure: Option<Failure>,
    decided: bool,
    count: usize,
    list: Vec<Val<'a>>,
    keyed: Vec<(Val<'a>, Val<'a>)>,
    map: BTreeMap<Key, Val<'a>>,
}

impl<'a> Outcome<'a> {
    /// One step; true when no more are needed.
    fn take(
        &mut self,
        kind: FoldKind,
        first: Val<'a>,
        value: Evaluated<'a>,
    ) -> Result<bool, Failure> {
        if let (FoldKind::All | FoldKind::Exists, Err(Failure::Error(_))) = (kind, &value) {
            // As with && and ||, a later step may decide all the same.
            self.failure = self.failure.take().or(value.err());
            return Ok(false);
        }
        let value = value?;
        match kind {
            FoldKind::All => {
                self.decided = !is_true(value)?;
                return Ok(self.decided);
            }
            FoldKind::Exists => {
                self.decided = is_true(value)?;
                return Ok(self.decided);
            }
            FoldKind::ExistsOne => self.count += usize::from(is_true(value)?),
            FoldKind::Filter => {
                if is_true(value)? {
                    self.list.push(first);
                }
            }
            FoldKind::Map => self.list.push(value),
            FoldKind::SortBy => self.keyed.push((value, first)),
            FoldKind::TransformMap => {
                let key = first.to_key().ok_or("unsupported key type")?;
                self.map.insert(key, value);
            }
            FoldKind::TransformMapEntry => {
                let Val::Map(map) = &value else {
                    return Err("no such overload".into());
                };
                for key in map.keys() {
                    if self.map.contains_key(&key) {
                        return Err(format!("insert failed: key {key} already exists").into());
                    }
                    if let Some(value) = map.get(&key).transpose()? {
                        self.map.insert(key, value);
                    }
                }
            }
            FoldKind::OptMap | FoldKind::OptFlatMap => {}
        }
        Ok(false)
    }

    fn finish(self, kind: FoldKind) -> Evaluated<'a> {
        Ok(match kind {
            FoldKind::All | FoldKind::Exists => match self.failure {
                Some(failure) if !self.decided => return Err(failure),
                _ => Val::Bool(self.decided == (kind == FoldKind::Exists)),
            },
            FoldKind::ExistsOne => Val::Bool(self.count == 1),
            FoldKind::SortBy => {
                let mut keyed = self.keyed;
                keyed.sort_by(|(a, _), (b, _)| a.compare(b).unwrap_or(Ordering::Equal));
                Val::list(keyed.into_iter().map(|(_, value)| value).collect())
            }
            FoldKind::TransformMap | FoldKind::TransformMapEntry => {
                Val::Map(Map::Owned(Rc::new(self.map)))
            }
            _ => Val::list(self.list),
        })
    }
}

/// The value of a literal.
pub(super) fn of_literal<'a>(literal: &Literal) -> Val<'a> {
    match literal {
        Literal::Null => Val::Null,
        Literal::Bool(is) => Val::Bool(*is),
        Literal::Int(number) => Val::Int(*number),
        Literal::Uint(number) => Val::Uint(*number),
        Literal::Double(number) => Val::Double(*number),
        Literal::Text(text) => Val::text(text),
        Literal::Bytes(bytes) => Val::Bytes(Rc::from(bytes.as_slice())),
    }
}

/// The name of a type that has dots in it.
fn type_name(select: &Select) -> Option<String> {
    fn dotted(expr: &Expr) -> Option<String> {
        match &expr.kind {
            Kind::Ident(name) if matches!(name.as_str(), "google" | "net" | "kubernetes") => {
                Some(name.clone())
            }
            Kind::Select(select) => Some(format!("{}.{}", dotted(&select.operand)?, select.field)),
            _ => None,
        }
    }
    Some(format!("{}.{}", dotted(&select.operand)?, select.field))
}
