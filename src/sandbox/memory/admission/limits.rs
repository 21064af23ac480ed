//! LimitRanges are kept: containers get what they do not say, and nothing is smaller or larger than
//! allowed (`plugin/pkg/admission/limitranger`).

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{LimitRange, LimitRangeItem, PersistentVolumeClaimSpec, PodSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Text;
use serde_json::{Map, Value, json};

use crate::sandbox::memory::object::{self, meta};
use crate::sandbox::memory::quantity::Quantity;
use crate::sandbox::memory::quota;
use crate::sandbox::memory::status::Status;
use crate::sandbox::memory::store::Query;
use crate::sandbox::memory::verbs::write::Writer;

/// Where it is told what a pod was given.
const ANNOTATION: &str = "kubernetes.io/limit-ranger";

type Amounts = BTreeMap<String, Quantity>;
type Texts = BTreeMap<String, Text>;

/// Gives the containers of a pod what they do not say.
pub(super) fn set(writer: &Writer<'_>, pod: &mut Value, old: Option<&Value>) {
    if writer.served.resource.plural != "pods" || !is_limited(writer, old) {
        return;
    }
    for range in ranges(writer) {
        set_by(&range, pod);
    }
}

/// Whether a write is within the ranges of its namespace.
///
/// # Errors
/// 403.
pub(super) fn check(
    writer: &Writer<'_>,
    object: &Value,
    old: Option<&Value>,
) -> Result<(), Status> {
    if !is_limited(writer, old) {
        return Ok(());
    }
    let plural = writer.served.resource.plural.as_str();
    let Some(subject) = Subject::read(plural, object) else {
        return Ok(());
    };
    for range in ranges(writer) {
        let items = range.spec.map(|spec| spec.limits).unwrap_or_default();
        let mut wrong: Vec<String> = Vec::new();
        for item in &items {
            for words in subject.wrong(item) {
                if !wrong.contains(&words) {
                    wrong.push(words);
                }
            }
        }
        let why = match wrong.as_slice() {
            [] => continue,
            [one] => one.clone(),
            all => format!("[{}]", all.join(", ")),
        };
        return Err(Status::forbidden("", plural, meta(object, "name"), &why));
    }
    Ok(())
}

fn is_limited(writer: &Writer<'_>, old: Option<&Value>) -> bool {
    let resource = &writer.served.resource;
    if !resource.group.is_empty() || old.is_some_and(object::is_deleting) {
        return false;
    }
    match (resource.plural.as_str(), writer.subresource) {
        ("pods", "") => old.is_none(),
        ("pods", "resize") => old.is_some(),
        ("persistentvolumeclaims", "") => true,
        _ => false,
    }
}

fn ranges(writer: &Writer<'_>) -> Vec<LimitRange> {
    let store = &writer.api.store;
    let shelf = store.shelf("", "limitranges");
    let query = Query {
        namespace: Some(writer.namespace),
        ..Query::everything()
    };
    let page = store.list(shelf, &query).map(|page| page.items);
    let all = page.unwrap_or_default();
    all.iter()
        .filter_map(|stored| serde_json::from_slice(stored.json()).ok())
        .collect()
}

fn set_by(range: &LimitRange, pod: &mut Value) {
    let (mut requests, mut limits) = (Texts::new(), Texts::new());
    for item in range.spec.iter().flat_map(|spec| &spec.limits) {
        if item.type_ == "Container" {
            requests.extend(item.default_request.clone().unwrap_or_default());
            limits.extend(item.default.clone().unwrap_or_default());
        }
    }
    let mut told = Vec::new();
    for (list, words) in [
        ("containers", "container"),
        ("initContainers", "init container"),
    ] {
        let containers = pod["spec"].get_mut(list).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            let name = container["name"].as_str().unwrap_or_default().to_owned();
            for (field, defaults, what) in [
                ("requests", &requests, "request"),
                ("limits", &limits, "limit"),
            ] {
                let set = give(container, field, defaults);
                if !set.is_empty() {
                    told.push(format!("{} {what} for {words} {name}", set.join(", ")));
                }
            }
        }
    }
    if told.is_empty() {
        return;
    }
    let words = format!("LimitRanger plugin set: {}", told.join("; "));
    let metadata = pod["metadata"].as_object_mut();
    if let Some(annotations) = metadata.and_then(|metadata| within(metadata, "annotations")) {
        annotations.insert(ANNOTATION.to_owned(), json!(words));
    }
}

/// Adds amounts that are not there, and tells which.
fn give(container: &mut Value, field: &str, defaults: &Texts) -> Vec<String> {
    let mut set = Vec::new();
    for (name, amount) in defaults {
        let amounts = container
            .as_object_mut()
            .and_then(|container| within(container, "resources"))
            .and_then(|resources| within(resources, field));
        if let Some(amounts) = amounts
            && !amounts.contains_key(name)
        {
            amounts.insert(name.clone(), json!(amount.0));
            set.push(name.clone());
        }
    }
    set
}

/// A map in an object, made if there is none.
fn within<'a>(
    object: &'a mut Map<String, Value>,
    field: &str,
) -> Option<&'a mut Map<String, Value>> {
    let slot = object.entry(field).or_insert(Value::Null);
    if slot.is_null() {
        *slot = json!({});
    }
    slot.as_object_mut()
}

/// What is to be within limits.
enum Subject {
    Pod(Box<PodSpec>),
    /// Its requests; a claim's limits are not looked at
    Claim(Amounts),
}

impl Subject {
    fn read(plural: &str, object: &Value) -> Option<Self> {
        let spec = object.get("spec")?.clone();
        Some(match plural {
            "pods" => Subject::Pod(serde_json::from_value(spec).ok()?),
            _ => {
                let spec: PersistentVolumeClaimSpec = serde_json::from_value(spec).ok()?;
                let resources = spec.resources;
                let requests = resources.as_ref().and_then(|own| own.requests.as_ref());
                Subject::Claim(amounts(requests))
            }
        })
    }

    /// What is not as an item wants it.
    fn wrong(&self, item: &LimitRangeItem) -> Vec<String> {
        match (self, item.type_.as_str()) {
            (Subject::Pod(spec), "Container") => {
                let containers = spec.containers.iter();
                let all = containers.chain(spec.init_containers.iter().flatten());
                all.flat_map(|container| {
                    let own = container.resources.as_ref();
                    let requests = amounts(own.and_then(|own| own.requests.as_ref()));
                    let limits = amounts(own.and_then(|own| own.limits.as_ref()));
                    wrong(item, &requests, &limits)
                })
                .collect()
            }
            (Subject::Pod(spec), "Pod") => {
                let (requests, limits) = quota::of_pod(spec);
                wrong(item, &requests, &limits)
            }
            (Subject::Claim(requests), "PersistentVolumeClaim") => {
                let least = bounds(item.min.as_ref(), |name, bound| {
                    too_small(item, name, bound, requests, &Amounts::new())
                });
                // What has no limit is measured by its request.
                let most = bounds(item.max.as_ref(), |name, bound| {
                    let request = ("request", requests.get(name));
                    outside(&maximum(item, name, bound), request, None, |own| {
                        own > bound
                    })
                });
                least.into_iter().chain(most).collect()
            }
            _ => Vec::new(),
        }
    }
}

fn wrong(item: &LimitRangeItem, requests: &Amounts, limits: &Amounts) -> Vec<String> {
    let least = bounds(item.min.as_ref(), |name, bound| {
        too_small(item, name, bound, requests, limits)
    });
    let most = bounds(item.max.as_ref(), |name, bound| {
        let limit = ("limit", limits.get(name));
        let request = ("request", requests.get(name));
        let words = maximum(item, name, bound);
        outside(&words, limit, Some(request), |own| own > bound)
    });
    let ratios = bounds(item.max_limit_request_ratio.as_ref(), |name, bound| {
        too_elastic(&item.type_, name, bound, requests, limits)
    });
    [least, most, ratios].concat()
}

/// What is said of each bound.
fn bounds(bounds: Option<&Texts>, say: impl Fn(&str, &Quantity) -> Option<String>) -> Vec<String> {
    let bounds = amounts(bounds);
    bounds
        .iter()
        .filter_map(|(name, bound)| say(name, bound))
        .collect()
}

fn maximum(item: &LimitRangeItem, name: &str, bound: &Quantity) -> String {
    let type_ = &item.type_;
    format!("maximum {name} usage per {type_} is {}", bound.canonical())
}

fn too_small(
    item: &LimitRangeItem,
    name: &str,
    bound: &Quantity,
    requests: &Amounts,
    limits: &Amounts,
) -> Option<String> {
    let type_ = &item.type_;
    let words = format!("minimum {name} usage per {type_} is {}", bound.canonical());
    let request = ("request", requests.get(name));
    let limit = ("limit", limits.get(name));
    outside(&words, request, Some(limit), |own| own < bound)
}

/// What is said where the first amount is missing, or one of them is out of bounds.
fn outside(
    words: &str,
    first: (&str, Option<&Quantity>),
    second: Option<(&str, Option<&Quantity>)>,
    is_out: impl Fn(&Quantity) -> bool,
) -> Option<String> {
    if let (what, None) = first {
        return Some(format!("{words}.  No {what} is specified"));
    }
    let all = [Some(first), second].into_iter().flatten();
    let mut out = all.filter_map(|(what, own)| Some((what, own.filter(|own| is_out(own))?)));
    let (what, own) = out.next()?;
    Some(format!("{words}, but {what} is {}", own.canonical()))
}

/// Whether a limit is too many times the request.
fn too_elastic(
    type_: &str,
    name: &str,
    bound: &Quantity,
    requests: &Amounts,
    limits: &Amounts,
) -> Option<String> {
    let words = format!(
        "{name} max limit to request ratio per {type_} is {}",
        bound.canonical()
    );
    let positive = |amounts: &Amounts| {
        let amount = amounts.get(name).filter(|amount| !amount.is_zero());
        amount.map(Quantity::to_f64)
    };
    let Some(request) = positive(requests) else {
        return Some(format!(
            "{words}, but no request is specified or request is 0"
        ));
    };
    let Some(limit) = positive(limits) else {
        return Some(format!("{words}, but no limit is specified or limit is 0"));
    };
    let ratio = limit / request;
    (ratio > bound.to_f64()).then(|| format!("{words}, but provided ratio is {ratio:.6}"))
}

fn amounts(texts: Option<&Texts>) -> Amounts {
    let texts = texts.into_iter().flatten();
    texts
        .filter_map(|(name, text)| Some((name.clone(), Quantity::parse(&text.0)?)))
        .collect()
}
