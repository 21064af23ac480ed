//! Regular expressions with Go's syntax and meaning, run by the regex crate.
//!
//! Both are RE2's children. Go's `\d`, `\w`, `\s` and `\b` are ASCII's, `[` and `&&` are nothing
//! special within brackets, `\Q...\E` quotes, octal escapes exist, and `x**` is an error.

use regex::Regex;
use regex_syntax::ast::{self, ErrorKind};

/// Compiles an expression, or says what is wrong with it in Go's words.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    let translated = translate(pattern)?;
    if let Err(error) = ast::parse::Parser::new().parse(&translated) {
        return Err(go_words(pattern, &translated, &error));
    }
    Regex::new(&translated)
        .map_err(|_| format!("error parsing regexp: expression too large: `{pattern}`"))
}

fn fault(what: &str, at: &str) -> String {
    format!("error parsing regexp: {what}: `{at}`")
}

fn translate(pattern: &str) -> Result<String, String> {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut chars = pattern.char_indices().peekable();
    let mut is_in_class = false;
    // Where the last repetition operator began, while nothing else has followed it.
    let mut repeated: Option<usize> = None;
    while let Some((at, c)) = chars.next() {
        let was_repeated = repeated.take();
        match c {
            '\\' => {
                let Some((_, escaped)) = chars.next() else {
                    return Err(
                        "error parsing regexp: trailing backslash at end of expression: ``"
                            .to_owned(),
                    );
                };
                if escaped == 'Q' && !is_in_class {
                    let rest = &pattern[at + 2..];
                    let quoted = rest.split("\\E").next().unwrap_or(rest);
                    out.push_str(&regex::escape(quoted));
                    let end = at + 2 + quoted.len() + 2;
                    while chars.next_if(|(next, _)| *next < end).is_some() {}
                    continue;
                }
                push_escape(pattern, at, escaped, is_in_class, &mut chars, &mut out)?;
            }
            '[' if !is_in_class => {
                is_in_class = true;
                out.push('[');
                if chars.next_if(|(_, next)| *next == '^').is_some() {
                    out.push('^');
                }
                if chars.next_if(|(_, next)| *next == ']').is_some() {
                    out.push_str("\\]");
                }
            }
            '[' => match posix_class(&pattern[at..]) {
                Some(class) => {
                    let name = class[2..class.len() - 2].trim_start_matches('^');
                    if !POSIX.contains(&name) {
                        return Err(fault("invalid character class range", class));
                    }
                    out.push_str(class);
                    while chars
                        .next_if(|(next, _)| *next < at + class.len())
                        .is_some()
                    {}
                }
                None => out.push_str("\\["),
            },
            ']' if is_in_class => {
                is_in_class = false;
                out.push(']');
            }
            '&' | '~' if is_in_class => {
                out.push('\\');
                out.push(c);
            }
            '-' if is_in_class && out.ends_with('-') && !out.ends_with("\\-") => {
                out.push_str("\\-");
            }
            '*' | '+' | '?' | '{' if !is_in_class => {
                let Some(operator) = operator(pattern, at) else {
                    // "(?" opens a group with flags; a brace may be only a brace.
                    out.push_str(if c == '{' { "\\{" } else { "?" });
                    continue;
                };
                let end = at + operator.len();
                if let Some(first) = was_repeated {
                    return Err(fault(
                        "invalid nested repetition operator",
                        &pattern[first..end],
                    ));
                }
                if c == '{' {
                    check_count(operator.trim_end_matches('?'))?;
                }
                out.push_str(operator);
                while chars.next_if(|(next, _)| *next < end).is_some() {}
                repeated = Some(at);
            }
            '}' if !is_in_class => out.push_str("\\}"),
            _ => out.push(c),
        }
    }
    Ok(out)
}

const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

/// `[:alpha:]` at the start.
fn posix_class(text: &str) -> Option<&str> {
    let end = text.strip_prefix("[:")?.find(":]")?;
    Some(&text[..end + 4])
}

/// The name of a Unicode class behind `\p`, braces included.
fn unicode_class(text: &str) -> &str {
    let length = match text.chars().next() {
        Some('{') => text.find('}').map_or(text.len(), |end| end + 1),
        Some(c) => c.len_utf8(),
        None => 0,
    };
    &text[..length]
}

/// The repetition operator there, with the `?` that makes it lazy.
fn operator(pattern: &str, at: usize) -> Option<&str> {
    let rest = &pattern[at..];
    let length = match rest.chars().next()? {
        '?' if pattern[..at].ends_with('(') => return None,
        '{' => counted(rest)?.len(),
        _ => 1,
    };
    let is_lazy = rest[length..].starts_with('?');
    Some(&rest[..length + usize::from(is_lazy)])
}

/// `{2}`, `{2,}` or `{2,3}` at the start.
fn counted(text: &str) -> Option<&str> {
    let end = text.find('}')?;
    let inner = &text[1..end];
    let (low, high) = inner.split_once(',').unwrap_or((inner, ""));
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    (!low.is_empty() && is_number(low) && is_number(high)).then_some(&text[..=end])
}

fn check_count(text: &str) -> Result<(), String> {
    let inner = &text[1..text.len() - 1];
    let (low, high) = inner.split_once(',').unwrap_or((inner, inner));
    let number = |text: &str| text.parse::<u32>().unwrap_or(u32::MAX);
    let (low, high) = (
        number(low),
        if high.is_empty() {
            number(low)
        } else {
            number(high)
        },
    );
    if low > 1000 || high > 1000 || high < low {
        return Err(fault("invalid repeat count", text));
    }
    Ok(())
}

fn push_escape(
    pattern: &str,
    at: usize,
    escaped: char,
    is_in_class: bool,
    chars: &mut std::iter::Peekable<std::str::CharIndices<'_>>,
    out: &mut String,
) -> Result<(), String> {
    let class = match escaped {
        'd' => "0-9",
        'w' => "0-9A-Za-z_",
        's' => "\\t\\n\\x0c\\r ",
        'D' => "^0-9",
        'W' => "^0-9A-Za-z_",
        'S' => "^\\t\\n\\x0c\\r ",
        _ => "",
    };
    if !class.is_empty() {
        // A class within a class may be negated on its own.
        out.push('[');
        out.push_str(class);
        out.push(']');
        return Ok(());
    }
    match escaped {
        'b' | 'B' if !is_in_class => {
            out.push_str("(?-u:\\");
            out.push(escaped);
            out.push(')');
        }
        'A' | 'z' if !is_in_class => {
            out.push('\\');
            out.push(escaped);
        }
        'p' | 'P' => {
            let name = unicode_class(&pattern[at + 2..]);
            let class = &pattern[at..at + 2 + name.len()];
            if Regex::new(class).is_err() {
                return Err(fault("invalid character class range", class));
            }
            out.push_str(class);
            while chars
                .next_if(|(next, _)| *next < at + class.len())
                .is_some()
            {}
        }
        'a' | 'f' | 'n' | 'r' | 't' | 'v' | 'x' => {
            out.push('\\');
            out.push(escaped);
        }
        '0'..='7' => {
            let mut digits = String::from(escaped);
            while digits.len() < 3 {
                match chars.next_if(|(_, next)| ('0'..='7').contains(next)) {
                    Some((_, next)) => digits.push(next),
                    None => break,
                }
            }
            if escaped != '0' && digits.len() == 1 {
                return Err(fault("invalid escape sequence", &pattern[at..at + 2]));
            }
            let value = u32::from_str_radix(&digits, 8).unwrap_or(0);
            out.push_str(&format!("\\x{{{value:x}}}"));
        }
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => {
            out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
            if "-&~".contains(c) && !out.ends_with(&format!("\\{c}")) {
                out.pop();
                out.push('\\');
                out.push(c);
            }
        }
        c => {
            let end = at + 1 + c.len_utf8();
            return Err(fault("invalid escape sequence", &pattern[at..end]));
        }
    }
    Ok(())
}

/// Go's words for what the regex crate found. Where it points to is taken from the original when
/// both are the same up to there.
fn go_words(pattern: &str, translated: &str, error: &ast::Error) -> String {
    let start = error.span().start.offset;
    let end = error.span().end.offset.max(start);
    let is_same = translated.get(..start) == pattern.get(..start);
    let (text, rest) = if is_same {
        (
            pattern.get(start..end).unwrap_or_default(),
            pattern.get(start..).unwrap_or_default(),
        )
    } else {
        (
            translated.get(start..end).unwrap_or_default(),
            translated.get(start..).unwrap_or_default(),
        )
    };
    match error.kind() {
        ErrorKind::ClassUnclosed => fault("missing closing ]", rest),
        ErrorKind::ClassRangeInvalid | ErrorKind::ClassRangeLiteral => {
            fault("invalid character class range", text)
        }
        ErrorKind::GroupUnclosed => fault("missing closing )", pattern),
        ErrorKind::GroupUnopened => fault("unexpected )", pattern),
        ErrorKind::RepetitionMissing => {
            // The crate points behind the operator's operand; Go shows the operator.
            let operator = rest.chars().next().map(String::from).unwrap_or_default();
            fault("missing argument to repetition operator", &operator)
        }
        ErrorKind::UnsupportedLookAround => fault("invalid or unsupported Perl syntax", text),
        ErrorKind::FlagUnrecognized
        | ErrorKind::FlagUnexpectedEof
        | ErrorKind::FlagDuplicate { .. }
        | ErrorKind::FlagDanglingNegation
        | ErrorKind::FlagRepeatedNegation { .. } => {
            let group = pattern[..start.min(pattern.len())].rfind("(?");
            let shown = group.map_or(text, |from| {
                pattern.get(from..end.min(pattern.len())).unwrap_or(text)
            });
            fault("invalid or unsupported Perl syntax", shown)
        }
        ErrorKind::GroupNameDuplicate { .. } => fault("duplicate capture group name", text),
        ErrorKind::GroupNameInvalid
        | ErrorKind::GroupNameEmpty
        | ErrorKind::GroupNameUnexpectedEof => fault("invalid named capture", rest),
        ErrorKind::NestLimitExceeded(_) => {
            "error parsing regexp: expression nests too deeply: ``".to_owned()
        }
        ErrorKind::EscapeHexEmpty
        | ErrorKind::EscapeHexInvalid
        | ErrorKind::EscapeHexInvalidDigit
        | ErrorKind::EscapeUnexpectedEof
        | ErrorKind::EscapeUnrecognized => fault("invalid escape sequence", text),
        _ => fault("invalid character class range", text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expectations are those of Go's regexp package.
    #[test]
    fn errors_read_as_in_go() {
        for (pattern, words) in [
            ("[a-", "missing closing ]: `[a-`"),
            ("(a", "missing closing ): `(a`"),
            ("a)", "unexpected ): `a)`"),
            ("*", "missing argument to repetition operator: `*`"),
            ("(*a)", "missing argument to repetition operator: `*`"),
            ("a**", "invalid nested repetition operator: `**`"),
            ("a+*?", "invalid nested repetition operator: `+*?`"),
            ("a???", "invalid nested repetition operator: `???`"),
            ("a{2}*", "invalid nested repetition operator: `{2}*`"),
            ("x{2}{3}", "invalid nested repetition operator: `{2}{3}`"),
            ("a{1001}", "invalid repeat count: `{1001}`"),
            ("a{2,1}", "invalid repeat count: `{2,1}`"),
            ("\\y", "invalid escape sequence: `\\y`"),
            ("\\1", "invalid escape sequence: `\\1`"),
            ("[\\b]", "invalid escape sequence: `\\b`"),
            ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
            ("(?y)a", "invalid or unsupported Perl syntax: `(?y`"),
            ("[z-a]", "invalid character class range: `z-a`"),
            ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
            ("\\pX", "invalid character class range: `\\pX`"),
            ("\\", "trailing backslash at end of expression: ``"),
        ] {
            let error = compile(pattern).expect_err(pattern);
            assert_eq!(error, format!("error parsing regexp: {words}"), "{pattern}");
        }
    }

    #[test]
    fn what_go_takes_means_what_it_means_in_go() {
        for (pattern, yes, no) in [
            ("^\\d$", "1", "\u{663}"),
            ("^\\w+$", "a_1", "é"),
            ("^[\\w-.]+$", "a-.", "+"),
            ("^[^\\d]$", "a", "1"),
            ("^[[a]$", "[", "b"),
            ("^[a&&b]+$", "&", "c"),
            ("^[]a]$", "]", "b"),
            ("^\\Qa*\\E+$", "a**", "aa"),
            ("^a{,2}$", "a{,2}", "aa"),
            ("^a{1$", "a{1", "a"),
            ("^[[:alpha:]-z]+$", "b-", "1"),
            ("^\\101$", "A", "101"),
            ("^\\pL\\.$", "é.", "1."),
            ("(?i)^ab$", "AB", "ac"),
            ("^.$", "é", "ab"),
            ("\\bfoo\\b", "a foo", "afoo"),
            ("^a??b$", "ab", "aab"),
            ("^[\\D\\d]$", "x", "xx"),
        ] {
            let regex = compile(pattern).expect(pattern);
            assert!(regex.is_match(yes), "{pattern} {yes}");
            assert!(!regex.is_match(no), "{pattern} {no}");
        }
    }
}
