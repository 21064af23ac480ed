//! The parameters of requests, read and checked (meta/v1's options and their validation).

use serde_json::Value;

use super::request::Query;
use crate::sandbox::memory::decode::FieldValidation;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::selector::{FieldSelector, LabelSelector};
use crate::sandbox::memory::status::Status;

/// Parameters of lists, watches and deletions of collections.
#[derive(Clone, Debug)]
pub struct ListOptions {
    /// Which labels
    pub labels: LabelSelector,
    /// Which fields
    pub fields: FieldSelector,
    /// Whether what happens is to follow
    pub watch: bool,
    /// Whether a watch may say that nothing has happened
    pub bookmarks: bool,
    /// Which state; empty for the latest
    pub resource_version: String,
    /// How exactly
    pub version_match: VersionMatch,
    /// When a watch is to end
    pub timeout: Option<u64>,
    /// At most so many; 0 for all
    pub limit: usize,
    /// Where the last page ended
    pub continue_: String,
    /// Whether a watch begins with what there is; `None` when not said
    pub initial_events: Option<bool>,
}

/// `resourceVersionMatch`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VersionMatch {
    /// Not said
    #[default]
    Unset,
    /// Just this version
    Exact,
    /// This version or a later one
    NotOlderThan,
}

/// Parameters of writes.
#[derive(Clone, Debug, Default)]
pub struct WriteOptions {
    /// Whether nothing is to be stored
    pub dry_run: bool,
    /// Who writes; empty when not said
    pub field_manager: String,
    /// What becomes of unknown fields
    pub validation: FieldValidation,
    /// Whether apply may take fields from others
    pub force: bool,
}

/// `DeleteOptions`, of a body or of parameters.
#[derive(Clone, Debug, Default)]
pub struct DeleteOptions {
    /// Whether nothing is to be deleted
    pub dry_run: bool,
    /// Seconds until it goes
    pub grace: Option<i64>,
    /// What becomes of what it owns
    pub propagation: Option<Propagation>,
    /// The old word for [`Propagation`]
    pub orphan_dependents: Option<bool>,
    /// Only the object with this uid
    pub uid: Option<String>,
    /// Only in this version
    pub resource_version: Option<String>,
}

/// `propagationPolicy`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// It stays
    Orphan,
    /// It goes afterwards
    Background,
    /// It goes first
    Foreground,
}

fn integer(query: &Query, name: &str) -> Result<Option<i64>, Status> {
    let Some(text) = query.first(name).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let problem = || {
        let message = format!("strconv.ParseInt: parsing {text:?}: invalid syntax");
        Status::bad_request(message)
    };
    text.parse().map(Some).map_err(|_| problem())
}

/// Anything but `false` and `0` counts as true, as in apimachinery's conversions.
fn boolean(query: &Query, name: &str) -> Option<bool> {
    let text = query.first(name)?;
    Some(!matches!(text.to_ascii_lowercase().as_str(), "false" | "0"))
}

fn invalid(kind: &str, errors: &[FieldError]) -> Result<(), Status> {
    if errors.is_empty() {
        return Ok(());
    }
    Err(Status::invalid("meta.k8s.io", kind, "", errors))
}

impl ListOptions {
    /// Reads the parameters.
    ///
    /// Errors: 400 for what cannot be read, 422 for what does not go together.
    pub fn read(query: &Query, forces_watch: bool) -> Result<Self, Status> {
        let version_match = query.first("resourceVersionMatch").unwrap_or_default();
        let mut options = ListOptions {
            labels: match query.first("labelSelector") {
                Some(text) => LabelSelector::parse(text)?,
                None => LabelSelector::everything(),
            },
            fields: FieldSelector::parse(query.first("fieldSelector").unwrap_or_default())?,
            watch: forces_watch || boolean(query, "watch").unwrap_or(false),
            bookmarks: boolean(query, "allowWatchBookmarks").unwrap_or(false),
            resource_version: query
                .first("resourceVersion")
                .unwrap_or_default()
                .to_owned(),
            version_match: match version_match {
                "Exact" => VersionMatch::Exact,
                "NotOlderThan" => VersionMatch::NotOlderThan,
                _ => VersionMatch::Unset,
            },
            timeout: integer(query, "timeoutSeconds")?.and_then(|s| u64::try_from(s).ok()),
            limit: integer(query, "limit")?
                .and_then(|limit| usize::try_from(limit).ok())
                .unwrap_or(0),
            continue_: query.first("continue").unwrap_or_default().to_owned(),
            initial_events: boolean(query, "sendInitialEvents"),
        };
        let begins_anywhere = matches!(options.resource_version.as_str(), "" | "0");
        let mut version_match = version_match;
        if options.watch
            && begins_anywhere
            && options.initial_events.is_none()
            && version_match.is_empty()
        {
            options.initial_events = Some(true);
            options.version_match = VersionMatch::NotOlderThan;
            version_match = "NotOlderThan";
        }
        let asks_initial = options.initial_events.is_some();
        invalid("ListOptions", &options.wrong(version_match, asks_initial))?;
        Ok(options)
    }

    /// As apimachinery's `pkg/apis/meta/internalversion/validation`.
    fn wrong(&self, version_match: &str, asks_initial: bool) -> Vec<FieldError> {
        let path = Path::new("resourceVersionMatch");
        let mut errors = Vec::new();
        if self.watch {
            if asks_initial && version_match != "NotOlderThan" {
                let why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
                errors.push(FieldError::forbidden(&path, why));
            }
            if version_match.is_empty() {
                return errors;
            }
            if !asks_initial {
                let why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
                errors.push(FieldError::forbidden(&path, why));
            }
            if version_match != "NotOlderThan" {
                errors.push(FieldError::not_supported(
                    &path,
                    version_match,
                    &["NotOlderThan"],
                ));
            }
            if !self.continue_.is_empty() {
                let why = "resourceVersionMatch is forbidden when continue is provided";
                errors.push(FieldError::forbidden(&path, why));
            }
            return errors;
        }
        if !version_match.is_empty() {
            if self.resource_version.is_empty() {
                let why = "resourceVersionMatch is forbidden unless resourceVersion is provided";
                errors.push(FieldError::forbidden(&path, why));
            }
            if !self.continue_.is_empty() {
                let why = "resourceVersionMatch is forbidden when continue is provided";
                errors.push(FieldError::forbidden(&path, why));
            }
            if self.version_match == VersionMatch::Unset {
                let known = ["Exact", "NotOlderThan", ""];
                errors.push(FieldError::not_supported(&path, version_match, &known));
            }
            if version_match == "Exact" && self.resource_version == "0" {
                let why = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
                errors.push(FieldError::forbidden(&path, why));
            }
        }
        if asks_initial {
            let path = Path::new("sendInitialEvents");
            let why = "sendInitialEvents is forbidden for list";
            errors.push(FieldError::forbidden(&path, why));
        }
        errors
    }
}

/// What a write is, for its options: each kind has its own name in errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteKind {
    /// POST
    Create,
    /// PUT
    Update,
    /// PATCH but apply
    Patch,
    /// Server-side apply
    Apply,
}

impl WriteOptions {
    /// Reads the parameters.
    ///
    /// Errors: 422 for what is not allowed.
    pub fn read(query: &Query, kind: WriteKind) -> Result<Self, Status> {
        let field_manager = query.first("fieldManager").unwrap_or_default();
        let validation = query.first("fieldValidation").unwrap_or_default();
        let force = boolean(query, "force");
        let mut errors = Vec::new();
        match kind {
            WriteKind::Apply if field_manager.is_empty() => {
                let path = Path::new("fieldManager");
                errors.push(FieldError::required(&path, "is required for apply patch"));
            }
            WriteKind::Patch if force.is_some() => {
                let path = Path::new("force");
                let why = "may not be specified for non-apply patch";
                errors.push(FieldError::forbidden(&path, why));
            }
            _ => {}
        }
        check_manager(field_manager, &mut errors);
        let dry_run = dry_run(query.all("dryRun"), &mut errors);
        let known = ["", "Ignore", "Strict", "Warn"];
        if !known.contains(&validation) {
            let path = Path::new("fieldValidation");
            errors.push(FieldError::not_supported(&path, validation, &known));
        }
        let name = match kind {
            WriteKind::Create => "CreateOptions",
            WriteKind::Update => "UpdateOptions",
            WriteKind::Patch | WriteKind::Apply => "PatchOptions",
        };
        invalid(name, &errors)?;
        Ok(WriteOptions {
            dry_run,
            field_manager: field_manager.to_owned(),
            validation: FieldValidation::parse(validation).unwrap_or_default(),
            force: force.unwrap_or(false),
        })
    }
}

fn check_manager(manager: &str, errors: &mut Vec<FieldError>) {
    let path = Path::new("fieldManager");
    if manager.len() > 128 {
        errors.push(FieldError::too_long(&path, 128));
    }
    for (at, character) in manager.char_indices() {
        if character.is_control() {
            let code = u32::from(character);
            let why = format!("invalid character U+{code:04X} (at position {at})");
            errors.push(FieldError::invalid(&path, manager, why));
        }
    }
}

fn dry_run<'a>(values: impl Iterator<Item = &'a str>, errors: &mut Vec<FieldError>) -> bool {
    let values: Vec<&str> = values.collect();
    if values.iter().any(|value| *value != "All") {
        let path = Path::new("dryRun");
        let given: Value = values.iter().copied().collect();
        errors.push(FieldError::not_supported(&path, given, &["All"]));
    }
    !values.is_empty()
}

impl DeleteOptions {
    /// Reads a body, which must be an object, or the parameters where there is no body.
    ///
    /// Errors: 400 for what cannot be read, 422 for what does not go together.
    pub fn read(query: &Query, body: Option<&Value>) -> Result<Self, Status> {
        let (mut options, policy, dry_runs) = match body {
            Some(body) => DeleteOptions::of_body(body)?,
            None => DeleteOptions::of_query(query)?,
        };
        let mut errors = Vec::new();
        let path = Path::new("propagationPolicy");
        if options.orphan_dependents.is_some() && policy.is_some() {
            let why = "orphanDependents and deletionPropagation cannot be both set";
            errors.push(FieldError::invalid(&path, policy.clone(), why));
        }
        if let Some(policy) = policy {
            options.propagation = match policy.as_str() {
                "Orphan" => Some(Propagation::Orphan),
                "Background" => Some(Propagation::Background),
                "Foreground" => Some(Propagation::Foreground),
                _ => {
                    let known = ["Foreground", "Background", "Orphan", "nil"];
                    errors.push(FieldError::not_supported(&path, policy, &known));
                    None
                }
            };
        }
        options.dry_run = dry_run(dry_runs.iter().map(String::as_str), &mut errors);
        invalid("DeleteOptions", &errors)?;
        Ok(options)
    }

    fn of_query(query: &Query) -> Result<(Self, Option<String>, Vec<String>), Status> {
        let options = DeleteOptions {
            grace: integer(query, "gracePeriodSeconds")?,
            orphan_dependents: boolean(query, "orphanDependents"),
            ..DeleteOptions::default()
        };
        let policy = query.first("propagationPolicy").map(str::to_owned);
        let dry_runs = query.all("dryRun").map(str::to_owned).collect();
        Ok((options, policy, dry_runs))
    }

    fn of_body(body: &Value) -> Result<(Self, Option<String>, Vec<String>), Status> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let wants = |field: &str, type_: &str, value: &Value| {
            let found = match value {
                Value::String(_) => "string",
                Value::Number(_) => "number",
                Value::Bool(_) => "bool",
                Value::Array(_) => "array",
                _ => "object",
            };
            Status::bad_request(format!(
                "json: cannot unmarshal {found} into Go struct field DeleteOptions.{field} of type {type_}"
            ))
        };
        let grace = match &body["gracePeriodSeconds"] {
            Value::Null => None,
            value => {
                let problem = || wants("gracePeriodSeconds", "int64", value);
                Some(value.as_i64().ok_or_else(problem)?)
            }
        };
        let orphan_dependents = match &body["orphanDependents"] {
            Value::Null => None,
            value => {
                let problem = || wants("orphanDependents", "bool", value);
                Some(value.as_bool().ok_or_else(problem)?)
            }
        };
        let policy = match &body["propagationPolicy"] {
            Value::Null => None,
            value => {
                let problem = || wants("propagationPolicy", "v1.DeletionPropagation", value);
                Some(text(value).ok_or_else(problem)?)
            }
        };
        let preconditions = &body["preconditions"];
        let options = DeleteOptions {
            grace,
            orphan_dependents,
            uid: text(&preconditions["uid"]),
            resource_version: text(&preconditions["resourceVersion"]),
            ..DeleteOptions::default()
        };
        let dry_runs = body["dryRun"].as_array().into_iter().flatten();
        Ok((options, policy, dry_runs.filter_map(text).collect()))
    }
}
