//! A short string that matches a regular expression.

use regex_syntax::hir::{Class, Hir, HirKind};

/// How often a repetition without end may be gone through to reach a length.
const MOST: u32 = 256;

/// Strings that match `pattern`, of growing length; empty when it cannot be read. The caller checks
/// them: look-arounds such as `\b` are not taken into account.
pub(super) fn examples(pattern: &str) -> impl Iterator<Item = String> {
    let parsed = regex_syntax::parse(pattern).ok();
    let more = [0, 1, 2, 3, 5, 8, 16, 32, 64, 128, MOST];
    parsed.into_iter().flat_map(move |hir| {
        more.map(|more| {
            let mut out = String::new();
            write(&hir, more, &mut out);
            out
        })
    })
}

/// `more`: how often a repetition is gone through beyond its least.
fn write(hir: &Hir, more: u32, out: &mut String) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(class) => out.extend(pick(class)),
        HirKind::Capture(capture) => write(&capture.sub, more, out),
        HirKind::Concat(parts) => parts.iter().for_each(|part| write(part, more, out)),
        HirKind::Alternation(choices) => {
            if let Some(first) = choices.first() {
                write(first, more, out);
            }
        }
        HirKind::Repetition(repetition) => {
            let wanted = repetition.min.saturating_add(more).min(MOST);
            let times = repetition
                .max
                .map_or(wanted, |max| wanted.min(max))
                .max(repetition.min.min(MOST));
            // Nested repetitions multiply: the inner ones stay at their least.
            for _ in 0..times {
                write(&repetition.sub, 0, out);
            }
        }
    }
}

/// A character that reads well, if the class has one.
fn pick(class: &Class) -> Option<char> {
    let ranges: Vec<(char, char)> = match class {
        Class::Unicode(class) => class
            .ranges()
            .iter()
            .map(|r| (r.start(), r.end()))
            .collect(),
        Class::Bytes(class) => class
            .ranges()
            .iter()
            .map(|r| (char::from(r.start()), char::from(r.end())))
            .collect(),
    };
    let has = |c: char| ranges.iter().any(|(low, high)| (*low..=*high).contains(&c));
    ['a', 'A', '1', '0', '-', '_', '.', '/', ' ']
        .into_iter()
        .find(|c| has(*c))
        .or_else(|| ('!'..='~').find(|c| has(*c)))
        .or_else(|| ranges.first().map(|(low, _)| *low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_match() {
        for pattern in [
            "^[a-z]+$",
            "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
            r"^\d{3}-[A-F]{2}$",
            "^(v1|v2)(alpha|beta)?$",
            r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$",
            r"^/[^/]+$",
            "[^a-z]",
        ] {
            let regex = regex::Regex::new(pattern).unwrap();
            assert!(
                examples(pattern).any(|e| regex.is_match(&e)),
                "{pattern}: {:?}",
                examples(pattern).next()
            );
        }
        assert_eq!(examples("(").count(), 0);
    }
}
