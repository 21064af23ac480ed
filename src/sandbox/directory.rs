//! The directory of one sandbox: private, locked while its owner lives, swept when it is dead.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::Error;

/// How all directories' names begin.
const PREFIX: &str = "appop-sandbox-";
/// A directory without a lock that has not changed for so long is not being made any more.
const MAKING: Duration = Duration::from_secs(3600);
/// Held locked by the owner; the system lets go of it however the owner ends.
const LOCK: &str = "lock";

/// A temporary directory, mode 0700. Dropping it removes it with all that is in it.
pub(super) struct Directory {
    temporary: tempfile::TempDir,
    _lock: File,
}

impl Directory {
    /// Makes a new one under the system's directory for temporary files, after removing those
    /// whose owner was killed.
    pub(super) fn create() -> Result<Self, Error> {
        let parent = std::env::temp_dir();
        let parent = std::path::absolute(&parent).unwrap_or(parent);
        sweep(&parent);
        Self::create_in(&parent)
    }

    fn create_in(parent: &Path) -> Result<Self, Error> {
        let failed = |path: &Path| Error::system(format!("make a directory in {}", path.display()));
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let temporary = builder.tempdir_in(parent).map_err(failed(parent))?;
        // Locked before it has its name, so that no sweep finds it unlocked.
        let unnamed = temporary.path().join("lock.new");
        let lock = File::create(&unnamed).map_err(failed(temporary.path()))?;
        lock.try_lock()
            .map_err(|problem| failed(temporary.path())(problem.into()))?;
        fs::rename(&unnamed, temporary.path().join(LOCK)).map_err(failed(temporary.path()))?;
        Ok(Directory {
            temporary,
            _lock: lock,
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.temporary.path()
    }

    /// Writes a file that only its owner may read, and returns its path.
    pub(super) fn write(&self, name: &str, content: &str) -> Result<PathBuf, Error> {
        let path = self.path().join(name);
        write_private(&path, content)
            .map_err(Error::system(format!("write {}", path.display())))?;
        Ok(path)
    }
}

pub(super) fn write_private(path: &Path, content: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content.as_bytes())
}

/// The directories of this user's sandboxes whose owner lives.
pub(super) fn in_use() -> Vec<PathBuf> {
    let Ok(entries) = std::env::temp_dir().read_dir() else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX))
        .map(|entry| entry.path())
        .filter(|dir| state(dir) == State::InUse)
        .collect()
}

/// Removes directories that a killed sandbox has left. What cannot be removed stays: the next
/// start tries again, and nothing depends on it.
fn sweep(parent: &Path) {
    let Ok(entries) = parent.read_dir() else {
        return;
    };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX)
            && state(&entry.path()) == State::Abandoned
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// What is to be thought of a directory with our name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Its owner lives
    InUse,
    /// Its owner is gone
    Abandoned,
    /// It is being made, or another user's
    Foreign,
}

/// Whether `dir` is ours and somebody holds its lock. One without a lock is just being made, or was
/// left so long ago.
fn state(dir: &Path) -> State {
    // A directory for temporary files is often shared: another user's symbolic link or directory
    // must not decide what is removed.
    let Ok(metadata) = dir.symlink_metadata() else {
        return State::Foreign;
    };
    if !metadata.is_dir() || !is_own(&metadata) {
        return State::Foreign;
    }
    match File::open(dir.join(LOCK)) {
        // Shared, so that two who look at the same time do not take each other for the owner.
        Ok(lock) => match lock.try_lock_shared() {
            Ok(()) => State::Abandoned,
            Err(_) => State::InUse,
        },
        Err(_) => {
            let age = metadata
                .modified()
                .ok()
                .and_then(|time| time.elapsed().ok());
            match age.is_some_and(|age| age > MAKING) {
                true => State::Abandoned,
                false => State::Foreign,
            }
        }
    }
}

#[cfg(unix)]
fn is_own(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::uid(metadata) == rustix::process::geteuid().as_raw()
}

/// Elsewhere each user has a directory for temporary files of its own.
#[cfg(not(unix))]
fn is_own(_: &fs::Metadata) -> bool {
    true
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_sweep_takes_the_abandoned_and_leaves_the_rest() {
        let parent = tempfile::tempdir().unwrap();
        let alive = Directory::create_in(parent.path()).unwrap();
        let abandoned = parent.path().join("appop-sandbox-dead");
        fs::create_dir(&abandoned).unwrap();
        fs::write(abandoned.join(LOCK), "").unwrap();
        let being_made = parent.path().join("appop-sandbox-new");
        fs::create_dir(&being_made).unwrap();
        let half_made = parent.path().join("appop-sandbox-old");
        fs::create_dir(&half_made).unwrap();
        let long_ago = std::time::SystemTime::now() - 2 * MAKING;
        File::open(&half_made)
            .unwrap()
            .set_modified(long_ago)
            .unwrap();
        let foreign = parent.path().join("else");
        fs::create_dir(&foreign).unwrap();
        fs::write(foreign.join(LOCK), "").unwrap();
        std::os::unix::fs::symlink(&foreign, parent.path().join("appop-sandbox-link")).unwrap();

        sweep(parent.path());

        assert!(!abandoned.exists() && !half_made.exists());
        assert!(alive.path().exists() && being_made.exists() && foreign.join(LOCK).exists());
    }

    #[test]
    fn it_is_private_and_goes_away() {
        let parent = tempfile::tempdir().unwrap();
        let dir = Directory::create_in(parent.path()).unwrap();
        let file = dir.write("key", "secret").unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(dir.path()), mode(&file)), (0o700, 0o600));
        drop(dir);
        assert!(!file.exists());
        assert_eq!(parent.path().read_dir().unwrap().count(), 0);
    }
}
