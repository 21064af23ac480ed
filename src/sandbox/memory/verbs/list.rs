//! Lists, and where watches begin.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::Call;
use super::render::Renderer;
use super::watch::{self, Watch};
use crate::sandbox::memory::registry::{Behaviour, Served};
use crate::sandbox::memory::route::answer::{Answer, Body};
use crate::sandbox::memory::route::options::{ListOptions, VersionMatch};
use crate::sandbox::memory::selector::{FieldSelector, LabelSelector, Labels};
use crate::sandbox::memory::status::{Cause, Details, Status};
use crate::sandbox::memory::store::{Page, Query, Stored};

/// Which objects of a resource.
#[derive(Clone)]
pub struct Selection {
    /// The resource
    pub served: Arc<Served>,
    /// Only in this namespace
    pub namespace: Option<String>,
    /// With these labels
    pub labels: LabelSelector,
    /// With these fields
    pub fields: FieldSelector,
}

impl Labels for Stored {
    fn label(&self, key: &str) -> Option<&str> {
        let labels = &self.facts.labels;
        let at = labels
            .binary_search_by(|(known, _)| (**known).cmp(key))
            .ok()?;
        Some(&labels[at].1)
    }
}

impl Selection {
    /// Whether nothing is left out but by namespace.
    fn is_everything(&self) -> bool {
        self.labels.is_everything() && self.fields.is_everything()
    }

    /// Whether the object is one of them.
    pub fn selects(&self, object: &Stored) -> bool {
        let facts = &object.facts;
        let here = self.namespace.as_deref();
        let read = OnceCell::new();
        here.is_none_or(|namespace| namespace == &*facts.namespace)
            && self.labels.matches(object)
            && self.fields.matches(|field| match field {
                "metadata.name" => Some(&*facts.name),
                "metadata.namespace" => Some(&*facts.namespace),
                other => {
                    let known = match &self.served.behaviour {
                        Behaviour::BuiltIn(_) => &facts.fields,
                        Behaviour::Custom(version) => read.get_or_init(|| {
                            let object = self.served.live(object);
                            version.fields(&version.convert(object)).into()
                        }),
                    };
                    let known = known.iter().find(|(name, _)| &**name == other);
                    known.map(|(_, value)| &**value)
                }
            })
    }
}

impl Call<'_> {
    /// GET of a collection.
    pub(super) fn list(&self, options: &ListOptions) -> Result<Answer, Status> {
        let selection = self.selection(options)?;
        let page = self.page(options, &selection)?;
        let next = self.continuation(&page);
        self.renderer()?.list(&page, next)
    }

    /// GET of a collection with `watch`.
    pub(super) fn watch(&self, options: &ListOptions) -> Result<Answer, Status> {
        let selection = self.selection(options)?;
        let version = match options.resource_version.as_str() {
            "" => 0,
            text => text.parse().map_err(|_| invalid_version(text))?,
        };
        let from = if options.initial_events == Some(false) && version == 0 {
            watch::From::Version(self.api.store.version())
        } else if options.initial_events == Some(true) || version == 0 {
            let mut everything = options.clone();
            everything.limit = 0;
            everything.continue_.clear();
            everything.resource_version.clear();
            everything.version_match = VersionMatch::Unset;
            let page = self.page(&everything, &selection)?;
            watch::From::Everything {
                version: page.version,
                objects: page.items,
                end: options.initial_events == Some(true),
            }
        } else {
            // A version to come is waited for.
            watch::From::Version(version)
        };
        let lasts = match options.timeout {
            Some(seconds) if seconds > 0 => Duration::from_secs(seconds.min(A_YEAR)),
            _ => some_time(),
        };
        let renderer = self.renderer()?;
        let content_type = renderer.stream_type();
        let plan = watch::Plan {
            selection,
            renderer,
            from,
            bookmarks: options.bookmarks,
            lasts,
        };
        let watch = Watch::new(Arc::clone(self.api), plan);
        let mut answer = Answer::new(200, content_type, "");
        answer.body = Body::Watch(Box::new(watch));
        Ok(answer)
    }

    /// The objects that the options select, all of them.
    pub(super) fn selected(&self, options: &ListOptions) -> Result<Vec<Arc<Stored>>, Status> {
        let selection = self.selection(options)?;
        Ok(self.page(options, &selection)?.items)
    }

    fn selection(&self, options: &ListOptions) -> Result<Selection, Status> {
        check_fields(&self.served, &options.fields)?;
        let mut fields = options.fields.clone();
        let name = &self.target.name;
        if !name.is_empty() {
            match fields.exact("metadata.name") {
                None if fields.is_everything() => {
                    // A name in a selector is escaped.
                    let escaped = name.replace('\\', "\\\\").replace('=', "\\=");
                    let escaped = escaped.replace(',', "\\,");
                    fields = FieldSelector::parse(&format!("metadata.name={escaped}"))?;
                }
                Some(selected) if selected == name => {}
                _ => {
                    let message = "fieldSelector metadata.name doesn't match requested name";
                    return Err(Status::bad_request(message));
                }
            }
        }
        for term in &mut fields.terms {
            if let Some(stored) = self.served.stored_field(&term.field) {
                stored.clone_into(&mut term.field);
            }
        }
        let namespace = &self.target.namespace;
        let is_scoped = self.served.resource.namespaced && !namespace.is_empty();
        Ok(Selection {
            served: Arc::clone(&self.served),
            namespace: is_scoped.then(|| namespace.clone()),
            labels: options.labels.clone(),
            fields,
        })
    }

    fn page(&self, options: &ListOptions, selection: &Selection) -> Result<Page, Status> {
        let store = &self.api.store;
        let (mut after, mut at) = (None, None);
        let now = store.version();
        if options.continue_.is_empty() {
            let text = options.resource_version.as_str();
            if !matches!(text, "" | "0") {
                let version: u64 = text.parse().map_err(|_| invalid_list_version(text))?;
                if version > now {
                    return Err(too_large(version, now));
                }
                // With a limit and nothing more, an old version means just that one.
                let is_exact = options.version_match == VersionMatch::Exact
                    || options.version_match == VersionMatch::Unset && options.limit > 0;
                at = is_exact.then_some(version);
            }
        } else {
            let token = Token::read(&options.continue_)?;
            if !matches!(options.resource_version.as_str(), "" | "0") {
                let message = "specifying resource version is not allowed when using continue";
                return Err(Status::bad_request(message));
            }
            let prefix = selection.namespace.as_deref().map(|n| format!("{n}/"));
            after = Some(format!("{}{}", prefix.unwrap_or_default(), token.start));
            at = token.version;
        }
        let only = |object: &Stored| selection.selects(object);
        let query = Query {
            namespace: selection.namespace.as_deref(),
            after: after.as_deref(),
            limit: (options.limit > 0).then_some(options.limit),
            at,
            only: (!selection.is_everything()).then_some(&only as &dyn Fn(&Stored) -> bool),
        };
        store.list(self.served.shelf, &query).map_err(|_| {
            if options.continue_.is_empty() {
                let message = "The resourceVersion for the provided list is too old.";
                return Status::expired(message);
            }
            self.expired_page(after.as_deref().unwrap_or_default())
        })
    }

    /// 410 with a token that goes on with what there is now.
    fn expired_page(&self, after: &str) -> Status {
        let token = Token {
            version: None,
            start: after.to_owned(),
        };
        let mut status = Status::expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
        );
        status.continue_token = Some(token.write());
        status
    }

    fn continuation(&self, page: &Page) -> Option<String> {
        let last = page.items.last().filter(|_| page.has_more)?;
        let scoped = self.served.resource.namespaced && !self.target.namespace.is_empty();
        let start = match scoped {
            true => last.facts.name.to_string(),
            false => last.key.to_string(),
        };
        let token = Token {
            version: Some(page.version),
            start,
        };
        Some(token.write())
    }

    pub(super) fn renderer(&self) -> Result<Renderer, Status> {
        Renderer::new(self)
    }
}

/// Longer than anybody watches, and within what a clock can add.
const A_YEAR: u64 = 365 * 24 * 60 * 60;

/// 30 to 60 minutes, so that clients do not all come back at once (`--min-request-timeout`).
fn some_time() -> Duration {
    let random = getrandom::u32().unwrap_or(0) % 1800;
    Duration::from_secs(1800 + u64::from(random))
}

fn check_fields(served: &Served, fields: &FieldSelector) -> Result<(), Status> {
    for term in &fields.terms {
        let field = term.field.as_str();
        let is_general = match field {
            "metadata.name" => true,
            "metadata.namespace" => served.resource.namespaced || !served.is_custom(),
            _ => false,
        };
        let is_own = match &served.behaviour {
            Behaviour::BuiltIn(kind) => kind.field_labels().contains(&field),
            Behaviour::Custom(version) => version.selectable_fields().iter().any(|f| f == field),
        };
        if !is_general && !is_own {
            return Err(served.unknown_field(field));
        }
    }
    Ok(())
}

fn invalid_version(text: &str) -> Status {
    let message = format!(
        "resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"
    );
    Status::new(500, "", message)
}

fn invalid_list_version(text: &str) -> Status {
    let problem = invalid_version(text).message;
    Status::bad_request(format!("invalid resource version: {problem}"))
}

pub(super) fn too_large(version: u64, now: u64) -> Status {
    let message = format!("Timeout: Too large resource version: {version}, current: {now}");
    Status::new(504, "Timeout", message).with(Details {
        causes: vec![Cause {
            reason: "ResourceVersionTooLarge",
            message: "Too large resource version".to_owned(),
            field: String::new(),
        }],
        retry_after: Some(1),
        ..Details::default()
    })
}

/// Where the next page begins (apiserver's `pkg/storage/continue.go`).
struct Token {
    /// The version of the pages; `None` for whatever there is
    version: Option<u64>,
    /// After this key, below the namespace of the list
    start: String,
}

impl Token {
    fn write(&self) -> String {
        let version = self.version.map_or(-1, |v| i64::try_from(v).unwrap_or(-1));
        let start = format!("/{}\0", self.start);
        let token = json!({"v": "meta.k8s.io/v1", "rv": version, "start": start});
        URL_SAFE_NO_PAD.encode(token.to_string())
    }

    fn read(text: &str) -> Result<Self, Status> {
        let wrong = |why: &str| {
            let message = format!("invalid continue token: continue key is not valid: {why}");
            Status::bad_request(message)
        };
        let bytes = URL_SAFE_NO_PAD.decode(text);
        let bytes = bytes.map_err(|problem| wrong(&problem.to_string()))?;
        let token: Value = serde_json::from_slice(&bytes).map_err(|_| {
            let first = bytes.first().copied().unwrap_or_default();
            let shown = match first {
                b' '..=b'~' => format!("'{}'", char::from(first)),
                _ => format!("'\\u{first:04x}'"),
            };
            wrong(&format!(
                "invalid character {shown} looking for beginning of value"
            ))
        })?;
        if token["v"] != "meta.k8s.io/v1" {
            let version = token["v"].as_str().unwrap_or_default();
            let message = format!("server does not recognize this encoded version {version}");
            return Err(wrong(&message));
        }
        let version = token["rv"].as_i64().unwrap_or(0);
        if version == 0 {
            return Err(wrong(
                "incorrect encoded start resourceVersion (version meta.k8s.io/v1)",
            ));
        }
        let start = token["start"].as_str().unwrap_or_default();
        let start = start.trim_start_matches('/').trim_end_matches('\0');
        if start.is_empty() {
            return Err(wrong("encoded start key empty (version meta.k8s.io/v1)"));
        }
        Ok(Token {
            version: u64::try_from(version).ok(),
            start: start.to_owned(),
        })
    }
}
