//! What can be done to resources. Each verb is a function of a [`Call`]; whoever sends requests, over
//! HTTP or from within, comes by here.

pub mod body;
mod conditions;
mod create;
pub mod delete;
mod eviction;
pub mod list;
mod patch;
pub mod render;
mod scale;
mod subresource;
mod update;
pub mod watch;
pub mod write;

use std::cell::RefCell;
use std::sync::Arc;

use http::Method;

use super::api::Api;
use super::registry::{Behaviour, Served};
use super::reviews;
use super::route::answer::Answer;
use super::route::media::{self, Endpoint, Form};
use super::route::options::{ListOptions, WriteOptions};
use super::route::path::Target;
use super::route::request::Request;
use super::status::Status;
use render::Written;
use write::Writer;

/// A request for a resource that is served.
pub struct Call<'a> {
    /// The server
    pub api: &'a Arc<Api>,
    /// What was sent
    pub request: &'a Request,
    /// What the path names
    pub target: &'a Target,
    /// The resource
    pub served: Arc<Served>,
    /// How to answer
    pub form: Form,
    /// Texts of warnings, for the client
    pub warnings: RefCell<Vec<String>>,
}

/// The verb that a request means (`RequestInfo`); empty for methods that the API does not have.
pub fn verb(request: &Request, target: &Target) -> &'static str {
    let is_collection = target.name.is_empty();
    match request.method {
        Method::GET | Method::HEAD if target.is_watch => "watch",
        Method::GET | Method::HEAD if is_collection => {
            let watch = request.query.first("watch").unwrap_or("false");
            match watch.to_ascii_lowercase().as_str() {
                "false" | "0" => "list",
                _ => "watch",
            }
        }
        Method::GET | Method::HEAD => "get",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if is_collection => "deletecollection",
        Method::DELETE => "delete",
        _ => "",
    }
}

/// Answers a request below `/api/VERSION` or `/apis/GROUP/VERSION`.
///
/// Errors: whatever a client did wrong.
pub fn answer(api: &Arc<Api>, request: &Request, target: &Target) -> Result<Answer, Status> {
    let served = api
        .registry
        .find(&target.group, &target.version, &target.plural);
    let Some(served) = served else {
        // Paths below built-in groups are answered by the API, all others by nobody.
        if api.registry.is_built_in(&target.group) {
            return Err(Status::no_such_path());
        }
        return Ok(Answer::page_not_found());
    };
    let resource = &served.resource;
    let is_misplaced =
        !resource.namespaced && !target.namespace.is_empty() && target.plural != "namespaces"
            || resource.namespaced && target.namespace.is_empty() && !target.name.is_empty();
    if is_misplaced {
        return match served.is_custom() {
            true => Ok(Answer::page_not_found()),
            false => Err(Status::no_such_path()),
        };
    }
    let verb = verb(request, target);
    let endpoint = match verb {
        "list" | "watch" | "deletecollection" => Endpoint::List,
        _ if reviews::is_question(target) => Endpoint::Untabled,
        _ if matches!(target.subresource.as_str(), "binding" | "eviction") => Endpoint::Untabled,
        _ => Endpoint::Object,
    };
    if !is_served(&served, target, verb, request)? {
        return Err(Status::method_not_allowed(NOT_ALLOWED));
    }
    let call = Call {
        api,
        request,
        target,
        served,
        form: Form::default(),
        warnings: RefCell::default(),
    };
    let form = call.negotiate(endpoint, verb)?;
    let call = Call { form, ..call };
    // What fails has been warned of all the same.
    let answer = call
        .run(verb)
        .unwrap_or_else(|status| super::route::failure(&status, request));
    Ok(answer.warn(&call.warnings.take()))
}

const NOT_ALLOWED: &str = "the server does not allow this method on the requested resource";

/// Whether discovery has that verb there. A path that discovery does not have at all is no error of
/// the verb.
fn is_served(
    served: &Served,
    target: &Target,
    verb: &str,
    request: &Request,
) -> Result<bool, Status> {
    let resource = &served.resource;
    if !target.subresource.is_empty() {
        let Some(sub) = resource.subresource(&target.subresource) else {
            return Err(match served.is_custom() {
                true => Status::not_found(&resource.group, &resource.plural, &target.name),
                false => Status::no_such_path(),
            });
        };
        let has_rest = !target.rest.is_empty();
        if has_rest && target.subresource != "proxy" {
            return Err(Status::no_such_path());
        }
        return Ok(sub.verbs.iter().any(|known| known == verb) && request.method != Method::HEAD);
    }
    if request.method == Method::HEAD {
        return Ok(false);
    }
    let needs_namespace = resource.namespaced && target.namespace.is_empty();
    if needs_namespace && !matches!(verb, "list" | "watch") {
        return Ok(false);
    }
    let is_collection = target.name.is_empty();
    let fits = match verb {
        "create" => is_collection,
        "update" | "patch" => !is_collection,
        _ => true,
    };
    Ok(fits && resource.has_verb(verb))
}

/// What is told with every answer about resources of the core group, whatever the verb.
const DEPRECATED: [(&str, &str); 2] = [
    (
        "endpoints",
        "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
    ),
    (
        "componentstatuses",
        "v1 ComponentStatus is deprecated in v1.19+",
    ),
];

impl Call<'_> {
    /// The form of the answer.
    ///
    /// Errors: 406, in the words of whoever serves the resource.
    fn negotiate(&self, endpoint: Endpoint, verb: &str) -> Result<Form, Status> {
        let form = Form::negotiate(self.request, endpoint);
        if verb == "watch" && form.as_ref().is_ok_and(|form| form.is_yaml) {
            return Err(media::no_such_stream());
        }
        // Types are looked at first, by the library that routes; then what is to be made of objects.
        let is_routed = self.served.is_custom() || media::accepts_some(self.request);
        form.map_err(|status| match is_routed {
            true => status,
            false => media::not_acceptable(verb == "list" || verb == "watch"),
        })
    }

    fn run(&self, verb: &str) -> Result<Answer, Status> {
        if let Behaviour::Custom(version) = &self.served.behaviour {
            self.warn(
                version
                    .deprecation()
                    .map(str::to_owned)
                    .into_iter()
                    .collect(),
            );
        }
        if self.target.group.is_empty() {
            let known = DEPRECATED
                .iter()
                .find(|(plural, _)| *plural == self.target.plural);
            self.warn(
                known
                    .map(|(_, words)| (*words).to_owned())
                    .into_iter()
                    .collect(),
            );
        }
        if let Some(answer) = reviews::answer(self)? {
            return Ok(answer);
        }
        if self.target.group.is_empty() && self.target.plural == "bindings" {
            return self.bind("");
        }
        if !matches!(self.target.subresource.as_str(), "" | "status") {
            return self.subresource(verb);
        }
        match verb {
            "get" => self.get(),
            "list" => self.list(&ListOptions::read(&self.request.query, false)?),
            "watch" => self.watch(&ListOptions::read(&self.request.query, true)?),
            "create" => self.create(),
            "update" => self.update(),
            "patch" => self.patch(),
            "delete" => self.delete(),
            "deletecollection" => self.delete_collection(),
            _ => Err(Status::method_not_allowed(NOT_ALLOWED)),
        }
    }

    fn get(&self) -> Result<Answer, Status> {
        let version = self.request.query.first("resourceVersion").unwrap_or("");
        if !matches!(version, "" | "0") {
            self.check_version(version)?;
        }
        let key = write::key(self.namespace(), &self.target.name);
        let stored = self.api.store.get(self.served.shelf, &key);
        let stored = stored.ok_or_else(|| self.not_found())?;
        self.renderer()?.object(200, &Written::Stored(stored))
    }

    fn check_version(&self, text: &str) -> Result<(), Status> {
        let Ok(version) = text.parse::<u64>() else {
            let message = format!(
                "resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"
            );
            return Err(Status::new(500, "", message));
        };
        let now = self.api.store.version();
        if version > now {
            return Err(list::too_large(version, now));
        }
        Ok(())
    }

    /// The namespace in keys: that of the path, for what lives in one.
    pub(super) fn namespace(&self) -> &str {
        match self.served.resource.namespaced {
            true => &self.target.namespace,
            false => "",
        }
    }

    fn not_found(&self) -> Status {
        let resource = &self.served.resource;
        let plural = match (resource.group.as_str(), resource.plural.as_str()) {
            // Its registry spells it so.
            ("", "componentstatuses") => "componentstatus",
            (_, plural) => plural,
        };
        Status::not_found(&resource.group, plural, &self.target.name)
    }

    /// Under which name the client manages fields.
    fn manager(&self, options: &WriteOptions) -> String {
        if !options.field_manager.is_empty() {
            return options.field_manager.clone();
        }
        super::apply::names::of_user_agent(self.request.header(&http::header::USER_AGENT))
    }

    fn writer<'c>(&'c self, manager: &'c str, dry_run: bool) -> Writer<'c> {
        Writer {
            api: self.api,
            served: &self.served,
            namespace: self.namespace(),
            subresource: &self.target.subresource,
            user: &self.request.user,
            manager,
            dry_run,
            is_patch: self.request.method == Method::PATCH,
            is_upsert: false,
            warnings: Vec::new(),
        }
    }

    fn warn(&self, texts: Vec<String>) {
        self.warnings.borrow_mut().extend(texts);
    }
}
