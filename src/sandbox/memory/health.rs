//! `/healthz`, `/livez` and `/readyz`, with their checks (apiserver's `pkg/server/healthz`).

use super::catalog::catalog;
use super::route::answer::Answer;
use super::route::request::Request;

/// Answers a path of health; `None` for any other. A server that answers is well.
pub fn answer(request: &Request) -> Option<Answer> {
    let path = request.path.trim_end_matches('/');
    let kind = path.strip_prefix('/')?.split('/').next()?;
    if !["healthz", "livez", "readyz"].contains(&kind) {
        return None;
    }
    let check = path.strip_prefix('/')?.strip_prefix(kind)?;
    if let Some(check) = check.strip_prefix('/') {
        let is_known = checks(kind).any(|known| known == check);
        return Some(match is_known {
            true => plain("ok"),
            false => Answer::page_not_found(),
        });
    }
    let excluded: Vec<&str> = request.query.all("exclude").collect();
    if request.query.first("verbose").is_none() {
        return Some(Answer::text(200, "ok"));
    }
    let mut text = String::new();
    for check in checks(kind) {
        let mark = if excluded.contains(&check) {
            "excluded: ok"
        } else {
            "ok"
        };
        text.push_str(&format!("[+]{check} {mark}\n"));
    }
    text.push_str(&format!("{kind} check passed\n"));
    Some(Answer::text(200, text))
}

fn plain(text: &'static str) -> Answer {
    Answer::new(200, "text/plain; charset=utf-8", text)
}

/// The names of the checks, as the real server lists their paths.
fn checks(kind: &str) -> impl Iterator<Item = &'static str> {
    let prefix = format!("/{kind}/");
    let paths = catalog().paths().iter();
    paths.filter_map(move |path| path.strip_prefix(prefix.as_str()))
}
