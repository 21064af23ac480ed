//! Who the user is: what kind of credential is in use, for messages and for curl lines. Never
//! shows a secret.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kube::config::AuthInfo;
use secrecy::ExposeSecret;

/// The credential that requests carry.
#[derive(Clone, Debug)]
pub struct Credential {
    /// What it is
    pub kind: CredentialKind,
    /// The kubeconfig user it belongs to, if it has a name
    pub user: Option<String>,
    /// When it stops being valid, where it says so (a JWT's `exp`, a certificate's notAfter)
    pub expires: Option<jiff::Timestamp>,
}

/// The kinds of credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// None at all: the request is anonymous
    None,
    /// A bearer token
    Token {
        /// The file that it was read from
        file: Option<PathBuf>,
    },
    /// A client certificate and its key
    Certificate {
        /// The certificate's file, if it is in one
        certificate: Option<PathBuf>,
        /// The certificate as PEM, if it stands in the kubeconfig; not a secret
        pem: Option<String>,
        /// The key's file, if it is in one
        key: Option<PathBuf>,
    },
    /// User name and password
    Basic {
        /// The user name
        username: String,
    },
    /// A legacy auth provider, by name
    Provider(String),
}

impl Credential {
    /// Reads from resolved settings which credential the client will use; client-go's order.
    pub(super) fn of(auth: &AuthInfo, user: Option<String>) -> Self {
        let (kind, expires) = if let Some(token) = &auth.token {
            (
                CredentialKind::Token { file: None },
                jwt_expiry(token.expose_secret()),
            )
        } else if let Some(file) = &auth.token_file {
            let token = std::fs::read_to_string(file).unwrap_or_default();
            (
                CredentialKind::Token {
                    file: Some(file.into()),
                },
                jwt_expiry(token.trim()),
            )
        } else if let (Some(username), Some(_)) = (&auth.username, &auth.password) {
            (
                CredentialKind::Basic {
                    username: username.clone(),
                },
                None,
            )
        } else if auth.client_certificate.is_some() || auth.client_certificate_data.is_some() {
            let (pem, expires) = certificate(auth);
            let inline = auth.client_certificate_data.is_some();
            let kind = CredentialKind::Certificate {
                certificate: auth
                    .client_certificate
                    .clone()
                    .filter(|_| !inline)
                    .map(Into::into),
                pem: pem.filter(|_| inline),
                key: auth
                    .client_key
                    .clone()
                    .filter(|_| auth.client_key_data.is_none())
                    .map(Into::into),
            };
            (kind, expires)
        } else if let Some(provider) = &auth.auth_provider {
            (CredentialKind::Provider(provider.name.clone()), None)
        } else {
            (CredentialKind::None, None)
        };
        Credential {
            kind,
            user,
            expires,
        }
    }

    /// A sentence for somebody whom the server did not recognise (401).
    pub fn describe_rejection(&self, now: jiff::Timestamp) -> String {
        let whose = self
            .user
            .as_ref()
            .map(|user| format!(" of user {user:?}"))
            .unwrap_or_default();
        let what = match &self.kind {
            CredentialKind::None => {
                return format!(
                    "The request carried no credentials: {}. Give some with --token or \
                     --client-certificate and --client-key, or choose a user with --user or --context.",
                    match &self.user {
                        Some(user) => format!("the kubeconfig user {user:?} has none"),
                        None => "the kubeconfig context names no user".to_owned(),
                    }
                );
            }
            CredentialKind::Token { file: Some(file) } => {
                format!("the token in {}", file.display())
            }
            CredentialKind::Token { file: None } => format!("the token{whose}"),
            CredentialKind::Certificate { .. } => format!("the client certificate{whose}"),
            CredentialKind::Basic { username } => {
                return format!(
                    "The request used a user name and password ({username:?}), which Kubernetes \
                     no longer accepts since 1.19. Use a token or a client certificate."
                );
            }
            CredentialKind::Provider(name) => format!("what the auth provider {name:?} gave"),
        };
        match self.expires {
            Some(at) if at <= now => format!(
                "{} expired at {}. Log in again, or ask for new credentials.",
                capital(&what),
                at.strftime("%Y-%m-%d %H:%M:%S UTC")
            ),
            _ => format!(
                "The server does not accept {what}: it is for another cluster, was revoked, or has \
                 expired. Log in again, or choose a user with --user or --context."
            ),
        }
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}

/// The `exp` claim of a JWT; `None` for any other token.
fn jwt_expiry(token: &str) -> Option<jiff::Timestamp> {
    let mut parts = token.split('.');
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    jiff::Timestamp::from_second(claims.get("exp")?.as_i64()?).ok()
}

fn certificate(auth: &AuthInfo) -> (Option<String>, Option<jiff::Timestamp>) {
    let bytes = match (&auth.client_certificate_data, &auth.client_certificate) {
        (Some(data), _) => base64::engine::general_purpose::STANDARD.decode(data).ok(),
        (None, Some(file)) => std::fs::read(file).ok(),
        (None, None) => None,
    };
    let Some(bytes) = bytes else {
        return (None, None);
    };
    let expires = x509_parser::pem::parse_x509_pem(&bytes)
        .ok()
        .and_then(|(_, pem)| {
            let certificate = pem.parse_x509().ok()?;
            jiff::Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
        });
    (String::from_utf8(bytes).ok(), expires)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> AuthInfo {
        let token = format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims));
        AuthInfo {
            token: Some(token.into()),
            ..AuthInfo::default()
        }
    }

    #[test]
    fn an_expired_token_says_when() {
        let credential = Credential::of(&token(r#"{"exp": 1700000000}"#), Some("anna".into()));
        let now = jiff::Timestamp::from_second(1_800_000_000).unwrap();
        let text = credential.describe_rejection(now);
        assert!(
            text.contains("of user \"anna\" expired at 2023-11-14 22:13:20 UTC"),
            "{text}"
        );
        let earlier = jiff::Timestamp::from_second(1_600_000_000).unwrap();
        assert!(
            credential
                .describe_rejection(earlier)
                .contains("does not accept the token")
        );
    }

    #[test]
    fn tokens_that_are_no_jwt_have_no_expiry() {
        for token in ["secret", "a.b.c", "..", "a.e30.c"] {
            assert_eq!(jwt_expiry(token), None, "{token}");
        }
    }

    #[test]
    fn no_credentials_names_the_user() {
        let credential = Credential::of(&AuthInfo::default(), Some("anna".into()));
        let text = credential.describe_rejection(jiff::Timestamp::UNIX_EPOCH);
        assert!(text.contains("user \"anna\" has none"), "{text}");
    }
}
