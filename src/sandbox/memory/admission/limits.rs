//! LimitRanges are kept: containers get what they do not say, and nothing is smaller or larger than
//! allowed (`plugin/pkg/admission/limitranger`).

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod};
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
    for range in ranges(writer) {
        let items = range.spec.map(|spec| spec.limits).unwrap_or_default();
        let mut wrong: Vec<String> = Vec::new();
        for item in &items {
            let found = match plural {
                "pods" => of_pod(item, object),
                _ => of_claim(item, object),
            };
            for words in found {
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

fn of_pod(item: &LimitRangeItem, object: &Value) -> Vec<String> {
    let Ok(pod) = serde_json::from_value::<Pod>(object.clone()) else {
        return Vec::new();
    };
    let Some(spec) = pod.spec.as_ref() else {
        return Vec::new();
    };
    match item.type_.as_str() {
        "Container" => {
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
        "Pod" => {
            let (requests, limits) = quota::of_pod(spec);
            wrong(item, &requests, &limits)
        }
        _ => Vec::new(),
    }
}

/// Of claims only requests are looked at.
fn of_claim(item: &LimitRangeItem, object: &Value) -> Vec<String> {
    if item.type_ != "PersistentVolumeClaim" {
        return Vec::new();
    }
    let claim = serde_json::from_value::<PersistentVolumeClaim>(object.clone());
    let spec = claim.ok().and_then(|claim| claim.spec);
    let resources = spec.and_then(|spec| spec.resources);
    let requests = amounts(resources.as_ref().and_then(|own| own.requests.as_ref()));
    let type_ = &item.type_;
    let least = amounts(item.min.as_ref()).into_iter();
    let least = least
        .filter_map(|(name, bound)| too_small(type_, &name, &bound, &requests, &Amounts::new()));
    let most = amounts(item.max.as_ref()).into_iter();
    let most = most.filter_map(|(name, bound)| {
        let words = format!("maximum {name} usage per {type_} is {}", bound.canonical());
        match requests.get(&name) {
            None => Some(format!("{words}.  No request is specified")),
            Some(own) if *own > bound => {
                Some(format!("{words}, but request is {}", own.canonical()))
            }
            Some(_) => None,
        }
    });
    least.chain(most).collect()
}

fn wrong(item: &LimitRangeItem, requests: &Amounts, limits: &Amounts) -> Vec<String> {
    let type_ = &item.type_;
    let least = amounts(item.min.as_ref());
    let least = least
        .iter()
        .filter_map(|(name, bound)| too_small(type_, name, bound, requests, limits));
    let most = amounts(item.max.as_ref());
    let most = most
        .iter()
        .filter_map(|(name, bound)| too_large(type_, name, bound, requests, limits));
    let ratios = amounts(item.max_limit_request_ratio.as_ref());
    let ratios = ratios
        .iter()
        .filter_map(|(name, bound)| too_elastic(type_, name, bound, requests, limits));
    least.chain(most).chain(ratios).collect()
}

fn too_small(
    type_: &str,
    name: &str,
    bound: &Quantity,
    requests: &Amounts,
    limits: &Amounts,
) -> Option<String> {
    let words = format!("minimum {name} usage per {type_} is {}", bound.canonical());
    let Some(request) = requests.get(name) else {
        return Some(format!("{words}.  No request is specified"));
    };
    if request < bound {
        return Some(format!("{words}, but request is {}", request.canonical()));
    }
    let limit = limits.get(name).filter(|limit| *limit < bound)?;
    Some(format!("{words}, but limit is {}", limit.canonical()))
}

fn too_large(
    type_: &str,
    name: &str,
    bound: &Quantity,
    requests: &Amounts,
    limits: &Amounts,
) -> Option<String> {
    let words = format!("maximum {name} usage per {type_} is {}", bound.canonical());
    let Some(limit) = limits.get(name) else {
        return Some(format!("{words}.  No limit is specified"));
    };
    if limit > bound {
        return Some(format!("{words}, but limit is {}", limit.canonical()));
    }
    let request = requests.get(name).filter(|request| *request > bound)?;
    Some(format!("{words}, but request is {}", request.canonical()))
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
