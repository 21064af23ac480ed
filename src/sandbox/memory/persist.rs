//! A sandbox kept in a file: what clients know it by and all objects as they are stored, behind a
//! line that tells what follows and a digest that tells whether all of it is there.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::api::Api;
use super::identity::Identity;
use super::object::facts;
use super::registry::Served;
use super::store::{Draft, Facts, Query};

/// The first words of every file.
const MAGIC: &str = "appop-sandbox 1";

/// Why a file cannot be used, or not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system refused.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is another file, or not all of it.
    #[error("{0}")]
    Damaged(&'static str),
    /// One of its objects is none.
    #[error("an object in it cannot be read: {0}")]
    Object(#[from] serde_json::Error),
}

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    group: &'a str,
    plural: &'a str,
    /// The version in which it is stored
    version: &'a str,
    #[serde(borrow)]
    object: &'a RawValue,
}

/// The right to use a file, held while a sandbox runs. Two would each write over the other.
#[derive(Debug)]
pub struct Kept {
    path: PathBuf,
    _lock: File,
    /// One save at a time, each of what there is by then: whichever ends last is right
    saving: Mutex<()>,
}

impl Kept {
    /// Takes a file, which need not be there yet, before anything is done.
    ///
    /// # Errors
    /// When it is no regular file, cannot be written, or another sandbox has it.
    pub fn take(path: &Path) -> Result<Self, Error> {
        // A link stays one: what it leads to is written.
        let path = match fs::canonicalize(path) {
            Ok(path) => path,
            Err(problem) if problem.kind() == io::ErrorKind::NotFound => std::path::absolute(path)?,
            Err(problem) => return Err(problem.into()),
        };
        if path.exists() && !path.is_file() {
            return Err(Error::Damaged("it is not a regular file"));
        }
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(Error::Damaged("it is not a regular file"));
        };
        let lock = parent.join(format!(".{}.lock", name.to_string_lossy()));
        let lock = File::create(lock)?;
        if lock.try_lock().is_err() {
            return Err(Error::Damaged("another sandbox is using it"));
        }
        Ok(Kept {
            path,
            _lock: lock,
            saving: Mutex::new(()),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes all objects, at once and complete: whoever reads the file finds the old state or the
    /// new.
    ///
    /// # Errors
    /// What the system says.
    pub fn save(&self, api: &Api, identity: &Identity) -> Result<(), Error> {
        let _saving = self.saving.lock().unwrap_or_else(PoisonError::into_inner);
        save(api, identity, &self.path)
    }
}

/// What a file holds, not yet looked at in detail.
pub struct Content {
    version: u64,
    identity: Identity,
    objects: String,
}

/// Reads a file; `None` where there is none, or an empty one.
///
/// # Errors
/// When there is one and it cannot be used.
pub fn read(path: &Path) -> Result<Option<Content>, Error> {
    let text = match fs::read_to_string(path) {
        Ok(text) if text.is_empty() => return Ok(None),
        Ok(text) => text,
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(problem) if problem.kind() == io::ErrorKind::InvalidData => {
            return Err(Error::Damaged("it was not written by appop sandbox"));
        }
        Err(problem) => return Err(problem.into()),
    };
    let (head, body) = text
        .split_once('\n')
        .ok_or(Error::Damaged("it was not written by appop sandbox"))?;
    let mut words = head
        .strip_prefix(MAGIC)
        .ok_or(Error::Damaged("it was not written by appop sandbox"))?
        .split_whitespace();
    let digest = words.next().unwrap_or_default();
    if digest != hex(&Sha256::digest(body)) {
        return Err(Error::Damaged(
            "it is not complete, or was changed by something else",
        ));
    }
    let version = words.next().and_then(|word| word.parse().ok());
    let version: u64 = version.ok_or(Error::Damaged("its first line is not whole"))?;
    let (identity, objects) = body
        .split_once('\n')
        .ok_or(Error::Damaged("its second line is not whole"))?;
    Ok(Some(Content {
        version,
        identity: serde_json::from_str(identity)
            .map_err(|_| Error::Damaged("its second line is not whole"))?,
        objects: objects.to_owned(),
    }))
}

impl Content {
    /// By what clients know the sandbox.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Takes the objects over into a server that holds nothing yet.
    ///
    /// # Errors
    /// When one of them is none. Nothing is stored then.
    pub fn restore(&self, api: &Api) -> Result<(), Error> {
        let mut drafts = Vec::new();
        for line in self.objects.lines() {
            let line: Line<'_> = serde_json::from_str(line)?;
            let mut object: Value = serde_json::from_str(line.object.get())?;
            let at = object["metadata"]["resourceVersion"].as_str();
            let at = at.and_then(|at| at.parse().ok());
            let at = at.ok_or(Error::Damaged("an object in it has no resourceVersion"))?;
            let known = api.registry.find(line.group, line.version, line.plural);
            let fields = known
                .map(|served| served.fields(&object))
                .unwrap_or_default();
            let facts: Facts = facts(&object, line.version, fields);
            let shelf = api.store.shelf(line.group, line.plural);
            drafts.push((shelf, Draft::new(&mut object, facts)?, at));
        }
        api.store.restore(self.version, drafts);
        take_addresses(api);
        Ok(())
    }
}

/// What Services have is nobody else's.
fn take_addresses(api: &Api) {
    let Some(services) = api.registry.find("", "v1", "services") else {
        return;
    };
    let page = api.store.list(services.shelf, &Query::everything());
    for stored in page.map(|page| page.items).unwrap_or_default() {
        let mut allocation = api.allocator.begin(&services);
        allocation.done(None, Some(&stored.value()));
    }
}

fn save(api: &Api, identity: &Identity, path: &Path) -> Result<(), Error> {
    let mut body = serde_json::to_string(identity)?;
    body.push('\n');
    let version = api.store.version();
    for served in api.registry.each() {
        write_all(api, &served, &mut body)?;
    }
    let digest = hex(&Sha256::digest(&body));
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let mut file = tempfile::Builder::new()
        .prefix(".appop-")
        .tempfile_in(parent.unwrap_or(Path::new(".")))?;
    writeln!(file, "{MAGIC} {digest} {version}")?;
    file.write_all(body.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|problem| problem.error)?;
    Ok(())
}

fn write_all(api: &Api, served: &Arc<Served>, body: &mut String) -> Result<(), Error> {
    let page = api.store.list(served.shelf, &Query::everything());
    for stored in page.map(|page| page.items).unwrap_or_default() {
        let object: &RawValue = serde_json::from_slice(stored.json())?;
        let line = Line {
            group: &served.resource.group,
            plural: &served.resource.plural,
            version: &stored.facts.version,
            object,
        };
        body.push_str(&serde_json::to_string(&line)?);
        body.push('\n');
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
