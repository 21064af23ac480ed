//! Functions of texts: the standard ones, cel-go's extension, and Kubernetes' regular expressions.

use super::super::go;
use super::super::regexp;
use super::eval::{Evaluated, Failure};
use super::library::{as_text, text_list, texts};
use super::printf;
use super::value::Val;

pub(super) fn call<'a>(name: &str, args: &[Val<'a>]) -> Option<Evaluated<'a>> {
    if name == "join" {
        let (list, separator) = match args {
            [Val::List(list)] => (list, ""),
            [Val::List(list), separator] => (list, as_text(separator)?),
            _ => return None,
        };
        return Some(Ok(Val::text(texts(list)?.join(separator))));
    }
    let (receiver, rest) = args.split_first()?;
    let receiver = as_text(receiver)?;
    let is = |is: bool| Ok(Val::Bool(is));
    let text = |text: &str| Ok(Val::text(text));
    Some(match (name, rest) {
        ("contains", [other]) => is(receiver.contains(as_text(other)?)),
        ("startsWith", [other]) => is(receiver.starts_with(as_text(other)?)),
        ("endsWith", [other]) => is(receiver.ends_with(as_text(other)?)),
        ("matches", [pattern]) => match regexp::compile(as_text(pattern)?) {
            Ok(regex) => is(regex.is_match(receiver)),
            Err(error) => Err(Failure::Error(error)),
        },
        ("find", [pattern]) => match regexp::compile(as_text(pattern)?) {
            Ok(regex) => text(regex.find(receiver).map_or("", |found| found.as_str())),
            Err(error) => Err(format!("Illegal regex: {error}").into()),
        },
        ("findAll", [pattern]) => find_all(receiver, as_text(pattern)?, -1),
        ("findAll", [pattern, Val::Int(most)]) => find_all(receiver, as_text(pattern)?, *most),
        ("charAt", [Val::Int(at)]) => char_at(receiver, *at),
        ("indexOf", [other]) => index_of(receiver, as_text(other)?, 0),
        ("indexOf", [other, Val::Int(from)]) => index_of(receiver, as_text(other)?, *from),
        ("lastIndexOf", [other]) => last_index_of(receiver, as_text(other)?, None),
        ("lastIndexOf", [other, Val::Int(from)]) => {
            last_index_of(receiver, as_text(other)?, Some(*from))
        }
        ("lowerAscii", []) => text(&receiver.to_ascii_lowercase()),
        ("upperAscii", []) => text(&receiver.to_ascii_uppercase()),
        ("trim", []) => text(receiver.trim()),
        ("replace", [old, new]) => text(&receiver.replace(as_text(old)?, as_text(new)?)),
        ("replace", [old, new, Val::Int(most)]) => {
            let (old, new) = (as_text(old)?, as_text(new)?);
            text(&match usize::try_from(*most) {
                Ok(most) => receiver.replacen(old, new, most),
                Err(_) => receiver.replace(old, new),
            })
        }
        ("split", [separator]) => Ok(split(receiver, as_text(separator)?, -1)),
        ("split", [separator, Val::Int(most)]) => Ok(split(receiver, as_text(separator)?, *most)),
        ("substring", [Val::Int(from)]) => substring(receiver, *from, None),
        ("substring", [Val::Int(from), Val::Int(to)]) => substring(receiver, *from, Some(*to)),
        ("strings.quote", []) => text(&quote(receiver)),
        ("format", [Val::List(list)]) => printf::format(receiver, list),
        _ => return None,
    })
}

fn out_of_range<'a>(at: i64) -> Evaluated<'a> {
    Err(format!("index out of range: {at}").into())
}

fn find_all<'a>(text: &str, pattern: &str, most: i64) -> Evaluated<'a> {
    match regexp::compile(pattern) {
        Ok(regex) => {
            let most = usize::try_from(most).unwrap_or(usize::MAX);
            Ok(text_list(
                regex.find_iter(text).take(most).map(|found| found.as_str()),
            ))
        }
        Err(error) => Err(format!("Illegal regex: {error}").into()),
    }
}

fn char_at<'a>(text: &str, at: i64) -> Evaluated<'a> {
    let length = text.chars().count();
    match usize::try_from(at) {
        Ok(at) if at < length => Ok(Val::text(
            text.chars().nth(at).map(String::from).unwrap_or_default(),
        )),
        Ok(at) if at == length => Ok(Val::text("")),
        _ => out_of_range(at),
    }
}

fn place<'a>(at: Option<usize>) -> Evaluated<'a> {
    Ok(Val::Int(
        at.map_or(-1, |at| i64::try_from(at).unwrap_or(i64::MAX)),
    ))
}

fn index_of<'a>(text: &str, other: &str, from: i64) -> Evaluated<'a> {
    if other.is_empty() {
        return Ok(Val::Int(from));
    }
    let Ok(from_char) = usize::try_from(from) else {
        return out_of_range(from);
    };
    let Some((start, _)) = text.char_indices().nth(from_char) else {
        return Ok(Val::Int(-1));
    };
    let found = text[start..].find(other);
    place(found.map(|found| from_char + text[start..start + found].chars().count()))
}

fn last_index_of<'a>(text: &str, other: &str, from: Option<i64>) -> Evaluated<'a> {
    let length = text.chars().count();
    let size = i64::try_from(length).unwrap_or(i64::MAX);
    if other.is_empty() {
        return Ok(Val::Int(from.unwrap_or(size)));
    }
    let from = match from {
        None => length,
        Some(from) if from < 0 => return out_of_range(from),
        Some(from) if from >= size => return Ok(Val::Int(-1)),
        Some(from) => usize::try_from(from).unwrap_or(length),
    };
    // A match may begin at that character and go beyond it.
    let end = from.saturating_add(other.chars().count());
    let end = text
        .char_indices()
        .nth(end)
        .map_or(text.len(), |(at, _)| at);
    let found = text[..end].rfind(other);
    place(found.map(|found| text[..found].chars().count()))
}

fn split<'a>(text: &str, separator: &str, most: i64) -> Val<'a> {
    let most = match usize::try_from(most) {
        Ok(0) => return Val::list(Vec::new()),
        Ok(most) => most,
        Err(_) => usize::MAX,
    };
    if !separator.is_empty() {
        return text_list(text.splitn(most, separator));
    }
    let mut parts: Vec<String> = text.chars().take(most - 1).map(String::from).collect();
    let rest: String = text.chars().skip(parts.len()).collect();
    if !rest.is_empty() {
        parts.push(rest);
    }
    text_list(parts)
}

fn substring<'a>(text: &str, from: i64, to: Option<i64>) -> Evaluated<'a> {
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let end = to.unwrap_or(length);
    if to.is_some() && from > end {
        return Err(format!("invalid substring range. start: {from}, end: {end}").into());
    }
    if let Some(wrong) = [from, end]
        .into_iter()
        .find(|at| !(0..=length).contains(at))
    {
        return out_of_range(wrong);
    }
    let skip = usize::try_from(from).unwrap_or_default();
    let take = usize::try_from(end - from).unwrap_or_default();
    Ok(Val::text(
        text.chars().skip(skip).take(take).collect::<String>(),
    ))
}

/// Quotes with CEL's escapes.
fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '\u{7}' | '\u{8}' | '\u{b}' | '\u{c}' | '\n' | '\r' | '\t' | '\\' | '"' => {
                let quoted = go::quote(c.encode_utf8(&mut [0; 4]));
                out.push_str(&quoted[1..quoted.len() - 1]);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
