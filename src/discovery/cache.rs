//! Answers kept on disk between runs, with their ETags.
//!
//! The place is kubectl's cache directory, in a folder of its own. A file is written beside its
//! final name and renamed, so that readers and other writers never see half of it; a checksum
//! finds damage, and a damaged file counts as none.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use sha2::{Digest, Sha256};

/// First line of every file; changes when the format does.
const MAGIC: &str = "appop-cache-1";

/// A directory of cached answers for one server.
#[derive(Clone, Debug)]
pub struct Cache {
    dir: PathBuf,
}

/// An answer as it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The answer's ETag; empty if it had none
    pub etag: String,
    /// Its Content-Type
    pub content_type: String,
    /// Its body
    pub body: Vec<u8>,
}

impl Cache {
    /// The cache for the server at `url`, below `--cache-dir`, `KUBECACHEDIR`, or
    /// `~/.kube/cache`. `None` when there is no home directory either.
    pub fn of(url: &str, flag: Option<&Path>) -> Option<Self> {
        let base = flag
            .map(Path::to_owned)
            .or_else(|| {
                std::env::var_os("KUBECACHEDIR")
                    .filter(|d: &OsString| !d.is_empty())
                    .map(Into::into)
            })
            .or_else(|| Some(std::env::home_dir()?.join(".kube").join("cache")))?;
        Some(Cache {
            dir: base.join("appop").join(file_name(url)),
        })
    }

    /// A kept answer; `None` if there is none or it is damaged.
    pub fn read(&self, name: &str) -> Option<Entry> {
        parse(&fs::read(self.dir.join(name)).ok()?)
    }

    /// Keeps an answer.
    ///
    /// Errors: the directory or file cannot be written. The caller may go on without a cache.
    pub fn write(&self, name: &str, entry: &Entry) -> io::Result<()> {
        create_dir(&self.dir)?;
        let head = format!(
            "{MAGIC}\n{}\n{}\n{}\n{}\n",
            entry.etag.replace('\n', " "),
            entry.content_type.replace('\n', " "),
            entry.body.len(),
            checksum(entry)
        );
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let beside = self
            .dir
            .join(format!(".{name}.{}.{number}", std::process::id()));
        let written = create(&beside).and_then(|mut file| {
            file.write_all(head.as_bytes())?;
            file.write_all(&entry.body)
        });
        let done = written.and_then(|()| fs::rename(&beside, self.dir.join(name)));
        if done.is_err() {
            // What is left behind is only clutter.
            let _ = fs::remove_file(&beside);
        }
        done
    }
}

fn checksum(entry: &Entry) -> String {
    let mut hash = Sha256::new();
    for part in [
        entry.etag.as_bytes(),
        b"\n",
        entry.content_type.as_bytes(),
        b"\n",
        &entry.body,
    ] {
        hash.update(part);
    }
    let mut text = String::new();
    for byte in hash.finalize() {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

fn parse(bytes: &[u8]) -> Option<Entry> {
    let mut rest = bytes;
    let mut line = || {
        let end = rest.iter().position(|b| *b == b'\n')?;
        let line = std::str::from_utf8(&rest[..end]).ok()?;
        rest = &rest[end + 1..];
        Some(line.to_owned())
    };
    let (magic, etag, content_type) = (line()?, line()?, line()?);
    let (length, sum) = (line()?.parse::<usize>().ok()?, line()?);
    let entry = Entry {
        etag,
        content_type,
        body: rest.to_vec(),
    };
    (magic == MAGIC && rest.len() == length && sum == checksum(&entry)).then_some(entry)
}

/// A server's address as a file name, as kubectl makes it.
/// Source: k8s.io/cli-runtime/pkg/genericclioptions/config_flags.go (`computeDiscoverCacheDir`).
fn file_name(url: &str) -> PathBuf {
    let host = url.split_once("://").map_or(url, |(_, host)| host);
    let keep = |c: char| c.is_alphanumeric() || matches!(c, '_' | '(' | ')' | '.');
    let name: String = host
        .chars()
        .map(|c| if keep(c) { c } else { '_' })
        .collect();
    // A name of dots alone would lead out of the directory.
    PathBuf::from(if name.trim_matches('.').is_empty() {
        "_".to_owned()
    } else {
        name
    })
}

#[cfg(unix)]
fn create_dir(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o750)
        .create(dir)
}

#[cfg(not(unix))]
fn create_dir(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)
}

#[cfg(unix)]
fn create(file: &Path) -> io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o660)
        .open(file)
}

#[cfg(not(unix))]
fn create(file: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(body: &[u8]) -> Entry {
        Entry {
            etag: "\"A1\"".into(),
            content_type: "application/json".into(),
            body: body.to_vec(),
        }
    }

    #[test]
    fn what_is_written_is_read_and_damage_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::of("https://h:1/p", Some(dir.path())).unwrap();
        assert_eq!(cache.read("apis"), None);
        let kept = entry(b"line\nline\n\xff");
        cache.write("apis", &kept).unwrap();
        assert_eq!(cache.read("apis"), Some(kept));
        let file = cache.dir.join("apis");
        let good = fs::read(&file).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert_eq!(parse(&bad), None, "byte {at}");
            assert_eq!(parse(&good[..at]), None, "cut at {at}");
        }
        let left: Vec<_> = fs::read_dir(&cache.dir)
            .unwrap()
            .map(|f| f.unwrap().file_name())
            .collect();
        assert_eq!(left, ["apis"]);
    }

    #[test]
    fn writers_at_the_same_time_leave_a_whole_file() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::of("h", Some(dir.path())).unwrap();
        std::thread::scope(|scope| {
            for writer in 0..4u8 {
                let cache = &cache;
                scope.spawn(move || {
                    for _ in 0..50 {
                        cache.write("x", &entry(&[writer; 5000])).unwrap();
                        let seen = cache.read("x").unwrap();
                        assert!(seen.body.iter().all(|b| *b == seen.body[0]));
                    }
                });
            }
        });
    }

    #[test]
    fn addresses_become_names_that_stay_in_the_directory() {
        assert_eq!(
            file_name("https://127.0.0.1:6443"),
            Path::new("127.0.0.1_6443")
        );
        assert_eq!(file_name("https://h/k8s/../x"), Path::new("h_k8s_.._x"));
        assert_eq!(file_name(".."), Path::new("_"));
    }
}
