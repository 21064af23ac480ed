//! What went wrong with a request, as far as what the server serves tells: a path that leads
//! nowhere, an API that is gone, a method that a resource does not have.

use std::fmt;

use super::lifecycle::Release;
use super::model::Discovery;

mod fate;
mod method;
mod place;
mod resource;
mod walk;

/// A request that failed.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Its method
    pub method: &'a str,
    /// Its path and query
    pub path: &'a str,
    /// The code of the answer
    pub code: u16,
    /// The resource and the name of the object that the server says it has not
    pub missing: Option<(&'a str, &'a str)>,
    /// The namespace to name where the path lacks one
    pub namespace: &'a str,
    /// The server's release
    pub release: Release,
}

/// Why a request failed, and what to ask for in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// One or two sentences
    pub why: String,
    /// A path that the server has
    pub instead: Option<String>,
}

impl Explanation {
    fn new(why: String, instead: Option<String>) -> Option<Self> {
        Some(Explanation { why, instead })
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)?;
        match &self.instead {
            Some(path) => write!(f, "\nTry: {path}"),
            None => Ok(()),
        }
    }
}

/// Explains a failure; `None` where the path is one that the server has and the method one that
/// it takes there, so that the reason must be another.
pub fn explain(discovery: &Discovery, asked: &Asked<'_>) -> Option<Explanation> {
    let (path, query) = asked.path.split_once('?').unwrap_or((asked.path, ""));
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let walk = walk::Walk::new(discovery, asked);
    let mended = |found: Option<Explanation>| {
        found.map(|explanation| Explanation {
            instead: explanation.instead.map(|path| match query {
                "" => path,
                query => format!("{path}?{query}"),
            }),
            ..explanation
        })
    };
    match asked.code {
        403 => mended(walk.path(&parts)),
        404 => mended(resolved(path))
            .or_else(|| mended(walk.path(&parts)))
            .or_else(|| walk.object(&parts, asked.missing?)),
        405 => mended(walk.path(&parts)).or_else(|| method::refused(&walk, asked, &parts)),
        503 => walk.unreachable(&parts),
        _ => None,
    }
}

/// A path with parts that file systems and browsers resolve, and API servers do not.
fn resolved(path: &str) -> Option<Explanation> {
    let mut parts = Vec::new();
    let mut has_any = path.contains("//");
    for part in path.split('/').filter(|part| !part.is_empty()) {
        has_any |= matches!(part, "." | "..");
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    // What a proxy below an object makes of its path is not ours to know.
    if !has_any || parts.contains(&"proxy") {
        return None;
    }
    Explanation::new(
        "API servers take a path as it is: they do not resolve //, . and .. in it.".into(),
        Some(format!("/{}", parts.join("/"))),
    )
}

#[cfg(test)]
mod tests;
