//! A request as a curl line that works when pasted into a shell; secrets stand as variables.

use std::collections::BTreeMap;
use std::fmt::Write;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, Method, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use super::credentials::CredentialKind;
use super::settings::{SecretSource, Settings};

/// What client-go escapes in the key of an extra, which becomes part of a header's name.
/// Source: k8s.io/client-go/transport/round_trippers.go (`headerKeyEscape`).
const NOT_IN_HEADER_NAMES: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'*')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// What a request carries.
#[derive(Clone, Copy, Debug)]
pub enum Data<'a> {
    /// Nothing, or nothing that is to be shown
    None,
    /// Text, written out
    Text(&'a str),
    /// What is in a file, byte for byte
    File(&'a str),
    /// What comes from stdin
    Stdin,
}

/// The curl line, and before it a comment for each secret that says how to set its variable.
pub fn line(
    settings: &Settings,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    data: Data<'_>,
) -> String {
    let mut notes = String::new();
    let mut line = String::from("curl");
    let has_data = !matches!(data, Data::None);
    if *method == Method::HEAD {
        line.push_str(" -I");
    } else if *method != Method::GET || has_data {
        // With data, curl would make a POST of a GET.
        let _ = write!(line, " -X {}", quote(method.as_str()));
    }
    let config = &settings.config;
    if config.accept_invalid_certs {
        line.push_str(" -k");
    } else if let Some(file) = &settings.authority_file {
        let _ = write!(line, " --cacert {}", quote(file));
    } else if let Some(certificates) = &config.root_cert {
        let _ = write!(
            line,
            " --cacert <(base64 -d <<<{})",
            quote(&pem_base64(certificates))
        );
    }
    credential(settings, &mut line, &mut notes);
    let auth = &config.auth_info;
    let mut header = |name: &str, value: &str| {
        let header = format!("{name}: {value}");
        let _ = write!(line, " -H {}", quote(header.trim_end()));
    };
    for (name, value) in headers {
        let is_own = *name == USER_AGENT && *value == super::server::AGENT;
        if *name != AUTHORIZATION && !is_own {
            header(name.as_str(), &String::from_utf8_lossy(value.as_bytes()));
        }
    }
    // curl would add its own, and call every body a form.
    for (name, adds) in [(ACCEPT, true), (CONTENT_TYPE, has_data)] {
        if adds && !headers.contains_key(&name) {
            header(name.as_str(), "");
        }
    }
    if let Some(user) = &auth.impersonate {
        header("Impersonate-User", user);
    }
    for group in auth.impersonate_groups.iter().flatten() {
        header("Impersonate-Group", group);
    }
    if let Some(uid) = &auth.impersonate_uid {
        header("Impersonate-Uid", uid);
    }
    // Sorted, since a hash map gives them in another order each time.
    let extra: BTreeMap<_, _> = auth.impersonate_user_extra.iter().flatten().collect();
    for (key, values) in extra {
        let key = percent_encode(key.as_bytes(), NOT_IN_HEADER_NAMES);
        for value in values {
            header(&format!("Impersonate-Extra-{key}"), value);
        }
    }
    if let Some(proxy) = &config.proxy_url {
        let _ = write!(
            line,
            " --proxy {}",
            quote(&super::proxy::without_secret(&proxy.to_string()))
        );
    }
    match data {
        Data::None => {}
        // --data-binary would take a text that begins with @ for the name of a file.
        Data::Text(text) => {
            let _ = write!(line, " --data-raw {}", quote(text));
        }
        Data::File(file) => {
            let _ = write!(line, " --data-binary {}", quote(&format!("@{file}")));
        }
        Data::Stdin => line.push_str(" --data-binary @-"),
    }
    let mut target = uri.to_string();
    if uri.path().split('/').any(is_dots) {
        // curl would resolve `..` by itself, and ask for another path.
        line.push_str(" --path-as-is");
    }
    if target.contains(['[', ']', '{', '}']) {
        // curl would take these for a pattern of several URLs.
        line.push_str(" -g");
    }
    if let Some(name) = &config.tls_server_name {
        // curl has no flag for the name alone: it must believe that the name leads to the address.
        let port = uri.port_u16().unwrap_or(443);
        let host = uri.host().unwrap_or_default();
        let _ = write!(
            line,
            " --connect-to {}",
            quote(&format!("{name}:{port}:{host}:{port}"))
        );
        target = target.replacen(&format!("://{host}"), &format!("://{name}"), 1);
    }
    let _ = write!(line, " {}", quote(&target));
    format!("{notes}{line}")
}

/// Whether a part of a path is `.` or `..`, also percent-encoded.
fn is_dots(part: &str) -> bool {
    let part = part.to_ascii_lowercase().replace("%2e", ".");
    part == "." || part == ".."
}

fn credential(settings: &Settings, line: &mut String, notes: &mut String) {
    match &settings.credential.kind {
        CredentialKind::None | CredentialKind::Provider(_) => {}
        CredentialKind::Token { file: Some(file) } => {
            let _ = write!(
                line,
                " -H \"Authorization: Bearer $(cat {})\"",
                quote_inner(file)
            );
        }
        CredentialKind::Token { file: None } => {
            notes.push_str(&note(settings, "TOKEN", "token", ""));
            line.push_str(" -H \"Authorization: Bearer $TOKEN\"");
        }
        CredentialKind::Certificate {
            certificate,
            pem,
            key,
        } => {
            match (certificate, pem) {
                (Some(file), _) => {
                    let _ = write!(line, " --cert {}", quote(&file.display().to_string()));
                }
                (None, Some(pem)) => {
                    use base64::Engine;
                    let data = base64::engine::general_purpose::STANDARD.encode(pem);
                    let _ = write!(line, " --cert <(base64 -d <<<{})", quote(&data));
                }
                (None, None) => {}
            }
            match key {
                Some(file) => {
                    let _ = write!(line, " --key {}", quote(&file.display().to_string()));
                }
                None => {
                    notes.push_str(&note(settings, "KEY", "client-key-data", " | base64 -d"));
                    line.push_str(" --key <(printf '%s\\n' \"$KEY\")");
                }
            }
        }
        CredentialKind::Basic { username } => {
            notes.push_str("# PASSWORD=...\n");
            let _ = write!(line, " -u {}:\"$PASSWORD\"", quote(username));
        }
    }
}

/// How to set the variable that stands for a secret.
fn note(settings: &Settings, variable: &str, field: &str, then: &str) -> String {
    let user = settings.credential.user.as_deref().unwrap_or_default();
    match &settings.secret {
        SecretSource::Flag => format!("# {variable}=...   the value of --token\n"),
        SecretSource::Plugin(command) => format!(
            "# {variable}=...   what the credential plugin {} prints\n",
            quote(command)
        ),
        SecretSource::Kubeconfig(file) => {
            let file = file.as_ref().map_or(String::new(), |file| {
                format!(" --kubeconfig {}", quote(&file.display().to_string()))
            });
            let path = format!("jsonpath={{.users[?(@.name==\"{user}\")].user.{field}}}");
            let path = quote(&path);
            format!("# {variable}=$(kubectl config view{file} --raw -o {path}{then})\n")
        }
    }
}

fn pem_base64(certificates: &[Vec<u8>]) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let mut pem = String::new();
    for der in certificates {
        pem.push_str("-----BEGIN CERTIFICATE-----\n");
        let text = STANDARD.encode(der);
        for start in (0..text.len()).step_by(64) {
            pem.push_str(&text[start..text.len().min(start + 64)]);
            pem.push('\n');
        }
        pem.push_str("-----END CERTIFICATE-----\n");
    }
    STANDARD.encode(pem)
}

/// `text` as one word of a POSIX shell.
fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// As [`quote`], to stand inside `"$(…)"`, where quotes start anew.
fn quote_inner(file: &std::path::Path) -> String {
    quote(&file.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_the_shell() {
        assert_eq!(quote("https://h:1/a"), "https://h:1/a");
        assert_eq!(quote("/api?watch=true&x=1"), "'/api?watch=true&x=1'");
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote(""), "''");
    }
}
