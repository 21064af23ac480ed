//! Parsing of CEL, with the macros that Kubernetes has.

use super::ast::{Call, Entry, Expr, Fold, FoldKind, Item, Kind, Literal, Select};
use super::lex::{Lexeme, Token, tokens};

/// cel-go's limits.
const MAX_LENGTH: usize = 100_000;
/// Deeper expressions, and longer chains of operators, are refused before the stack is; cel-go takes
/// some more.
const MAX_DEPTH: usize = 50;
const MAX_CHAIN: usize = 100;
const TOO_DEEP: &str = "expression recursion limit exceeded: 250";

/// What looks like a name but is none.
const WORDS: [&str; 4] = ["true", "false", "null", "in"];
const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// What is wrong, and where: the number of characters before it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Problem {
    pub(super) at: usize,
    pub(super) message: String,
}

/// The expression in a text, or what is wrong with it.
pub(super) fn parse(source: &str) -> Result<Expr, Vec<Problem>> {
    if source.chars().count() > MAX_LENGTH {
        let size = source.chars().count();
        let message =
            format!("expression code point size exceeds limit: size: {size}, limit {MAX_LENGTH}");
        return Err(vec![Problem { at: 0, message }]);
    }
    let Some(tokens) = tokens(source) else {
        return Err(syntax_errors(source, 0));
    };
    let mut parser = Parser {
        end: source.chars().count(),
        tokens,
        next: 0,
        depth: 0,
        problems: Vec::new(),
    };
    let parsed = parser.expression();
    let at = parser.at();
    match parsed {
        _ if !parser.problems.is_empty() => Err(parser.problems),
        Some(expr) if parser.next == parser.tokens.len() => Ok(expr),
        _ => Err(syntax_errors(source, at)),
    }
}

/// The errors of the grammar's own parser, whose words are ANTLR's.
fn syntax_errors(source: &str, at: usize) -> Vec<Problem> {
    let plain = || {
        vec![Problem {
            at,
            message: "Syntax error".to_owned(),
        }]
    };
    let opening = source.chars().filter(|c| "([{?".contains(*c)).count();
    if opening > MAX_DEPTH {
        return plain();
    }
    // A parser that is made of what ANTLR generates is not trusted with anybody's text.
    let parsed = std::panic::catch_unwind(|| {
        let parser = kube_cel::cel::parser::Parser::default().enable_optional_syntax(true);
        parser.parse(source).map(|_| ())
    });
    let Ok(Err(errors)) = parsed else {
        return plain();
    };
    let offset = |(line, column): (isize, isize)| {
        let line = usize::try_from(line - 1).unwrap_or_default();
        let before: usize = source
            .split('\n')
            .take(line)
            .map(|line| line.chars().count() + 1)
            .sum();
        before + usize::try_from(column - 1).unwrap_or_default()
    };
    let problems: Vec<Problem> = errors
        .errors
        .iter()
        .map(|error| Problem {
            at: offset(error.pos),
            message: error.msg.clone(),
        })
        .collect();
    if problems.is_empty() {
        plain()
    } else {
        problems
    }
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    end: usize,
    depth: usize,
    /// Errors after which parsing goes on
    problems: Vec<Problem>,
}

impl Parser {
    fn at(&self) -> usize {
        self.tokens
            .get(self.next)
            .map_or(self.end, |token| token.at)
    }

    fn peek(&self) -> Option<&Lexeme> {
        self.tokens.get(self.next).map(|token| &token.kind)
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self.peek(), Some(Lexeme::Symbol(next)) if *next == symbol)
    }

    /// Takes a symbol, and tells where it was.
    fn take(&mut self, symbol: &str) -> Option<usize> {
        let at = self.at();
        self.is_symbol(symbol).then(|| {
            self.next += 1;
            at
        })
    }

    fn problem(&mut self, at: usize, message: impl Into<String>) {
        let message = message.into();
        self.problems.push(Problem { at, message });
    }

    /// `None` is a syntax error at the token that was reached.
    fn expression(&mut self) -> Option<Expr> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let at = self.at();
            self.problem(at, TOO_DEEP);
            return None;
        }
        let condition = self.disjunction()?;
        let expr = match self.take("?") {
            None => condition,
            Some(at) => {
                let yes = self.disjunction()?;
                self.take(":")?;
                let no = self.expression()?;
                call(at, "_?_:_", vec![condition, yes, no])
            }
        };
        self.depth -= 1;
        Some(expr)
    }

    /// Chains of `||` and `&&` are one call each, so that long ones do not nest.
    fn disjunction(&mut self) -> Option<Expr> {
        let first = self.conjunction()?;
        let Some(at) = self.take("||") else {
            return Some(first);
        };
        let mut args = vec![first, self.conjunction()?];
        while self.take("||").is_some() {
            args.push(self.conjunction()?);
        }
        Some(call(at, "_||_", args))
    }

    fn conjunction(&mut self) -> Option<Expr> {
        let first = self.relation()?;
        let Some(at) = self.take("&&") else {
            return Some(first);
        };
        let mut args = vec![first, self.relation()?];
        while self.take("&&").is_some() {
            args.push(self.relation()?);
        }
        Some(call(at, "_&&_", args))
    }

    /// Whether a chain of operators is still of a length that may be nested.
    fn is_short(&mut self, length: &mut usize) -> bool {
        *length += 1;
        let is_short = *length <= MAX_CHAIN;
        if !is_short {
            let at = self.at();
            self.problem(at, TOO_DEEP);
        }
        is_short
    }

    fn relation(&mut self) -> Option<Expr> {
        let mut left = self.sum()?;
        let mut length = 0;
        while self.is_short(&mut length) {
            let name = match self.peek() {
                Some(Lexeme::Symbol("<")) => "_<_",
                Some(Lexeme::Symbol("<=")) => "_<=_",
                Some(Lexeme::Symbol(">")) => "_>_",
                Some(Lexeme::Symbol(">=")) => "_>=_",
                Some(Lexeme::Symbol("==")) => "_==_",
                Some(Lexeme::Symbol("!=")) => "_!=_",
                Some(Lexeme::Ident(word)) if word == "in" => "@in",
                _ => return Some(left),
            };
            let at = self.at();
            self.next += 1;
            left = call(at, name, vec![left, self.sum()?]);
        }
        None
    }

    fn sum(&mut self) -> Option<Expr> {
        let mut left = self.product()?;
        let mut length = 0;
        while self.is_short(&mut length) {
            let name = match self.peek() {
                Some(Lexeme::Symbol("+")) => "_+_",
                Some(Lexeme::Symbol("-")) => "_-_",
                _ => return Some(left),
            };
            let at = self.at();
            self.next += 1;
            left = call(at, name, vec![left, self.product()?]);
        }
        None
    }

    fn product(&mut self) -> Option<Expr> {
        let mut left = self.unary()?;
        let mut length = 0;
        while self.is_short(&mut length) {
            let name = match self.peek() {
                Some(Lexeme::Symbol("*")) => "_*_",
                Some(Lexeme::Symbol("/")) => "_/_",
                Some(Lexeme::Symbol("%")) => "_%_",
                _ => return Some(left),
            };
            let at = self.at();
            self.next += 1;
            left = call(at, name, vec![left, self.unary()?]);
        }
        None
    }

    fn unary(&mut self) -> Option<Expr> {
        for (symbol, name) in [("!", "!_"), ("-", "-_")] {
            let is_literal = symbol == "-" && self.is_symbol("-") && self.is_negative_literal();
            if is_literal || !self.is_symbol(symbol) {
                continue;
            }
            let at = self.at();
            let mut count = 0;
            while self.take(symbol).is_some() {
                count += 1;
            }
            let operand = self.member()?;
            return Some(if count % 2 == 0 {
                operand
            } else {
                call(at, name, vec![operand])
            });
        }
        self.member()
    }

    fn is_negative_literal(&self) -> bool {
        let next = self.tokens.get(self.next + 1).map(|token| &token.kind);
        matches!(next, Some(Lexeme::Int(_) | Lexeme::Double(_)))
    }

    fn member(&mut self) -> Option<Expr> {
        let mut operand = self.primary()?;
        let mut length = 0;
        while self.is_short(&mut length) {
            if let Some(at) = self.take("[") {
                let is_optional = self.take("?").is_some();
                let index = self.expression()?;
                self.take("]")?;
                let name = if is_optional { "_[?_]" } else { "_[_]" };
                operand = call(at, name, vec![operand, index]);
                continue;
            }
            let Some(at) = self.take(".") else {
                return Some(operand);
            };
            let is_optional = self.take("?").is_some();
            let (name, is_escaped) = match self.peek()? {
                Lexeme::Ident(name) if !WORDS.contains(&name.as_str()) => (name.clone(), false),
                Lexeme::Escaped(name) => (name.clone(), true),
                _ => return None,
            };
            self.next += 1;
            let open = if is_optional || is_escaped {
                None
            } else {
                self.take("(")
            };
            operand = match open {
                Some(open) => {
                    let args = self.arguments(")")?;
                    self.method(open, name, operand, args)
                }
                None => Expr {
                    at,
                    kind: Kind::Select(Box::new(Select {
                        operand,
                        field: name,
                        is_test: false,
                        is_optional,
                    })),
                },
            };
        }
        None
    }

    fn arguments(&mut self, close: &str) -> Option<Vec<Expr>> {
        let mut args = Vec::new();
        if self.take(close).is_some() {
            return Some(args);
        }
        loop {
            args.push(self.expression()?);
            if self.take(close).is_some() {
                return Some(args);
            }
            self.take(",")?;
        }
    }

    fn primary(&mut self) -> Option<Expr> {
        let at = self.at();
        let token = self.peek()?.clone();
        self.next += 1;
        let literal = |literal| {
            Some(Expr {
                at,
                kind: Kind::Literal(literal),
            })
        };
        match token {
            Lexeme::Symbol("(") => {
                let inner = self.expression()?;
                self.take(")")?;
                Some(inner)
            }
            Lexeme::Symbol("[") => self.list(at),
            Lexeme::Symbol("{") => self.map(at),
            Lexeme::Symbol("-") => {
                let number = match self.peek()?.clone() {
                    Lexeme::Int(text) => self.int(at, &text, true),
                    Lexeme::Double(text) => self.double(at, &text, true),
                    _ => return None,
                };
                self.next += 1;
                literal(number)
            }
            Lexeme::Symbol(".") => {
                let Some(Lexeme::Ident(name)) = self.peek().cloned() else {
                    return None;
                };
                let at = self.at();
                self.next += 1;
                self.named(at, name)
            }
            Lexeme::Symbol(_) | Lexeme::Escaped(_) => {
                self.next -= 1;
                None
            }
            Lexeme::Int(text) => {
                let number = self.int(at, &text, false);
                literal(number)
            }
            Lexeme::Uint(text) => {
                let number = match text.strip_prefix("0x") {
                    Some(digits) => u64::from_str_radix(digits, 16),
                    None => text.parse(),
                };
                if number.is_err() {
                    self.problem(at, "invalid uint literal");
                }
                literal(Literal::Uint(number.unwrap_or_default()))
            }
            Lexeme::Double(text) => {
                let number = self.double(at, &text, false);
                literal(number)
            }
            Lexeme::Text(text) => literal(Literal::Text(text)),
            Lexeme::Bytes(bytes) => literal(Literal::Bytes(bytes)),
            Lexeme::Ident(word) => match word.as_str() {
                "true" => literal(Literal::Bool(true)),
                "false" => literal(Literal::Bool(false)),
                "null" => literal(Literal::Null),
                "in" => {
                    self.next -= 1;
                    None
                }
                _ => self.named(at, word),
            },
        }
    }

    fn int(&mut self, at: usize, text: &str, is_negative: bool) -> Literal {
        let sign = if is_negative { "-" } else { "" };
        let number = match text.strip_prefix("0x") {
            Some(digits) => i64::from_str_radix(&format!("{sign}{digits}"), 16),
            None => format!("{sign}{text}").parse(),
        };
        if number.is_err() {
            self.problem(at, "invalid int literal");
        }
        Literal::Int(number.unwrap_or_default())
    }

    fn double(&mut self, at: usize, text: &str, is_negative: bool) -> Literal {
        let number: f64 = text.parse().unwrap_or(f64::INFINITY);
        if number.is_infinite() {
            self.problem(at, "invalid double literal");
        }
        Literal::Double(if is_negative { -number } else { number })
    }

    /// An identifier, a function, or a message.
    fn named(&mut self, at: usize, name: String) -> Option<Expr> {
        if RESERVED.contains(&name.as_str()) {
            self.problem(at, format!("reserved identifier: {name}"));
        }
        if let Some(open) = self.take("(") {
            let args = self.arguments(")")?;
            return Some(self.function(open, name, args));
        }
        // A message has a name with dots, and braces behind it.
        let mut ahead = self.next;
        let lexeme = |at: usize| self.tokens.get(at).map(|token| &token.kind);
        while matches!(lexeme(ahead), Some(Lexeme::Symbol(".")))
            && matches!(lexeme(ahead + 1), Some(Lexeme::Ident(_)))
        {
            ahead += 2;
        }
        if matches!(lexeme(ahead), Some(Lexeme::Symbol("{"))) {
            let mut full = name;
            for token in &self.tokens[self.next..ahead] {
                match &token.kind {
                    Lexeme::Ident(part) => full.push_str(part),
                    _ => full.push('.'),
                }
            }
            let at = self.tokens[ahead].at;
            self.next = ahead + 1;
            self.fields()?;
            return Some(Expr {
                at,
                kind: Kind::Message(full),
            });
        }
        Some(Expr {
            at,
            kind: Kind::Ident(name),
        })
    }

    /// The fields of a message, which are of no use: no message type is known.
    fn fields(&mut self) -> Option<()> {
        loop {
            if self.take("}").is_some() {
                return Some(());
            }
            self.take("?");
            match self.peek()? {
                Lexeme::Ident(_) | Lexeme::Escaped(_) => self.next += 1,
                _ => return None,
            }
            self.take(":")?;
            self.expression()?;
            if self.take(",").is_none() && !self.is_symbol("}") {
                return None;
            }
        }
    }

    fn list(&mut self, at: usize) -> Option<Expr> {
        let mut items = Vec::new();
        loop {
            if self.take("]").is_some() {
                let kind = Kind::List(items);
                return Some(Expr { at, kind });
            }
            let is_optional = self.take("?").is_some();
            let value = self.expression()?;
            items.push(Item { value, is_optional });
            if self.take(",").is_none() && !self.is_symbol("]") {
                return None;
            }
        }
    }

    fn map(&mut self, at: usize) -> Option<Expr> {
        let mut entries = Vec::new();
        loop {
            if self.take("}").is_some() {
                let kind = Kind::Map(entries);
                return Some(Expr { at, kind });
            }
            let is_optional = self.take("?").is_some();
            let key = self.expression()?;
            self.take(":")?;
            let value = self.expression()?;
            entries.push(Entry {
                key,
                value,
                is_optional,
            });
            if self.take(",").is_none() && !self.is_symbol("}") {
                return None;
            }
        }
    }

    fn function(&mut self, at: usize, name: String, mut args: Vec<Expr>) -> Expr {
        if name != "has" || args.len() != 1 {
            return call(at, &name, args);
        }
        match &mut args[0].kind {
            Kind::Select(select) if !select.is_optional && !select.is_test => {
                select.is_test = true;
            }
            _ => self.problem(args[0].at, "invalid argument to has() macro"),
        }
        args[0].at = at;
        args.swap_remove(0)
    }

    fn method(&mut self, at: usize, name: String, target: Expr, args: Vec<Expr>) -> Expr {
        let Some((kind, vars, has_filter)) = fold_kind(&name, args.len()) else {
            return Expr {
                at,
                kind: Kind::Call(Box::new(Call {
                    name,
                    target: Some(target),
                    args,
                })),
            };
        };
        let mut args = args.into_iter();
        let mut names = Vec::new();
        for arg in args.by_ref().take(vars) {
            match arg.kind {
                Kind::Ident(name) => names.push(name),
                _ => self.problem(arg.at, not_a_name(kind)),
            }
        }
        let filter = if has_filter { args.next() } else { None };
        let (Some(body), Some(var)) = (args.next(), names.first().cloned()) else {
            return target;
        };
        let var2 = names.get(1).cloned();
        if var2.as_ref() == Some(&var) {
            self.problem(at, format!("duplicate variable name: {var}"));
        }
        Expr {
            at,
            kind: Kind::Fold(Box::new(Fold {
                kind,
                range: target,
                var,
                var2,
                filter,
                body,
            })),
        }
    }
}

fn not_a_name(kind: FoldKind) -> &'static str {
    match kind {
        FoldKind::Map => "argument is not an identifier",
        FoldKind::OptMap => "optMap() variable name must be a simple identifier",
        FoldKind::OptFlatMap => "optFlatMap() variable name must be a simple identifier",
        _ => "argument must be a simple name",
    }
}

/// Whether a method is a macro, how many variables it has, and whether a filter follows them.
fn fold_kind(name: &str, args: usize) -> Option<(FoldKind, usize, bool)> {
    Some(match (name, args) {
        ("all", 2) => (FoldKind::All, 1, false),
        ("all", 3) => (FoldKind::All, 2, false),
        ("exists", 2) => (FoldKind::Exists, 1, false),
        ("exists", 3) => (FoldKind::Exists, 2, false),
        ("exists_one", 2) => (FoldKind::ExistsOne, 1, false),
        ("exists_one" | "existsOne", 3) => (FoldKind::ExistsOne, 2, false),
        ("map", 2) => (FoldKind::Map, 1, false),
        ("map", 3) => (FoldKind::Map, 1, true),
        ("filter", 2) => (FoldKind::Filter, 1, false),
        ("transformList", 3) => (FoldKind::Map, 2, false),
        ("transformList", 4) => (FoldKind::Map, 2, true),
        ("transformMap", 3) => (FoldKind::TransformMap, 2, false),
        ("transformMap", 4) => (FoldKind::TransformMap, 2, true),
        ("transformMapEntry", 3) => (FoldKind::TransformMapEntry, 2, false),
        ("transformMapEntry", 4) => (FoldKind::TransformMapEntry, 2, true),
        ("sortBy", 2) => (FoldKind::SortBy, 1, false),
        ("optMap", 2) => (FoldKind::OptMap, 1, false),
        ("optFlatMap", 2) => (FoldKind::OptFlatMap, 1, false),
        _ => return None,
    })
}

fn call(at: usize, name: &str, args: Vec<Expr>) -> Expr {
    Expr {
        at,
        kind: Kind::Call(Box::new(Call {
            name: name.to_owned(),
            target: None,
            args,
        })),
    }
}
