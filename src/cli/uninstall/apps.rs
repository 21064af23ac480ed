//! The CRD, and the Apps that go when it goes.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::cli::install::found::{Live, is_ours, uid};
use crate::cli::install::manifests::crd;
use crate::cli::install::request::{Write, code, delete_all, get};
use crate::cluster::{Error, Server};

/// So many Apps are named.
const NAMED: usize = 5;
/// The garbage collector learns of a new kind within 30 s, and then deletes a few thousand objects
/// in as long again. Finalizers may keep Apps for ever.
const PATIENCE: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(100);

/// The CRD on the server.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) live: Live,
    /// Whether it bears our labels
    pub(super) is_ours: bool,
    /// A version that Apps can be read in
    version: Option<String>,
}

/// What is known of the Apps.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Apps {
    /// How many, and the names of some
    Seen { count: u64, some: Vec<String> },
    /// They cannot be listed; why
    Unknown(String),
}

impl Apps {
    /// Whether it is certain that there are none.
    pub(super) fn are_none(&self) -> bool {
        matches!(self, Apps::Seen { count: 0, .. })
    }

    /// "3 Apps (work/a, work/b, …)".
    pub(super) fn words(&self) -> String {
        match self {
            Apps::Seen { count, some } => {
                let more = if some.len() as u64 == *count {
                    ""
                } else {
                    ", …"
                };
                let apps = if *count == 1 { "App" } else { "Apps" };
                format!("{count} {apps} ({}{more})", some.join(", "))
            }
            Apps::Unknown(why) => format!("an unknown number of Apps, for {why}"),
        }
    }
}

/// The CRD, if there is one.
///
/// Errors: the server does not answer or refuses.
pub(super) async fn definition(server: &Server) -> Result<Option<Definition>, Error> {
    let id = crd().id;
    let live = get(server, &id).await?;
    Ok(live.map(|live| Definition {
        is_ours: is_ours(&live),
        version: served(&live),
        live: Live {
            id,
            uid: uid(&live),
        },
    }))
}

fn served(crd: &Value) -> Option<String> {
    let versions = crd["spec"]["versions"].as_array()?;
    let served = versions.iter().find(|version| version["served"] == true)?;
    served["name"].as_str().map(str::to_owned)
}

impl Definition {
    /// The Apps of a namespace, or of all.
    ///
    /// Errors: the server does not answer; a refusal is [`Apps::Unknown`].
    pub(super) async fn apps(
        &self,
        server: &Server,
        namespace: Option<&str>,
    ) -> Result<Apps, Error> {
        let Some(version) = &self.version else {
            let why = "the CustomResourceDefinition serves no version to read them in";
            return Ok(Apps::Unknown(why.to_owned()));
        };
        let path = format!("{}?limit={NAMED}", path(version, namespace));
        match server.get_json::<Value>(&path, "application/json").await {
            Ok(list) => Ok(of(&list)),
            Err(problem) if matches!(code(&problem), Some(403 | 404)) => {
                let failure = problem.failure();
                Ok(Apps::Unknown(failure.map_or_else(
                    || problem.to_string(),
                    crate::cluster::Failure::headline,
                )))
            }
            Err(problem) => Err(problem),
        }
    }

    /// Deletes all Apps, each after what it owns: once the CRD is gone, the garbage collector cannot
    /// find out any more that an owner is.
    ///
    /// Errors: the server does not answer or refuses.
    pub(super) async fn delete_apps(&self, server: &Server, write: Write) -> anyhow::Result<()> {
        let Some(version) = &self.version else {
            return Ok(());
        };
        let accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,\
                      application/json";
        let list: Value = match server.get_json(&path(version, None), accept).await {
            // Never established: nobody could create one.
            Err(problem) if code(&problem) == Some(404) => return Ok(()),
            list => list?,
        };
        let namespaces: BTreeSet<&str> = list["items"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|app| app["metadata"]["namespace"].as_str())
            .collect();
        for namespace in namespaces {
            delete_all(server, &path(version, Some(namespace)), write).await?;
        }
        Ok(())
    }

    /// Returns what is left when nothing is, or when patience ends.
    ///
    /// Errors: the server does not answer.
    pub(super) async fn left(&self, server: &Server) -> Result<Apps, Error> {
        let until = Instant::now() + PATIENCE;
        loop {
            let apps = self.apps(server, None).await?;
            if matches!(apps, Apps::Unknown(_)) || apps.are_none() || Instant::now() > until {
                return Ok(apps);
            }
            sleep(PAUSE).await;
        }
    }
}

fn path(version: &str, namespace: Option<&str>) -> String {
    match namespace {
        Some(namespace) => format!("/apis/app.example.com/{version}/namespaces/{namespace}/apps"),
        None => format!("/apis/app.example.com/{version}/apps"),
    }
}

fn of(list: &Value) -> Apps {
    let some: Vec<String> = list["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|app| {
            let word = |field: &str| app["metadata"][field].as_str().unwrap_or_default();
            format!("{}/{}", word("namespace"), word("name"))
        })
        .collect();
    let more = list["metadata"]["remainingItemCount"].as_u64();
    Apps::Seen {
        count: some.len() as u64 + more.unwrap_or_default(),
        some,
    }
}

/// Returns true when the object is gone, false when it still is there when patience ends.
///
/// Errors: the server does not answer or refuses.
pub(super) async fn is_gone(server: &Server, gone: &Live) -> Result<bool, Error> {
    let until = Instant::now() + PATIENCE;
    loop {
        match get(server, &gone.id).await? {
            None => return Ok(true),
            // Somebody was quick to make a new one.
            Some(live) if uid(&live) != gone.uid => return Ok(true),
            Some(_) if Instant::now() > until => return Ok(false),
            Some(_) => sleep(PAUSE).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn apps_are_counted_beyond_those_that_are_named() {
        let app = |name: &str| json!({ "metadata": { "namespace": "work", "name": name } });
        let none = of(&json!({ "items": [] }));
        assert!(none.are_none());
        let one = of(&json!({ "metadata": {}, "items": [app("a")] }));
        assert_eq!(one.words(), "1 App (work/a)");
        let many = of(&json!({
            "metadata": { "remainingItemCount": 7 }, "items": [app("a"), app("b")],
        }));
        assert_eq!(many.words(), "9 Apps (work/a, work/b, …)");
        assert!(!Apps::Unknown("it is so".to_owned()).are_none());
    }

    #[test]
    fn apps_are_read_in_a_version_that_is_served() {
        let crd = json!({ "spec": { "versions": [
            { "name": "v0", "served": false }, { "name": "v1", "served": true },
        ] } });
        assert_eq!(served(&crd).as_deref(), Some("v1"));
        assert_eq!(served(&json!({})), None);
    }
}
