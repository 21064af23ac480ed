//! What there is to try on a sandbox with an example App.

use std::env;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::cli::demo::{NAME, State};

/// The sentences after the example was brought up.
pub(super) fn text(state: &State) -> String {
    let program = program();
    let mut text = match state {
        State::Ready(ready) => format!(
            "The App {NAME} is ready ({ready}): the operator, which runs in this process, has made \
             its Deployment and Service."
        ),
        State::Waiting(why) => format!("The App {NAME} is not ready: {why}"),
    };
    text.push_str("\nIn another shell, after the line below:");
    for (line, what) in [
        (format!("{program} discover"), "what this server serves"),
        (
            format!("{program} raw --table /api/v1/pods"),
            "any request, here as a table",
        ),
        (format!("{program} crds"), "its custom resources"),
        (format!("{program} explain app.spec"), "the fields of one"),
        (
            format!("{program} apps"),
            "Apps, and whether they are ready",
        ),
        (format!("{program} tree app/{NAME}"), "what this one owns"),
        (
            format!("kubectl scale app/{NAME} --replicas=5"),
            "and see apps --watch",
        ),
    ] {
        // Infallible: the text grows in memory.
        let _ = write!(text, "\n  {line:<44}{what}");
    }
    text
}

/// How this program can be called: by name where the PATH leads to it.
fn program() -> String {
    let plain = "appop".to_owned();
    let Ok(own) = env::current_exe() else {
        return plain;
    };
    let dirs = env::var_os("PATH").unwrap_or_default();
    let is_own = |path: PathBuf| path.canonicalize().is_ok_and(|path| path == own);
    if env::split_paths(&dirs).any(|dir| is_own(dir.join("appop"))) {
        return plain;
    }
    shortest(&own, env::current_dir().ok().as_deref())
}

fn shortest(own: &Path, here: Option<&Path>) -> String {
    let below = here.and_then(|here| own.strip_prefix(here).ok());
    match below {
        Some(below) if below.components().count() > 1 => below.display().to_string(),
        Some(below) => format!("./{}", below.display()),
        None => own.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_below_the_working_directory_is_short() {
        let own = Path::new("/src/appop/target/release/appop");
        let from = |here| shortest(own, Some(Path::new(here)));
        assert_eq!(from("/src/appop"), "target/release/appop");
        assert_eq!(from("/src/appop/target/release"), "./appop");
        assert_eq!(from("/else"), "/src/appop/target/release/appop");
    }
}
