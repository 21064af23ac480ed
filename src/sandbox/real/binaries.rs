//! Finding the servers' binaries.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::sandbox::error::{ASSETS_VARIABLE, CONTROLLER_MANAGER, Error};

pub(super) const ETCD: &str = "etcd";
pub(super) const API_SERVER: &str = "kube-apiserver";

/// Where each server's binary is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    /// etcd
    pub etcd: PathBuf,
    /// kube-apiserver
    pub api_server: PathBuf,
    /// kube-controller-manager
    pub controller_manager: PathBuf,
}

impl Binaries {
    /// Looks in `KUBEBUILDER_ASSETS`, then along `PATH`.
    ///
    /// Errors: [`Error::MissingBinary`] for the first that is in neither.
    pub fn find() -> Result<Self, Error> {
        Self::find_in(
            env::var_os(ASSETS_VARIABLE).as_deref(),
            env::var_os("PATH").as_deref(),
        )
    }

    fn find_in(assets: Option<&OsStr>, path: Option<&OsStr>) -> Result<Self, Error> {
        // An empty variable means unset, as shells leave it; an empty directory on PATH would mean
        // the working directory, from where no server shall be run by accident.
        let assets = assets.filter(|dir| !dir.is_empty()).map(PathBuf::from);
        let path: Vec<PathBuf> = env::split_paths(path.unwrap_or_default())
            .filter(|dir| dir.is_absolute())
            .collect();
        let find = |name: &'static str| {
            assets
                .iter()
                .chain(&path)
                .map(|dir| dir.join(file_name(name)))
                .find(|file| is_executable(file))
                .map(|file| std::path::absolute(&file).unwrap_or(file))
                .ok_or_else(|| Error::MissingBinary {
                    name,
                    looked: looked(&assets, &path),
                })
        };
        Ok(Binaries {
            etcd: find(ETCD)?,
            api_server: find(API_SERVER)?,
            controller_manager: find(CONTROLLER_MANAGER)?,
        })
    }
}

fn looked(assets: &Option<PathBuf>, path: &[PathBuf]) -> Vec<String> {
    let mut looked = vec![match assets {
        Some(dir) => format!("{ASSETS_VARIABLE} ({})", dir.display()),
        None => format!("{ASSETS_VARIABLE} (not set)"),
    }];
    if !path.is_empty() {
        let mut dirs: Vec<String> = Vec::new();
        for dir in path.iter().map(|dir| dir.display().to_string()) {
            if !dirs.contains(&dir) {
                dirs.push(dir);
            }
        }
        looked.push(format!("PATH ({})", dirs.join(", ")));
    }
    looked
}

fn file_name(name: &str) -> OsString {
    let mut file = OsString::from(name);
    file.push(env::consts::EXE_SUFFIX);
    file
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata()
        .is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn directory(executables: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for name in executables {
            let file = dir.path().join(name);
            fs::write(&file, "").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        dir
    }

    #[test]
    fn assets_come_before_path() {
        let assets = directory(&[ETCD, API_SERVER]);
        let path = directory(&[ETCD, API_SERVER, CONTROLLER_MANAGER]);
        let found = Binaries::find_in(
            Some(assets.path().as_os_str()),
            Some(path.path().as_os_str()),
        )
        .unwrap();
        assert_eq!(found.etcd, assets.path().join(ETCD));
        assert_eq!(
            found.controller_manager,
            path.path().join(CONTROLLER_MANAGER)
        );
    }

    #[test]
    fn the_missing_one_is_named_with_where_it_was_looked_for() {
        let assets = directory(&[ETCD]);
        let problem = Binaries::find_in(Some(assets.path().as_os_str()), None).unwrap_err();
        let text = problem.to_string();
        assert!(text.starts_with("cannot find kube-apiserver"), "{text}");
        assert!(
            text.contains(&assets.path().display().to_string()),
            "{text}"
        );
    }

    #[test]
    fn a_file_that_cannot_be_run_is_passed_over() {
        let assets = directory(&[]);
        fs::write(assets.path().join(ETCD), "").unwrap();
        assert!(Binaries::find_in(Some(assets.path().as_os_str()), None).is_err());
    }

    #[test]
    fn the_working_directory_is_never_looked_in() {
        let problem = Binaries::find_in(Some(OsStr::new("")), Some(OsStr::new(":.:bin")));
        assert!(
            problem
                .unwrap_err()
                .to_string()
                .contains("KUBEBUILDER_ASSETS (not set)")
        );
    }
}
