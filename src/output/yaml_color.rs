//! Colour for YAML as our serializer writes it: block style, a key a line.

use super::Paint;
use super::printer::paint as painted;

/// Paints keys and scalars. Takes the serializer's output, not any YAML.
pub(super) fn paint(yaml: &str) -> String {
    let mut out = String::with_capacity(yaml.len() * 2);
    // The indentation of the line that opened a block scalar: what is deeper is its text.
    let mut block: Option<usize> = None;
    for line in yaml.split_inclusive('\n') {
        let (line, end) = line
            .strip_suffix('\n')
            .map_or((line, ""), |line| (line, "\n"));
        let indent = line.len() - line.trim_start_matches(' ').len();
        if block.is_some_and(|opened| line.trim().is_empty() || indent > opened) {
            out.push_str(&line[..indent]);
            out.push_str(&painted(true, Paint::Value, &line[indent..]));
        } else {
            block = structure(line, &mut out);
        }
        out.push_str(end);
    }
    out
}

/// Paints a line that is not within a block scalar; the indentation of its key or item when it
/// opens one.
fn structure(line: &str, out: &mut String) -> Option<usize> {
    let mut rest = line.trim_start_matches(' ');
    let mut owner = line.len() - rest.len();
    while let Some(item) = rest.strip_prefix("- ") {
        owner = line.len() - rest.len();
        rest = item.trim_start_matches(' ');
    }
    let start = line.len() - rest.len();
    out.push_str(&line[..start]);
    if let Some(key) = key_length(rest) {
        owner = start;
        out.push_str(&painted(true, Paint::Key, &rest[..key]));
        out.push(':');
        rest = &rest[key + 1..];
    }
    let scalar = rest.trim_start_matches(' ');
    out.push_str(&rest[..rest.len() - scalar.len()]);
    let opens = scalar.starts_with(['|', '>']);
    out.push_str(&painted(true, role(scalar), scalar));
    opens.then_some(owner)
}

/// Bytes before the colon that ends a key; `None` when the line holds a scalar alone.
fn key_length(text: &str) -> Option<usize> {
    let after_quotes = match text.chars().next()? {
        '"' => closing(text)?,
        '\'' => return None,
        _ => 0,
    };
    let colon = after_quotes + text[after_quotes..].find(':')?;
    match text[colon + 1..].chars().next() {
        None | Some(' ') => Some(colon),
        // `a:b: 1` has its colon further on; quoted keys end at their quote.
        Some(_) if after_quotes == 0 => {
            let further = text[colon + 1..].find(": ").map(|at| colon + 1 + at);
            further.or_else(|| text.ends_with(':').then(|| text.len() - 1))
        }
        Some(_) => None,
    }
}

/// Bytes up to and with the quote that closes the one at the start.
fn closing(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().skip(1).find_map(|(at, c)| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes.then_some(at + 1)
    })
}

fn role(scalar: &str) -> Paint {
    let plain = matches!(scalar, "true" | "false" | "null" | "~") || scalar.parse::<f64>().is_ok();
    match scalar.chars().next() {
        None | Some('|' | '>' | '{' | '[') if !plain => Paint::Plain,
        _ if plain => Paint::Literal,
        _ => Paint::Value,
    }
}
