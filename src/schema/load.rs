//! Getting OpenAPI v3 documents: an index, then a document for each group-version.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::document::Document;
use crate::cluster::{Error, Server, from_json};
use crate::discovery::cache::Entry;
use crate::discovery::{Cache, CacheMode, group_version, group_version_path};

/// Where the documents are listed.
const INDEX: &str = "/openapi/v3";
/// The file of the index in the cache.
const INDEX_FILE: &str = "openapi.json";

/// Why a schema cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The server is too old, or has it turned off.
    #[error(
        "this server has no schemas in OpenAPI v3 (GET {INDEX} says: not found); Kubernetes has \
         them since 1.24. Of custom resources, appop crds NAME shows the schema all the same."
    )]
    Unsupported,
    /// The group-version has no document.
    #[error(
        "the server publishes no OpenAPI v3 document for {0}. An API server of its own may serve \
         {0}, and say nothing about its fields: ask whoever runs it."
    )]
    Unpublished(String),
    /// The request failed.
    #[error(transparent)]
    Server(#[from] Error),
}

/// The list of documents that a server has.
#[derive(Clone, Debug, Deserialize)]
pub struct Index {
    paths: BTreeMap<String, Place>,
}

#[derive(Clone, Debug, Deserialize)]
struct Place {
    #[serde(rename = "serverRelativeURL")]
    url: String,
}

impl Index {
    /// Asks the server for the list; with [`CacheMode::Trust`] a kept one is believed.
    ///
    /// Errors: [`LoadError::Unsupported`] for an old server; no good answer.
    pub async fn load(
        server: &Server,
        cache: Option<&Cache>,
        mode: CacheMode,
    ) -> Result<Self, LoadError> {
        if mode == CacheMode::Trust
            && let Some(kept) = cache.and_then(|c| c.read(INDEX_FILE))
            && let Ok(index) = serde_json::from_slice(&kept.body)
        {
            return Ok(index);
        }
        let answer =
            server
                .get(INDEX, "application/json")
                .await
                .map_err(|problem| match problem.failure() {
                    Some(failure) if failure.code.as_u16() == 404 => LoadError::Unsupported,
                    _ => LoadError::Server(problem),
                })?;
        let index = from_json(INDEX, &answer.body)?;
        keep(cache, INDEX_FILE, String::new(), &answer.body);
        Ok(index)
    }

    /// Whether there is a document for a group-version.
    pub fn has(&self, group: &str, version: &str) -> bool {
        self.paths.contains_key(&key(group, version))
    }

    /// The document of a group-version. Its address carries a hash of it, so that what was kept
    /// under that hash is right for ever.
    ///
    /// Errors: [`LoadError::Unpublished`]; no good answer.
    pub async fn document(
        &self,
        server: &Server,
        cache: Option<&Cache>,
        group: &str,
        version: &str,
    ) -> Result<Document, LoadError> {
        let key = key(group, version);
        let Some(place) = self.paths.get(&key) else {
            return Err(LoadError::Unpublished(group_version(group, version)));
        };
        let hash = hash_of(&place.url);
        let file = file_name(&key);
        if let Some(hash) = hash
            && let Some(kept) = cache.and_then(|c| c.read(&file))
            && kept.etag == hash
            && let Ok(document) = Document::parse(&kept.body)
        {
            return Ok(document);
        }
        let answer = server.get(&place.url, "application/json").await?;
        let document = Document::parse(&answer.body).map_err(|problem| Error::Answer {
            path: place.url.clone(),
            problem: problem.to_string(),
        })?;
        if let Some(hash) = hash {
            keep(cache, &file, hash.to_owned(), &answer.body);
        }
        Ok(document)
    }
}

/// The document of a group-version as it was kept last, without asking whether it is still right.
/// For completion.
pub fn kept(cache: &Cache, group: &str, version: &str) -> Option<Document> {
    let entry = cache.read(&file_name(&key(group, version)))?;
    Document::parse(&entry.body).ok()
}

fn keep(cache: Option<&Cache>, file: &str, etag: String, body: &[u8]) {
    let entry = Entry {
        etag,
        content_type: "application/json".into(),
        body: body.to_vec(),
    };
    if let Some(problem) = cache.and_then(|c| c.write(file, &entry).err()) {
        tracing::debug!("cannot keep {file}: {problem}");
    }
}

/// What the index calls a group-version: `api/v1`, `apis/apps/v1`.
fn key(group: &str, version: &str) -> String {
    let path = group_version_path(group, version);
    path.trim_start_matches('/').to_owned()
}

fn hash_of(url: &str) -> Option<&str> {
    let (_, query) = url.split_once('?')?;
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix("hash="))
        .filter(|hash| !hash.is_empty())
}

/// A name for a document's file. The server chooses group names, so nothing else than letters,
/// digits, dots and dashes may get into it.
fn file_name(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let name: String = key
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .collect();
    format!("openapi.{name}.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_named_as_the_index_names_them() {
        assert_eq!(key("", "v1"), "api/v1");
        assert_eq!(key("apps", "v1"), "apis/apps/v1");
        assert_eq!(file_name("apis/apps/v1"), "openapi.apis_apps_v1.json");
        assert_eq!(file_name("../../x\n"), "openapi..._.._x_.json");
    }

    #[test]
    fn the_hash_is_found() {
        assert_eq!(hash_of("/openapi/v3/api/v1?hash=AB"), Some("AB"));
        assert_eq!(hash_of("/openapi/v3/api/v1?x=1&hash=AB"), Some("AB"));
        assert_eq!(hash_of("/openapi/v3/api/v1?hash="), None);
        assert_eq!(hash_of("/openapi/v3/api/v1"), None);
    }
}
