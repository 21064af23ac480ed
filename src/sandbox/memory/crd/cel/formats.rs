//! Named formats (`pkg/cel/library/format.go` of apiserver).

use super::super::format;
use super::super::go;
use super::eval::Evaluated;
use super::library::{as_text, text_list};
use super::value::Val;
use crate::sandbox::memory::kinds::meta;
use crate::sandbox::memory::names;

const NAMES: [&str; 13] = [
    "dns1123Label",
    "dns1123Subdomain",
    "dns1035Label",
    "qualifiedName",
    "dns1123LabelPrefix",
    "dns1123SubdomainPrefix",
    "dns1035LabelPrefix",
    "labelValue",
    "uri",
    "uuid",
    "byte",
    "date",
    "datetime",
];

pub(super) fn call<'a>(name: &str, args: &[Val<'a>]) -> Option<Evaluated<'a>> {
    Some(Ok(match (name, args) {
        ("format.named", [name]) => match named(as_text(name)?) {
            Some(format) => Val::some(Val::Format(format)),
            None => Val::Optional(None),
        },
        ("validate", [Val::Format(format), text]) => {
            let wrong = validate(format, as_text(text)?);
            if wrong.is_empty() {
                Val::Optional(None)
            } else {
                Val::some(text_list(wrong))
            }
        }
        (name, []) => Val::Format(named(name.strip_prefix("format.")?)?),
        _ => return None,
    }))
}

fn named(name: &str) -> Option<&'static str> {
    NAMES.into_iter().find(|known| *known == name)
}

fn validate(format: &str, text: &str) -> Vec<String> {
    let strfmt = |name: &str, wrong: &str| match format::check(name) {
        Some(check) if check(text) => Vec::new(),
        _ => vec![wrong.to_owned()],
    };
    match format {
        "dns1123Label" => names::dns1123_label(text),
        "dns1123Subdomain" => names::dns1123_subdomain(text),
        "dns1035Label" => names::dns1035_label(text),
        "qualifiedName" => names::qualified_name(text),
        "dns1123LabelPrefix" => meta::dns_label(text, true),
        "dns1123SubdomainPrefix" => meta::dns_subdomain(text, true),
        "dns1035LabelPrefix" => meta::dns1035_label(text, true),
        "labelValue" => names::label_value(text),
        "uri" => strfmt(
            "uri",
            &format!("parse {}: invalid URI for request", go::quote(text)),
        ),
        "uuid" => strfmt("uuid", "does not match the UUID format"),
        "byte" => strfmt("byte", "invalid base64"),
        "date" => strfmt("date", "invalid date"),
        _ => strfmt("datetime", "invalid datetime"),
    }
}
