//! Semantic versions (`pkg/cel/library/semverlib.go` of apiserver).

use std::cmp::Ordering;
use std::rc::Rc;

use super::eval::Evaluated;
use super::library::as_text;
use super::value::Val;

/// A version without its build metadata, which does not count.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Semver {
    numbers: [u64; 3],
    pre: Vec<String>,
}

pub(super) fn call<'a>(name: &str, args: &[Val<'a>]) -> Option<Evaluated<'a>> {
    let number = |number: u64| Ok(Val::Int(i64::try_from(number).unwrap_or(i64::MAX)));
    let (text, normalize) = match args {
        [text] => (text, false),
        [text, Val::Bool(normalize)] => (text, *normalize),
        [text, _] => (text, false),
        _ => return None,
    };
    Some(match (name, args) {
        ("semver", _) => {
            let parsed = Semver::parse(as_text(text)?, normalize);
            parsed
                .map(|version| Val::Semver(Rc::new(version)))
                .map_err(Into::into)
        }
        ("isSemver", _) => Ok(Val::Bool(Semver::parse(as_text(text)?, normalize).is_ok())),
        ("major", [Val::Semver(version)]) => number(version.numbers[0]),
        ("minor", [Val::Semver(version)]) => number(version.numbers[1]),
        ("patch", [Val::Semver(version)]) => number(version.numbers[2]),
        ("isGreaterThan", [Val::Semver(a), Val::Semver(b)]) => Ok(Val::Bool(a.cmp(b).is_gt())),
        ("isLessThan", [Val::Semver(a), Val::Semver(b)]) => Ok(Val::Bool(a.cmp(b).is_lt())),
        ("compareTo", [Val::Semver(a), Val::Semver(b)]) => Ok(Val::Int(i64::from(a.cmp(b) as i8))),
        _ => return None,
    })
}

impl Semver {
    fn parse(text: &str, normalize: bool) -> Result<Self, String> {
        if text.is_empty() {
            return Err("Version string empty".to_owned());
        }
        let normalized = if normalize {
            normalized(text)
        } else {
            text.to_owned()
        };
        let mut parts = normalized.splitn(3, '.');
        let (Some(major), Some(minor), Some(rest)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err("No Major.Minor.Patch elements found".to_owned());
        };
        let (rest, build) = match rest.split_once('+') {
            Some((rest, build)) => (rest, Some(build)),
            None => (rest, None),
        };
        let (patch, pre) = match rest.split_once('-') {
            Some((patch, pre)) => (patch, Some(pre)),
            None => (rest, None),
        };
        let numbers = [
            number("Major", major)?,
            number("Minor", minor)?,
            number("Patch", patch)?,
        ];
        let is_fine = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let mut identifiers = Vec::new();
        for part in pre.into_iter().flat_map(|pre| pre.split('.')) {
            if part.is_empty() {
                return Err("Prerelease is empty".to_owned());
            }
            let is_number = part.bytes().all(|b| b.is_ascii_digit());
            if is_number && part.len() > 1 && part.starts_with('0') {
                return Err(format!(
                    "Numeric PreRelease version must not contain leading zeroes {part:?}"
                ));
            }
            if !is_fine(part) {
                return Err(format!("Invalid character(s) found in prerelease {part:?}"));
            }
            identifiers.push(part.to_owned());
        }
        for part in build.into_iter().flat_map(|build| build.split('.')) {
            if part.is_empty() {
                return Err("Build meta data is empty".to_owned());
            }
            if !is_fine(part) {
                return Err(format!(
                    "Invalid character(s) found in build meta data {part:?}"
                ));
            }
        }
        Ok(Semver {
            numbers,
            pre: identifiers,
        })
    }

    /// Releases come after what precedes them; identifiers are compared one by one.
    fn cmp(&self, other: &Semver) -> Ordering {
        let order = self.numbers.cmp(&other.numbers);
        if order.is_ne() {
            return order;
        }
        match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return Ordering::Greater,
            (false, true) => return Ordering::Less,
            (false, false) => {}
        }
        let by_part = self.pre.iter().zip(&other.pre).map(|(a, b)| {
            match (a.parse::<u64>(), b.parse::<u64>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => a.cmp(b),
            }
        });
        let order = by_part.into_iter().find(|order| order.is_ne());
        order.unwrap_or(self.pre.len().cmp(&other.pre.len()))
    }
}

fn number(what: &str, text: &str) -> Result<u64, String> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!(
            "Invalid character(s) found in {} number {text:?}",
            what.to_lowercase()
        ));
    }
    if text.len() > 1 && text.starts_with('0') {
        return Err(format!(
            "{what} number must not contain leading zeroes {text:?}"
        ));
    }
    text.parse()
        .map_err(|_| format!("strconv.ParseUint: parsing {text:?}: invalid syntax"))
}

/// Without a `v`, with missing numbers and without leading zeros.
fn normalized(text: &str) -> String {
    let text = text.strip_prefix('v').unwrap_or(text);
    let mut parts: Vec<String> = text.splitn(3, '.').map(str::to_owned).collect();
    for part in &mut parts {
        if part.len() > 1 {
            let bare = part.trim_start_matches('0');
            let needs_zero = !bare.starts_with(|c: char| c.is_ascii_digit());
            *part = format!("{}{bare}", if needs_zero { "0" } else { "" });
        }
    }
    while parts.len() < 3 && !parts.last().is_some_and(|last| last.contains(['+', '-'])) {
        parts.push("0".to_owned());
    }
    parts.join(".")
}
