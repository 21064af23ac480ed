//! Resources that are questions: what is created is not stored but answered.

mod access;
mod tokens;

use serde_json::Value;

use super::authn::User;
use super::route::answer::Answer;
use super::route::media;
use super::route::options::{WriteKind, WriteOptions};
use super::route::path::Target;
use super::status::Status;
use super::verbs::Call;

/// What puts the answer into a question.
type Ask = fn(&Call<'_>, &mut Value) -> Result<(), Status>;

/// Answers a question; `None` where the resource is none.
///
/// Errors: what is wrong with the question.
pub fn answer(call: &Call<'_>) -> Result<Option<Answer>, Status> {
    let Some(ask) = question(call.target) else {
        return Ok(None);
    };
    let options = WriteOptions::read(&call.request.query, WriteKind::Create)?;
    let written = media::written(call.request)?;
    let mut review = call.decode_review(&call.request.body, written, &options)?;
    call.manage_review(&mut review, &options);
    ask(call, &mut review)?;
    Ok(Some(Answer::value(201, &review, &call.form)))
}

/// Whether what is created there is a question.
pub fn is_question(target: &Target) -> bool {
    question(target).is_some()
}

fn question(target: &Target) -> Option<Ask> {
    let names = (
        target.group.as_str(),
        target.plural.as_str(),
        target.subresource.as_str(),
    );
    let ask: Ask = match names {
        ("authorization.k8s.io", "selfsubjectaccessreviews", "") => access::of_self,
        ("authorization.k8s.io", "subjectaccessreviews", "") => access::of_subject,
        ("authorization.k8s.io", "localsubjectaccessreviews", "") => access::of_subject_here,
        ("authorization.k8s.io", "selfsubjectrulesreviews", "") => access::rules_of_self,
        ("authentication.k8s.io", "selfsubjectreviews", "") => tokens::of_self,
        ("authentication.k8s.io", "tokenreviews", "") => tokens::of_token,
        ("", "serviceaccounts", "token") => tokens::request,
        _ => return None,
    };
    Some(ask)
}

/// Somebody as a review names them.
fn user_of(spec: &Value) -> User {
    let texts = |value: &Value| {
        let all = value.as_array().into_iter().flatten();
        all.filter_map(|text| text.as_str().map(str::to_owned))
            .collect()
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let extra = spec["extra"].as_object().into_iter().flatten();
    User {
        name: text(&spec["user"]),
        uid: text(&spec["uid"]),
        groups: texts(&spec["groups"]),
        extra: extra
            .map(|(key, values)| (key.clone(), texts(values)))
            .collect(),
    }
}
