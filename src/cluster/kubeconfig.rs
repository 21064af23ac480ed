//! kubeconfig files, found, read and merged as kubectl does.
//!
//! Source: k8s.io/client-go/tools/clientcmd/loader.go (`ClientConfigLoadingRules`).

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use kube::config::Kubeconfig;

use super::error::Error;

/// Environment that decides where kubeconfig files are; read once, passed in for tests.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// The value of `KUBECONFIG`
    pub kubeconfig: Option<std::ffi::OsString>,
    /// The user's home directory
    pub home: Option<PathBuf>,
}

impl Places {
    /// From this process's environment.
    pub fn from_env() -> Self {
        Places {
            kubeconfig: std::env::var_os("KUBECONFIG"),
            home: std::env::home_dir(),
        }
    }

    /// The files to read, in order, and whether a missing one is an error.
    fn files(&self, explicit: Option<&Path>) -> (Vec<PathBuf>, bool) {
        if let Some(file) = explicit {
            return (vec![file.to_owned()], true);
        }
        if let Some(list) = self.kubeconfig.as_ref().filter(|list| !list.is_empty()) {
            let mut seen = HashSet::new();
            let files = std::env::split_paths(list)
                .filter(|file| !file.as_os_str().is_empty() && seen.insert(file.clone()))
                .collect();
            return (files, false);
        }
        let default = self
            .home
            .iter()
            .map(|home| home.join(".kube").join("config"))
            .collect();
        (default, false)
    }
}

/// What the files say together.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    /// The merged configuration
    pub(super) config: Kubeconfig,
    /// The files that were looked for, in order, whether they exist or not
    pub(super) looked_at: Vec<PathBuf>,
}

impl Loaded {
    /// Whether nothing at all is configured; only then may the in-cluster configuration be used.
    pub(super) fn is_empty(&self) -> bool {
        let c = &self.config;
        c.clusters.is_empty()
            && c.auth_infos.is_empty()
            && c.contexts.is_empty()
            && c.current_context.as_deref().unwrap_or_default().is_empty()
    }
}

/// Reads and merges the files.
///
/// The first file to set a map key wins, whole; the first non-empty current-context wins. A file
/// given with `--kubeconfig` must exist, others may be missing. Relative paths inside a file are
/// made relative to that file.
///
/// Errors: a missing explicit file, a file that cannot be read or parsed, a name twice in a file.
pub(super) fn load(places: &Places, explicit: Option<&Path>) -> Result<Loaded, Error> {
    let (looked_at, must_exist) = places.files(explicit);
    let mut merged = Kubeconfig::default();
    for file in &looked_at {
        if !must_exist && matches!(file.try_exists(), Ok(false)) {
            continue;
        }
        let one = read(file)?;
        merge(&mut merged, one);
    }
    Ok(Loaded {
        config: merged,
        looked_at,
    })
}

fn read(file: &Path) -> Result<Kubeconfig, Error> {
    let broken = |problem: String| Error::Kubeconfig {
        file: file.to_owned(),
        problem,
    };
    if ends_within_utf16(file).unwrap_or(false) {
        return Err(broken(
            "it begins as UTF-16 and ends within a character".into(),
        ));
    }
    let config = Kubeconfig::read_from(file).map_err(|problem| match problem {
        kube::config::KubeconfigError::ReadConfig(io, _) => broken(io.to_string()),
        other => broken(super::error::chain(&other)),
    })?;
    let kind = config.kind.as_deref().unwrap_or("Config");
    if kind != "Config" {
        return Err(broken(format!("it holds a {kind}, not a kubeconfig")));
    }
    for (what, names) in [
        (
            "cluster",
            config.clusters.iter().map(|c| &c.name).collect::<Vec<_>>(),
        ),
        ("user", config.auth_infos.iter().map(|c| &c.name).collect()),
        ("context", config.contexts.iter().map(|c| &c.name).collect()),
    ] {
        let mut seen = HashSet::new();
        if let Some(twice) = names.into_iter().find(|name| !seen.insert(*name)) {
            return Err(broken(format!("it has two {what}s named {twice:?}")));
        }
    }
    Ok(config)
}

/// Whether a file begins as UTF-16 and has an odd number of bytes, at which the kube crate panics.
/// What can be read only once (a pipe) is left alone.
fn ends_within_utf16(file: &Path) -> io::Result<bool> {
    let about = fs::metadata(file)?;
    if !about.is_file() || about.len() % 2 == 0 {
        return Ok(false);
    }
    let mut start = [0; 2];
    fs::File::open(file)?.read_exact(&mut start)?;
    Ok(matches!(start, [0xff, 0xfe] | [0xfe, 0xff]))
}

fn merge(into: &mut Kubeconfig, next: Kubeconfig) {
    fn add<T>(into: &mut Vec<T>, next: Vec<T>, name: impl Fn(&T) -> &str) {
        for entry in next {
            if !into.iter().any(|have| name(have) == name(&entry)) {
                into.push(entry);
            }
        }
    }
    add(&mut into.clusters, next.clusters, |c| &c.name);
    add(&mut into.auth_infos, next.auth_infos, |c| &c.name);
    add(&mut into.contexts, next.contexts, |c| &c.name);
    if into
        .current_context
        .as_deref()
        .unwrap_or_default()
        .is_empty()
    {
        into.current_context = next.current_context;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(dir: &Path, name: &str, text: &str) -> PathBuf {
        let file = dir.join(name);
        std::fs::write(&file, text).unwrap();
        file
    }

    fn places(files: &[&Path]) -> Places {
        Places {
            kubeconfig: Some(std::env::join_paths(files).unwrap()),
            home: None,
        }
    }

    #[test]
    fn first_file_wins_per_key_and_missing_files_are_skipped() {
        let dir = tempfile::tempdir().unwrap();
        let one = write(
            dir.path(),
            "one",
            "current-context: ''\nclusters: [{name: a, cluster: {server: http://one}}]\n",
        );
        let two = write(
            dir.path(),
            "two",
            "current-context: x\nclusters: [{name: a, cluster: {server: http://two, tls-server-name: t}}, \
             {name: b, cluster: {server: http://b, certificate-authority: ca.pem}}]\n",
        );
        let gone = dir.path().join("gone");
        let loaded = load(&places(&[&gone, &one, Path::new(""), &two, &one]), None).unwrap();
        assert_eq!(loaded.looked_at, [gone, one, two]);
        assert_eq!(loaded.config.current_context.as_deref(), Some("x"));
        let a = loaded.config.clusters[0].cluster.as_ref().unwrap();
        assert_eq!(a.server.as_deref(), Some("http://one"));
        assert_eq!(
            a.tls_server_name, None,
            "one named cluster is never mixed from two files"
        );
        let b = loaded.config.clusters[1].cluster.as_ref().unwrap();
        let ca = dir.path().join("ca.pem");
        assert_eq!(b.certificate_authority.as_deref(), ca.to_str());
    }

    #[test]
    fn an_explicit_file_must_exist_and_is_the_only_one() {
        let dir = tempfile::tempdir().unwrap();
        let gone = dir.path().join("gone");
        let problem = load(&Places::default(), Some(&gone))
            .unwrap_err()
            .to_string();
        assert!(
            problem.contains("gone") && problem.contains("No such file"),
            "{problem}"
        );
    }

    #[test]
    fn nothing_at_all_is_empty_and_a_broken_file_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let home = Places {
            kubeconfig: None,
            home: Some(dir.path().to_owned()),
        };
        assert!(load(&home, None).unwrap().is_empty());
        let broken = write(dir.path(), "broken", "clusters: [");
        assert!(load(&places(&[&broken]), None).is_err());
        let twice = write(
            dir.path(),
            "twice",
            "users: [{name: a, user: {}}, {name: a, user: {}}]",
        );
        let problem = load(&places(&[&twice]), None).unwrap_err().to_string();
        assert!(problem.contains("two users named \"a\""), "{problem}");
        let odd = dir.path().join("odd");
        std::fs::write(&odd, b"\xff\xfea").unwrap();
        let problem = load(&places(&[&odd]), None).unwrap_err().to_string();
        assert!(problem.contains("UTF-16"), "{problem}");
        let pod = write(dir.path(), "pod", "apiVersion: v1\nkind: Pod\n");
        let problem = load(&places(&[&pod]), None).unwrap_err().to_string();
        assert!(problem.contains("holds a Pod"), "{problem}");
    }
}
