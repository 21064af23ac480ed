//! Types of expressions, and what is wrong with them: cel-go's `checker`.

use std::rc::Rc;

use super::ast::{Call, Entry, Expr, Fold, FoldKind, Item, Kind, Literal, Select};
use super::functions::overloads;
use super::literals::Literals;
use super::parse::Problem;
use super::types::Type;

/// What is known of an expression.
pub(super) struct Checked<'a> {
    pub(super) type_: Type<'a>,
    pub(super) uses_old_self: bool,
}

/// Checks an expression with these variables, and resolves the names of functions in it.
pub(super) fn check<'a>(
    expr: &mut Expr,
    variables: Vec<(&str, Type<'a>)>,
) -> Result<Checked<'a>, Vec<Problem>> {
    let owned = variables.into_iter();
    let mut checker = Checker {
        scope: owned
            .map(|(name, type_)| (name.to_owned(), type_))
            .collect(),
        globals: 0,
        bound: Vec::new(),
        problems: Vec::new(),
        literals: Literals::default(),
        uses_old_self: false,
    };
    checker.globals = checker.scope.len();
    let type_ = checker.check(expr);
    if checker.problems.is_empty() {
        let literals = std::mem::take(&mut checker.literals);
        checker.problems = literals.problems(expr, &|type_| checker.resolved(type_));
    }
    if checker.problems.is_empty() {
        return Ok(Checked {
            type_: checker.resolved(&type_),
            uses_old_self: checker.uses_old_self,
        });
    }
    checker.problems.sort_by_key(|problem| problem.at);
    Err(checker.problems)
}

struct Checker<'a> {
    /// Variables; later ones hide earlier ones.
    scope: Vec<(String, Type<'a>)>,
    globals: usize,
    /// What type variables turned out to be
    bound: Vec<Option<Type<'a>>>,
    problems: Vec<Problem>,
    literals: Literals<'a>,
    uses_old_self: bool,
}

impl<'a> Checker<'a> {
    fn problem(&mut self, at: usize, message: String) -> Type<'a> {
        self.problems.push(Problem { at, message });
        Type::Error
    }

    fn fresh(&mut self) -> Type<'a> {
        self.bound.push(None);
        Type::Var(self.bound.len() - 1)
    }

    fn check(&mut self, expr: &mut Expr) -> Type<'a> {
        let at = expr.at;
        match &mut expr.kind {
            Kind::Literal(literal) => of_literal(literal),
            Kind::Ident(name) => {
                let name = name.clone();
                self.ident(at, &name)
            }
            Kind::Select(select) => self.select(at, select),
            Kind::Call(call) => self.call(at, call),
            Kind::List(items) => self.list(items),
            Kind::Map(entries) => self.map(entries),
            Kind::Fold(fold) => self.fold(at, fold),
            Kind::Message(name) => {
                let message = undeclared(name);
                self.problem(at, message)
            }
        }
    }

    fn ident(&mut self, at: usize, name: &str) -> Type<'a> {
        let found = self.scope.iter().rposition(|(known, _)| known == name);
        if let Some(found) = found {
            self.uses_old_self |= name == "oldSelf" && found < self.globals;
            return self.scope[found].1.clone();
        }
        let simple = match name {
            "bool" => Type::Bool,
            "int" => Type::Int,
            "uint" => Type::Uint,
            "double" => Type::Double,
            "string" => Type::Text,
            "bytes" => Type::Bytes,
            "null_type" => Type::Null,
            "list" => Type::List(Rc::new(Type::Dyn)),
            "map" => Type::Map(Rc::new((Type::Dyn, Type::Dyn))),
            "type" => Type::Meta(Rc::new(Type::Dyn)),
            "optional_type" => Type::Optional(Rc::new(Type::Dyn)),
            _ => return self.problem(at, undeclared(name)),
        };
        Type::Meta(Rc::new(simple))
    }

    fn select(&mut self, at: usize, select: &mut Select) -> Type<'a> {
        if let Some(type_) = qualified_type(select) {
            return Type::Meta(Rc::new(type_));
        }
        let operand = self.check(&mut select.operand);
        let operand = self.resolved(&operand);
        let (target, was_optional) = match operand {
            Type::Optional(inner) => (self.resolved(&inner), true),
            other => (other, false),
        };
        let field = match &target {
            Type::Map(entry) => entry.1.clone(),
            Type::Object(object) => match object.field(&select.field) {
                Some(type_) => type_,
                None => self.problem(at, format!("undefined field '{}'", select.field)),
            },
            Type::Var(_) => {
                self.is_assignable(&Type::Dyn, &target);
                Type::Dyn
            }
            Type::Dyn | Type::Error => Type::Dyn,
            other => {
                let message = format!("type '{other}' does not support field selection");
                self.problem(at, message);
                Type::Dyn
            }
        };
        if select.is_test {
            return Type::Bool;
        }
        if was_optional || select.is_optional {
            return Type::Optional(Rc::new(field));
        }
        field
    }

    fn call(&mut self, at: usize, call: &mut Call) -> Type<'a> {
        let is_format = call.name == "format";
        self.literals.formatted += usize::from(is_format);
        let mut types: Vec<Type<'a>> = call.args.iter_mut().map(|arg| self.check(arg)).collect();
        if matches!(call.name.as_str(), "_&&_" | "_||_") {
            for (arg, type_) in call.args.iter().zip(&types) {
                self.expect_bool(arg.at, type_);
            }
            return Type::Bool;
        }
        if let Some(target) = &mut call.target {
            let qualified = dotted(target).map(|prefix| format!("{prefix}.{}", call.name));
            match qualified.filter(|name| overloads(name).is_some()) {
                Some(name) => {
                    call.name = name;
                    call.target = None;
                }
                None => types.insert(0, self.check(target)),
            }
        }
        self.literals.formatted -= usize::from(is_format);
        let Some(known) = overloads(&call.name) else {
            return self.problem(at, undeclared(&call.name));
        };
        let mut result: Option<Type<'a>> = None;
        for overload in known
            .iter()
            .filter(|o| o.is_method == call.target.is_some())
        {
            let mut fresh = Vec::new();
            let args: Vec<Type<'a>> = overload
                .args()
                .iter()
                .map(|arg| self.instance(arg, &mut fresh))
                .collect();
            if args.len() != types.len() || !self.are_assignable(&types, &args) {
                continue;
            }
            let own = self.instance(&overload.result(), &mut fresh);
            let own = self.resolved(&own);
            result = Some(match result {
                None => own,
                Some(before) if is_same(&before, &own) => before,
                Some(_) => Type::Dyn,
            });
        }
        result.unwrap_or_else(|| {
            let shown = self.signature(&types, call.target.is_some());
            let message = format!(
                "found no matching overload for '{}' applied to '{shown}'",
                call.name
            );
            self.problem(at, message)
        })
    }

    /// `(int, string)`, or `string.(int)` of a method.
    fn signature(&self, types: &[Type<'a>], is_method: bool) -> String {
        let words: Vec<String> = types.iter().map(|t| self.resolved(t).to_string()).collect();
        match words.split_first() {
            Some((receiver, args)) if is_method => format!("{receiver}.({})", args.join(", ")),
            _ => format!("({})", words.join(", ")),
        }
    }

    fn expect_bool(&mut self, at: usize, type_: &Type<'a>) {
        if !self.is_assignable(type_, &Type::Bool) {
            let type_ = self.resolved(type_);
            self.problem(at, format!("expected type 'bool' but found '{type_}'"));
        }
    }

    fn list(&mut self, items: &mut [Item]) -> Type<'a> {
        let mut joined = None;
        let mut types = Vec::with_capacity(items.len());
        for item in items {
            let type_ = self.check(&mut item.value);
            let type_ = self.unwrapped(item.value.at, type_, item.is_optional);
            types.push((item.value.at, type_.clone()));
            joined = Some(self.join(joined, type_));
        }
        self.literals.list(types);
        Type::List(Rc::new(joined.unwrap_or_else(|| self.fresh())))
    }

    fn map(&mut self, entries: &mut [Entry]) -> Type<'a> {
        let (mut keys, mut values) = (None, None);
        let mut types = (Vec::new(), Vec::new());
        for entry in entries {
            let key = self.check(&mut entry.key);
            types.0.push((entry.key.at, key.clone()));
            keys = Some(self.join(keys, key));
            let value = self.check(&mut entry.value);
            let value = self.unwrapped(entry.value.at, value, entry.is_optional);
            types.1.push((entry.value.at, value.clone()));
            values = Some(self.join(values, value));
        }
        self.literals.map(types.0);
        self.literals.map(types.1);
        let key = keys.unwrap_or_else(|| self.fresh());
        let value = values.unwrap_or_else(|| self.fresh());
        Type::Map(Rc::new((key, value)))
    }

    /// What an optional item or value holds.
    fn unwrapped(&mut self, at: usize, type_: Type<'a>, is_optional: bool) -> Type<'a> {
        if !is_optional {
            return type_;
        }
        match self.resolved(&type_) {
            Type::Optional(inner) => (*inner).clone(),
            Type::Dyn => Type::Dyn,
            other => {
                let message = format!("expected type 'optional_type({other})' but found '{other}'");
                self.problem(at, message);
                other
            }
        }
    }

    /// What all items of a list are: anything, when they differ.
    fn join(&mut self, before: Option<Type<'a>>, now: Type<'a>) -> Type<'a> {
        match before {
            None => now,
            Some(before) if self.is_assignable(&before, &now) => {
                if matches!(self.resolved(&before), Type::Dyn) {
                    Type::Dyn
                } else {
                    before
                }
            }
            Some(_) => Type::Dyn,
        }
    }

    fn fold(&mut self, at: usize, fold: &mut Fold) -> Type<'a> {
        let range = self.check(&mut fold.range);
        let range = self.resolved(&range);
        if matches!(fold.kind, FoldKind::OptMap | FoldKind::OptFlatMap) {
            return self.optional_map(at, fold, &range);
        }
        let (first, second) = match &range {
            Type::List(item) if fold.var2.is_some() => (Type::Int, (**item).clone()),
            Type::List(item) => ((**item).clone(), Type::Error),
            Type::Map(entry) => entry.as_ref().clone(),
            Type::Dyn | Type::Error | Type::Var(_) => {
                self.is_assignable(&Type::Dyn, &range);
                (Type::Dyn, Type::Dyn)
            }
            other => {
                let message = format!(
                    "expression of type '{other}' cannot be range of a comprehension (must be \
                     list, map, or dynamic)"
                );
                self.problem(fold.range.at, message);
                (Type::Error, Type::Error)
            }
        };
        let depth = self.scope.len();
        self.scope.push((fold.var.clone(), first.clone()));
        if let Some(name) = &fold.var2 {
            self.scope.push((name.clone(), second));
        }
        let filter = fold.filter.as_mut().map(|filter| self.check(filter));
        let body = self.check(&mut fold.body);
        self.scope.truncate(depth);
        let result = match fold.kind {
            FoldKind::All | FoldKind::Exists => {
                self.expect_bool(fold.body.at, &body);
                return Type::Bool;
            }
            FoldKind::ExistsOne => {
                self.condition(at, &body, &Type::Int);
                return Type::Bool;
            }
            FoldKind::Filter => {
                let list = Type::List(Rc::new(first));
                self.condition(at, &body, &list);
                return list;
            }
            FoldKind::SortBy => return range,
            FoldKind::Map => Type::List(Rc::new(body)),
            FoldKind::TransformMap => Type::Map(Rc::new((first_key(&range), body))),
            FoldKind::TransformMapEntry => match self.resolved(&body) {
                Type::Map(entry) => Type::Map(entry),
                _ => Type::Map(Rc::new((Type::Dyn, Type::Dyn))),
            },
            FoldKind::OptMap | FoldKind::OptFlatMap => Type::Error,
        };
        if let Some(filter) = filter {
            self.condition(at, &filter, &result);
        }
        result
    }

    /// The condition of what a macro is made of: `CONDITION ? RESULT : RESULT`.
    fn condition(&mut self, at: usize, condition: &Type<'a>, result: &Type<'a>) {
        if !self.is_assignable(condition, &Type::Bool) {
            let types = [condition.clone(), result.clone(), result.clone()];
            let shown = self.signature(&types, false);
            let message = format!("found no matching overload for '_?_:_' applied to '{shown}'");
            self.problem(at, message);
        }
    }

    fn optional_map(&mut self, at: usize, fold: &mut Fold, range: &Type<'a>) -> Type<'a> {
        let inner = match range {
            Type::Optional(inner) => (**inner).clone(),
            Type::Dyn | Type::Error | Type::Var(_) => Type::Dyn,
            other => {
                let message =
                    format!("found no matching overload for 'hasValue' applied to '{other}.()'");
                self.problem(at, message);
                Type::Error
            }
        };
        self.scope.push((fold.var.clone(), inner));
        let body = self.check(&mut fold.body);
        self.scope.pop();
        match fold.kind {
            FoldKind::OptMap => Type::Optional(Rc::new(body)),
            _ => body,
        }
    }

    /// A type of a signature with type variables of its own.
    fn instance(&mut self, type_: &Type<'a>, fresh: &mut Vec<(char, Type<'a>)>) -> Type<'a> {
        match type_ {
            Type::Param(name) => {
                if let Some((_, var)) = fresh.iter().find(|(known, _)| known == name) {
                    return var.clone();
                }
                let var = self.fresh();
                fresh.push((*name, var.clone()));
                var
            }
            Type::List(item) => Type::List(Rc::new(self.instance(item, fresh))),
            Type::Map(entry) => {
                let key = self.instance(&entry.0, fresh);
                Type::Map(Rc::new((key, self.instance(&entry.1, fresh))))
            }
            Type::Optional(inner) => Type::Optional(Rc::new(self.instance(inner, fresh))),
            Type::Meta(inner) => Type::Meta(Rc::new(self.instance(inner, fresh))),
            other => other.clone(),
        }
    }

    /// A type with its variables replaced as far as they are known.
    fn resolved(&self, type_: &Type<'a>) -> Type<'a> {
        match type_ {
            Type::Var(at) => match &self.bound[*at] {
                Some(bound) => self.resolved(bound),
                None => type_.clone(),
            },
            Type::List(item) => Type::List(Rc::new(self.resolved(item))),
            Type::Map(entry) => {
                Type::Map(Rc::new((self.resolved(&entry.0), self.resolved(&entry.1))))
            }
            Type::Optional(inner) => Type::Optional(Rc::new(self.resolved(inner))),
            Type::Meta(inner) => Type::Meta(Rc::new(self.resolved(inner))),
            other => other.clone(),
        }
    }

    /// Binds type variables only when all fit.
    fn are_assignable(&mut self, from: &[Type<'a>], to: &[Type<'a>]) -> bool {
        let before = self.bound.clone();
        let fit = from.iter().zip(to).all(|(from, to)| self.unify(from, to));
        if !fit {
            self.bound = before;
        }
        fit
    }

    fn is_assignable(&mut self, from: &Type<'a>, to: &Type<'a>) -> bool {
        self.are_assignable(std::slice::from_ref(from), std::slice::from_ref(to))
    }

    fn unify(&mut self, from: &Type<'a>, to: &Type<'a>) -> bool {
        let (from, to) = (self.shallow(from), self.shallow(to));
        match (&from, &to) {
            (Type::Var(a), Type::Var(b)) if a == b => true,
            (other, Type::Var(at)) | (Type::Var(at), other) => {
                if self.occurs(*at, other) {
                    return false;
                }
                self.bound[*at] = Some(other.clone());
                true
            }
            (Type::Dyn | Type::Error, _) | (_, Type::Dyn | Type::Error) => true,
            (Type::Null, other) | (other, Type::Null) => matches!(
                other,
                Type::Null
                    | Type::Object(_)
                    | Type::Timestamp
                    | Type::Duration
                    | Type::Opaque(_)
                    | Type::Optional(_)
            ),
            (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => {
                self.unify(a, b)
            }
            (Type::Map(a), Type::Map(b)) => self.unify(&a.0, &b.0) && self.unify(&a.1, &b.1),
            (Type::Meta(_), Type::Meta(_)) => true,
            (a, b) => is_same(a, b),
        }
    }

    fn shallow(&self, type_: &Type<'a>) -> Type<'a> {
        match type_ {
            Type::Var(at) => match &self.bound[*at] {
                Some(bound) => self.shallow(bound),
                None => type_.clone(),
            },
            other => other.clone(),
        }
    }

    fn occurs(&self, var: usize, type_: &Type<'a>) -> bool {
        match self.shallow(type_) {
            Type::Var(at) => at == var,
            Type::List(inner) | Type::Optional(inner) | Type::Meta(inner) => {
                self.occurs(var, &inner)
            }
            Type::Map(entry) => self.occurs(var, &entry.0) || self.occurs(var, &entry.1),
            _ => false,
        }
    }
}

fn first_key<'a>(range: &Type<'a>) -> Type<'a> {
    match range {
        Type::List(_) => Type::Int,
        Type::Map(entry) => entry.0.clone(),
        _ => Type::Dyn,
    }
}

/// Whether two types are one and the same.
pub(super) fn is_same(a: &Type<'_>, b: &Type<'_>) -> bool {
    match (a, b) {
        (Type::List(a), Type::List(b))
        | (Type::Optional(a), Type::Optional(b))
        | (Type::Meta(a), Type::Meta(b)) => is_same(a, b),
        (Type::Map(a), Type::Map(b)) => is_same(&a.0, &b.0) && is_same(&a.1, &b.1),
        (Type::Object(a), Type::Object(b)) => std::ptr::eq(a.schema, b.schema),
        (Type::Opaque(a), Type::Opaque(b)) => a == b,
        (Type::Var(a), Type::Var(b)) => a == b,
        (a, b) => {
            std::mem::discriminant(a) == std::mem::discriminant(b) && !matches!(a, Type::Param(_))
        }
    }
}

fn of_literal<'a>(literal: &Literal) -> Type<'a> {
    match literal {
        Literal::Null => Type::Null,
        Literal::Bool(_) => Type::Bool,
        Literal::Int(_) => Type::Int,
        Literal::Uint(_) => Type::Uint,
        Literal::Double(_) => Type::Double,
        Literal::Text(_) => Type::Text,
        Literal::Bytes(_) => Type::Bytes,
    }
}

fn undeclared(name: &str) -> String {
    format!("undeclared reference to '{name}' (in container '')")
}

/// `a.b.c`, when that is all that an expression is.
fn dotted(expr: &Expr) -> Option<String> {
    match &expr.kind {
        Kind::Ident(name) => Some(name.clone()),
        Kind::Select(select) if !select.is_test && !select.is_optional => {
            Some(format!("{}.{}", dotted(&select.operand)?, select.field))
        }
        _ => None,
    }
}

/// Types whose names have dots.
fn qualified_type<'a>(select: &Select) -> Option<Type<'a>> {
    let name = format!("{}.{}", dotted(&select.operand)?, select.field);
    Some(match name.as_str() {
        "google.protobuf.Timestamp" => Type::Timestamp,
        "google.protobuf.Duration" => Type::Duration,
        "net.IP" => Type::Opaque("net.IP"),
        "net.CIDR" => Type::Opaque("net.CIDR"),
        "kubernetes.URL" => Type::Opaque("kubernetes.URL"),
        "kubernetes.Quantity" => Type::Opaque("kubernetes.Quantity"),
        "kubernetes.Semver" => Type::Opaque("kubernetes.Semver"),
        _ => return None,
    })
}
