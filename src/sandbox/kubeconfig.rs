//! The kubeconfig of a sandbox: its text, and a file that never takes the place of another one.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::error::Error;
use super::notice;

/// The name of the context, the cluster and the user in the kubeconfig.
pub const CONTEXT: &str = "appop-sandbox";

/// More than any sandbox's kubeconfig has; a larger file is not one.
const LARGEST: u64 = 64 * 1024;

/// The text of a kubeconfig whose user is known by `token`; `ca` is PEM.
pub(super) fn text(url: &str, ca: &str, token: &str) -> String {
    let ca = STANDARD.encode(ca);
    format!(
        "# Written by `appop sandbox`, which removes it when it ends.
apiVersion: v1
kind: Config
clusters:
- name: {CONTEXT}
  cluster:
    server: {url}
    certificate-authority-data: {ca}
users:
- name: {CONTEXT}
  user:
    token: {token}
contexts:
- name: {CONTEXT}
  context:
    cluster: {CONTEXT}
    user: {CONTEXT}
current-context: {CONTEXT}
"
    )
}

/// A place where a kubeconfig may be written: nothing is there, or what another sandbox left.
#[derive(Debug)]
pub(super) struct Place(PathBuf);

impl Place {
    /// Errors: a sentence why nothing may be written to `path`.
    pub(super) fn check(path: &Path) -> Result<Self, Error> {
        let refuse = |reason: String| Error::Kubeconfig {
            path: path.to_owned(),
            reason,
        };
        let path = std::path::absolute(path).map_err(|problem| refuse(problem.to_string()))?;
        match path.parent() {
            // Found out now, not when everything has been started.
            Some(parent) if parent.is_dir() => {
                new_file(parent).map_err(|problem| refuse(problem.to_string()))?;
            }
            Some(parent) => {
                return Err(refuse(format!(
                    "there is no directory {}",
                    parent.display()
                )));
            }
            None => return Err(refuse("it is a directory".to_owned())),
        }
        let metadata = match path.metadata() {
            Err(problem) if problem.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Place(path));
            }
            Err(problem) => return Err(refuse(problem.to_string())),
            Ok(metadata) => metadata,
        };
        if metadata.is_dir() {
            return Err(refuse("it is a directory".to_owned()));
        }
        if !metadata.is_file() {
            return Err(refuse("it is not a regular file".to_owned()));
        }
        let content = read(&path).map_err(|problem| refuse(problem.to_string()))?;
        if content.is_empty() {
            return Ok(Place(path));
        }
        if is_sandbox(&content) {
            return match notice::user_of(&path) {
                None => Ok(Place(path)),
                Some(other) => Err(refuse(format!(
                    "it is of the sandbox at {} (process {}), which is running; name another one, \
                     or end that sandbox",
                    other.url, other.pid
                ))),
            };
        }
        Err(refuse(
            "a file is there that no sandbox has written, and it would be lost; name another one"
                .to_owned(),
        ))
    }

    /// Writes the file, readable for its owner alone, at once and complete.
    pub(super) fn write(self, text: &str, token: &str) -> Result<Written, Error> {
        let Place(path) = self;
        let put = || -> std::io::Result<()> {
            let parent = path.parent().unwrap_or(Path::new("/"));
            let mut file = new_file(parent)?;
            file.write_all(text.as_bytes())?;
            file.persist(&path)?;
            Ok(())
        };
        match put() {
            Ok(()) => Ok(Written {
                path,
                token: token.to_owned(),
            }),
            Err(problem) => Err(Error::Kubeconfig {
                path,
                reason: problem.to_string(),
            }),
        }
    }
}

/// A file that gets its name when it is complete, readable for its owner alone.
fn new_file(parent: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new()
        .prefix(".appop-")
        .tempfile_in(parent)
}

/// A kubeconfig that was written. Dropping it removes the file, unless it is another's by then.
#[derive(Debug)]
pub(super) struct Written {
    path: PathBuf,
    token: String,
}

impl Written {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        // Its user may have changed it (a namespace, say); the token tells whose it is.
        if read(&self.path).is_ok_and(|content| content.contains(&self.token)) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    fs::File::open(path)?
        .take(LARGEST)
        .read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether all that the kubeconfig knows is sandboxes.
fn is_sandbox(content: &str) -> bool {
    #[derive(Deserialize)]
    struct Kubeconfig {
        clusters: Vec<Named>,
        users: Vec<Named>,
        contexts: Vec<Named>,
    }
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    serde_saphyr::from_str::<Kubeconfig>(content).is_ok_and(|config| {
        let all = [&config.clusters, &config.users, &config.contexts];
        !config.clusters.is_empty() && all.into_iter().flatten().all(|named| named.name == CONTEXT)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sandbox(token: &str) -> String {
        text("https://127.0.0.1:6443", "ca", token)
    }

    #[test]
    fn a_sandbox_may_be_overwritten_and_is_removed_by_its_last_owner() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config");
        let write = |token| Place::check(&path)?.write(&sandbox(token), token);
        let first = write("one").unwrap();
        let second = write("two").unwrap();
        drop(first);
        assert!(
            path.exists(),
            "the second sandbox's file is not the first one's to remove"
        );
        drop(second);
        assert!(!path.exists());
    }

    #[test]
    fn another_kubeconfig_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config");
        let mixed = sandbox("one").replacen("- name: appop-sandbox", "- name: production", 1);
        for content in [
            mixed.as_str(),
            "clusters: []\nusers: []\ncontexts: []\n",
            "precious",
            "{",
        ] {
            fs::write(&path, content).unwrap();
            let problem = Place::check(&path).unwrap_err().to_string();
            assert!(problem.contains("would be lost"), "{content}: {problem}");
        }
    }

    #[test]
    fn an_empty_file_from_mktemp_will_do() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(Place::check(file.path()).is_ok());
    }

    #[test]
    fn devices_and_missing_directories_are_refused() {
        assert!(Place::check(Path::new("/dev/null")).is_err());
        let problem = Place::check(Path::new("/nowhere/at/all"))
            .unwrap_err()
            .to_string();
        assert!(
            problem.contains("there is no directory /nowhere/at"),
            "{problem}"
        );
    }
}
