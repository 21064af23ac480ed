//! The requests by which Apps are brought up.

use http::{Method, Request};
use kube::Client;
use serde_json::{Value, json};

use super::queue::Key;
use crate::app::live::Live;
use crate::app::{App, AppStatus, Child, MANAGER, status};

/// No object ever has this version: an apply that names it can only create.
const NEVER: &str = "1";

const JSON: &str = "application/json";
const APPLY: &str = "application/apply-patch+yaml";

/// Sends writes; cheap to clone.
#[derive(Clone)]
pub(super) struct Writer {
    client: Client,
    dry: bool,
}

/// What an apply relies on; if it is not so, the server refuses it and nothing is changed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Given<'a> {
    /// There is no object of that name
    Absent,
    /// It is this very object
    Is(&'a Live),
    /// It is this very object, in this very version
    Unchanged(&'a Live),
    /// There may be one; fields that others have set are not taken from them
    Nothing,
}

impl Writer {
    /// With `dry` the server is asked to check and answer, but to store nothing.
    pub(super) fn new(client: Client, dry: bool) -> Self {
        Writer { client, dry }
    }

    /// Applies a child under `manager`; gives the object as it is then.
    pub(super) async fn apply(
        &self,
        key: &Key,
        child: Child,
        manager: &str,
        payload: &Value,
        given: Given<'_>,
    ) -> Result<Value, kube::Error> {
        let mut payload = payload.clone();
        given.put_into(&mut payload["metadata"]);
        let force = !matches!(given, Given::Nothing);
        let path = format!(
            "{}?fieldManager={manager}&force={force}{}",
            path(key, child),
            self.dry_run()
        );
        self.send(Method::PATCH, &path, APPLY, &payload).await
    }

    /// Sends a JSON patch of a child; gives the child as it is then.
    pub(super) async fn patch(
        &self,
        key: &Key,
        child: Child,
        patch: &Value,
    ) -> Result<Value, kube::Error> {
        let path = format!(
            "{}?fieldManager={MANAGER}{}",
            path(key, child),
            self.dry_run()
        );
        self.send(Method::PATCH, &path, "application/json-patch+json", patch)
            .await
    }

    /// Sets the App's status; gives the App as it is then.
    pub(super) async fn status(
        &self,
        key: &Key,
        app: &App,
        status: &AppStatus,
    ) -> Result<Value, kube::Error> {
        let path = format!(
            "{}/status?fieldManager={MANAGER}&force=true{}",
            app_path(key),
            self.dry_run()
        );
        self.send(Method::PATCH, &path, APPLY, &status::payload(app, status))
            .await
    }

    /// Deletes a child, if it is still that very object. What it owns goes with it.
    pub(super) async fn delete(
        &self,
        key: &Key,
        child: Child,
        uid: &str,
    ) -> Result<(), kube::Error> {
        let mut options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid},
            "propagationPolicy": "Background",
        });
        if self.dry {
            options["dryRun"] = json!(["All"]);
        }
        self.send(Method::DELETE, &path(key, child), JSON, &options)
            .await
            .map(|_| ())
    }

    /// A child as it is now.
    pub(super) async fn read(&self, key: &Key, child: Child) -> Result<Option<Value>, kube::Error> {
        match self
            .send(Method::GET, &path(key, child), JSON, &Value::Null)
            .await
        {
            Ok(object) => Ok(Some(object)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(problem) => Err(problem),
        }
    }

    /// The App as it is now.
    pub(super) async fn read_app(&self, key: &Key) -> Result<Option<Value>, kube::Error> {
        match self
            .send(Method::GET, &app_path(key), JSON, &Value::Null)
            .await
        {
            Ok(app) => Ok(Some(app)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(problem) => Err(problem),
        }
    }

    fn dry_run(&self) -> &'static str {
        if self.dry { "&dryRun=All" } else { "" }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        kind: &str,
        body: &Value,
    ) -> Result<Value, kube::Error> {
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(http::header::ACCEPT, JSON)
            .header(http::header::CONTENT_TYPE, kind)
            .body(body)
            .map_err(kube::Error::HttpError)?;
        self.client.request(request).await
    }
}

impl Given<'_> {
    fn put_into(self, metadata: &mut Value) {
        match self {
            Given::Absent => metadata["resourceVersion"] = json!(NEVER),
            Given::Is(live) => metadata["uid"] = json!(live.uid),
            Given::Unchanged(live) => {
                metadata["uid"] = json!(live.uid);
                metadata["resourceVersion"] = json!(live.resource_version);
            }
            Given::Nothing => {}
        }
    }
}

fn app_path(key: &Key) -> String {
    let Key { namespace, name } = key;
    format!("/apis/app.example.com/v1/namespaces/{namespace}/apps/{name}")
}

fn path(key: &Key, child: Child) -> String {
    let version = child.api_version();
    // The core group has a place of its own.
    let root = if version.contains('/') { "apis" } else { "api" };
    let Key { namespace, name } = key;
    format!(
        "/{root}/{version}/namespaces/{namespace}/{}/{name}",
        child.plural()
    )
}
