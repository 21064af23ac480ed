//! Who somebody is (`pkg/registry/authentication`), and tokens for ServiceAccounts
//! (`pkg/registry/core/serviceaccount/storage/token.go`).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::sandbox::memory::api::seconds;
use crate::sandbox::memory::field::{FieldError, Path};
use crate::sandbox::memory::object::{meta, set_meta};
use crate::sandbox::memory::status::Status;
use crate::sandbox::memory::tokens::{Claims, ISSUER};
use crate::sandbox::memory::verbs::Call;
use crate::sandbox::memory::verbs::write::key;

pub(super) fn of_self(call: &Call<'_>, review: &mut Value) -> Result<(), Status> {
    *review = json!({
        "kind": "SelfSubjectReview",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"creationTimestamp": call.api.now()},
        "status": {"userInfo": call.request.user.to_json()},
    });
    Ok(())
}

pub(super) fn of_token(call: &Call<'_>, review: &mut Value) -> Result<(), Status> {
    let token = review["spec"]["token"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    if token.is_empty() {
        let message = "token is required for TokenReview in authentication";
        return Err(Status::bad_request(message));
    }
    let asked = review["spec"]["audiences"].as_array().into_iter().flatten();
    let mut audiences: Vec<String> = asked
        .filter_map(|a| a.as_str().map(str::to_owned))
        .collect();
    if audiences.is_empty() {
        audiences.push(ISSUER.to_owned());
    }
    let status = match call.api.tokens.review(&call.api.store, &token, &audiences) {
        Ok((user, audiences)) => json!({
            "authenticated": true, "user": user.to_json(), "audiences": audiences,
        }),
        Err(why) => json!({"user": {}, "error": why}),
    };
    review["status"] = status;
    Ok(())
}

/// The shortest life of a token, and the longest.
const LIVES: (i64, i64) = (600, 1 << 32);

pub(super) fn request(call: &Call<'_>, review: &mut Value) -> Result<(), Status> {
    let (namespace, name) = (&call.target.namespace, &call.target.name);
    let account = call.api.store.get(call.served.shelf, &key(namespace, name));
    let account = account.ok_or_else(|| Status::not_found("", "serviceaccounts", name))?;
    let lives = review["spec"]["expirationSeconds"].as_i64().unwrap_or(3600);
    let path = Path::new("spec").child("expirationSeconds");
    let mut errors = Vec::new();
    if lives < LIVES.0 {
        let why = "may not specify a duration less than 10 minutes";
        errors.push(FieldError::invalid(&path, lives, why));
    }
    if lives > LIVES.1 {
        let why = "may not specify a duration larger than 2^32 seconds";
        errors.push(FieldError::invalid(&path, lives, why));
    }
    if !errors.is_empty() {
        return Err(Status::invalid(
            "authentication.k8s.io",
            "TokenRequest",
            "",
            &errors,
        ));
    }
    let asked = review["spec"]["audiences"].as_array().into_iter().flatten();
    let mut audiences: Vec<String> = asked
        .filter_map(|a| a.as_str().map(str::to_owned))
        .collect();
    if audiences.is_empty() {
        audiences.push(ISSUER.to_owned());
    }
    let bound = bound(call, &review["spec"]["boundObjectRef"])?;
    let now = Timestamp::now();
    let claims = Claims {
        audiences: audiences.clone(),
        namespace: namespace.clone(),
        name: name.clone(),
        uid: account.facts.uid.to_string(),
        bound,
        issued: now,
        expires: now + SignedDuration::from_secs(lives),
    };
    let token = call.api.tokens.issue(&claims);
    let token = token.ok_or_else(|| Status::internal("a token could not be signed"))?;
    set_meta(review, "name", Some(json!(name)));
    set_meta(review, "namespace", Some(json!(namespace)));
    set_meta(review, "uid", Some(json!(&*account.facts.uid)));
    set_meta(review, "creationTimestamp", Some(json!(seconds(now))));
    let spec = &mut review["spec"];
    spec["audiences"] = json!(audiences);
    spec["expirationSeconds"] = json!(lives);
    if spec.get("boundObjectRef").is_none() {
        spec["boundObjectRef"] = Value::Null;
    }
    review["status"] = json!({"token": token, "expirationTimestamp": seconds(claims.expires)});
    Ok(())
}

/// The object to whose life a token is bound.
fn bound(call: &Call<'_>, reference: &Value) -> Result<Option<(String, String, String)>, Status> {
    let Some(kind) = reference["kind"].as_str() else {
        return Ok(None);
    };
    let (plural, namespace) = match kind {
        "Pod" => ("pods", call.target.namespace.as_str()),
        "Secret" => ("secrets", call.target.namespace.as_str()),
        "Node" => ("nodes", ""),
        _ => {
            let message = format!(
                "cannot bind token to object of type {:?}",
                format!("/v1, Kind={kind}")
            );
            return Err(Status::bad_request(message));
        }
    };
    let name = reference["name"].as_str().unwrap_or_default();
    let shelf = call.api.store.shelf("", plural);
    let found = call.api.store.get(shelf, &key(namespace, name));
    let found = found.ok_or_else(|| Status::not_found("", plural, name))?;
    let uid = reference["uid"].as_str().unwrap_or_default();
    if !uid.is_empty() && uid != &*found.facts.uid {
        let why = format!(
            "the UID in the bound object reference ({uid}) does not match the UID in record. The object might have been deleted and then recreated"
        );
        return Err(Status::conflict("", plural, name, &why));
    }
    let name = meta(&found.value(), "name").to_owned();
    Ok(Some((kind.to_owned(), name, found.facts.uid.to_string())))
}
