//! Bearer tokens: the administrator's, and those of ServiceAccounts, which are JSON Web Tokens that
//! this server signs (`pkg/serviceaccount`).

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    KeyPair, UnparsedPublicKey,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::authn::User;
use super::route::answer::Answer;
use super::store::Store;
use crate::sandbox::uuid;

/// Who issues tokens, and for whom when nobody else is named.
pub const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

/// The same, of tokens that Secrets hold.
const SECRET_ISSUER: &str = "kubernetes/serviceaccount";

static ALGORITHM: &EcdsaSigningAlgorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;

/// A key to sign with, in PKCS #8; `None` when the machine gives no randomness.
pub fn generate_key() -> Option<Vec<u8>> {
    let key = EcdsaKeyPair::generate_pkcs8(ALGORITHM, &SystemRandom::new()).ok()?;
    Some(key.as_ref().to_vec())
}

/// See the module.
pub struct Tokens {
    admin: [u8; 32],
    key: Option<EcdsaKeyPair>,
    key_id: String,
}

/// What a token says.
#[derive(Clone, Debug)]
pub struct Claims {
    /// For whom
    pub audiences: Vec<String>,
    /// Of which ServiceAccount
    pub namespace: String,
    /// Its name
    pub name: String,
    /// Its uid
    pub uid: String,
    /// The object to whose life it is bound: kind, name, uid
    pub bound: Option<(String, String, String)>,
    /// From when on
    pub issued: Timestamp,
    /// Until when
    pub expires: Timestamp,
}

impl Tokens {
    /// Knows the administrator's token and the key to sign with, in PKCS #8. When that is none, it
    /// makes one of its own.
    pub fn new(admin: &str, key: &[u8]) -> Self {
        let random = SystemRandom::new();
        let read = |key: &[u8]| EcdsaKeyPair::from_pkcs8(ALGORITHM, key, &random).ok();
        let key = read(key).or_else(|| read(&generate_key()?));
        let public = key
            .as_ref()
            .map_or(&[][..], |key| key.public_key().as_ref());
        Tokens {
            admin: Sha256::digest(admin).into(),
            key_id: URL_SAFE_NO_PAD.encode(Sha256::digest(public)),
            key,
        }
    }

    /// Whose token it is; `None` for one that is not valid.
    pub fn user(&self, store: &Store, token: &str) -> Option<User> {
        // Digests tell nothing of how much of a token was right.
        let digest: [u8; 32] = Sha256::digest(token).into();
        if digest == self.admin {
            return Some(User::admin());
        }
        self.review(store, token, &[ISSUER.to_owned()])
            .ok()
            .map(|(user, _)| user)
    }

    /// Whose token it is, if it is for one of the audiences; and for which of them.
    ///
    /// # Errors
    /// Why it is not valid, in the words of TokenReview.
    pub fn review(
        &self,
        store: &Store,
        token: &str,
        audiences: &[String],
    ) -> Result<(User, Vec<String>), String> {
        let invalid = || "invalid bearer token".to_owned();
        let digest: [u8; 32] = Sha256::digest(token).into();
        if digest == self.admin {
            return Ok((User::admin(), audiences.to_vec()));
        }
        let claims = self.verify(token).ok_or_else(invalid)?;
        let audience = |of: &Value| {
            let all = of.as_array().into_iter().flatten();
            let all: Vec<String> = all.filter_map(|a| a.as_str().map(str::to_owned)).collect();
            all
        };
        let is_of_secret = claims["iss"] == SECRET_ISSUER;
        let own = match is_of_secret {
            true => vec![ISSUER.to_owned()],
            false => audience(&claims["aud"]),
        };
        let shared: Vec<String> = audiences
            .iter()
            .filter(|a| own.contains(a))
            .cloned()
            .collect();
        if shared.is_empty() {
            let message = format!(
                "[invalid bearer token, token audiences {own:?} is invalid for the target audiences {audiences:?}]"
            );
            return Err(message);
        }
        if is_of_secret {
            let user = of_secret(store, token, &claims);
            return user
                .map(|user| (user, shared))
                .map_err(|why| format!("[invalid bearer token, {why}]"));
        }
        let now = Timestamp::now().as_second();
        if claims["exp"].as_i64().is_none_or(|until| until <= now) {
            return Err("[invalid bearer token, service account token has expired]".to_owned());
        }
        let of = &claims["kubernetes.io"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (namespace, account) = (text(&of["namespace"]), &of["serviceaccount"]);
        let (name, uid) = (text(&account["name"]), text(&account["uid"]));
        // A token lives as long as what it is of.
        let lives = |uid: &str| store.by_uid(uid).is_some();
        if !lives(&uid) {
            return Err(
                "[invalid bearer token, service account token has been invalidated]".to_owned(),
            );
        }
        let mut user = User::service_account(&namespace, &name, &uid);
        let credential = format!("JTI={}", text(&claims["jti"]));
        user.extra.insert(
            "authentication.kubernetes.io/credential-id".to_owned(),
            vec![credential],
        );
        for (kind, words) in [("pod", "pod"), ("node", "node"), ("secret", "")] {
            let bound = &of[kind];
            if bound.is_null() {
                continue;
            }
            let (name, uid) = (text(&bound["name"]), text(&bound["uid"]));
            if !lives(&uid) {
                return Err(
                    "[invalid bearer token, service account token has been invalidated]".to_owned(),
                );
            }
            if !words.is_empty() {
                let key = |what: &str| format!("authentication.kubernetes.io/{words}-{what}");
                user.extra.insert(key("name"), vec![name]);
                user.extra.insert(key("uid"), vec![uid]);
            }
        }
        Ok((user, shared))
    }

    /// A token; `None` when the machine gives no randomness.
    pub fn issue(&self, claims: &Claims) -> Option<String> {
        let mut of = json!({
            "namespace": claims.namespace,
            "serviceaccount": {"name": claims.name, "uid": claims.uid},
        });
        if let Some((kind, name, uid)) = &claims.bound {
            of[kind.to_lowercase()] = json!({"name": name, "uid": uid});
        }
        let body = json!({
            "aud": claims.audiences,
            "exp": claims.expires.as_second(),
            "iat": claims.issued.as_second(),
            "iss": ISSUER,
            "jti": uuid::random(),
            "kubernetes.io": of,
            "nbf": claims.issued.as_second(),
            "sub": format!("system:serviceaccount:{}:{}", claims.namespace, claims.name),
        });
        self.sign(&body)
    }

    /// A token without an end, for the Secret of that name (`LegacyClaims` in
    /// pkg/serviceaccount/legacy.go).
    pub fn issue_for_secret(
        &self,
        namespace: &str,
        account: &str,
        uid: &str,
        secret: &str,
    ) -> Option<String> {
        self.sign(&json!({
            "iss": SECRET_ISSUER,
            "kubernetes.io/serviceaccount/namespace": namespace,
            "kubernetes.io/serviceaccount/secret.name": secret,
            "kubernetes.io/serviceaccount/service-account.name": account,
            "kubernetes.io/serviceaccount/service-account.uid": uid,
            "sub": format!("system:serviceaccount:{namespace}:{account}"),
        }))
    }

    fn sign(&self, body: &Value) -> Option<String> {
        let head = json!({"alg": "ES256", "kid": self.key_id});
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&head), encode(body));
        let key = self.key.as_ref()?;
        let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).ok()?;
        Some(format!(
            "{signed}.{}",
            URL_SAFE_NO_PAD.encode(signature.as_ref())
        ))
    }

    fn verify(&self, token: &str) -> Option<Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let public = self.key.as_ref()?.public_key();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public.as_ref());
        public.verify(signed.as_bytes(), &signature).ok()?;
        let body = URL_SAFE_NO_PAD.decode(signed.split('.').nth(1)?).ok()?;
        serde_json::from_slice(&body).ok()
    }

    /// What tells others how to check tokens: the documents of OpenID discovery.
    pub fn answer(&self, path: &str, address: &str) -> Answer {
        let answer = if path == "/openid/v1/jwks" {
            let public = self
                .key
                .as_ref()
                .map_or(&[][..], |key| key.public_key().as_ref());
            // An uncompressed point: a byte that says so, and two coordinates.
            let (x, y) = public
                .get(1..)
                .unwrap_or_default()
                .split_at(public.len().saturating_sub(1) / 2);
            let keys = json!({"keys": [{
                "use": "sig", "kty": "EC", "kid": self.key_id, "crv": "P-256", "alg": "ES256",
                "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
            }]});
            Answer::new(200, "application/jwk-set+json", keys.to_string())
        } else {
            let document = json!({
                "issuer": ISSUER,
                "jwks_uri": format!("https://{address}/openid/v1/jwks"),
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
            });
            Answer::new(200, "application/json", document.to_string())
        };
        answer.header("cache-control", "public, max-age=3600")
    }
}

/// Whose token it is that a Secret holds, as long as it does.
fn of_secret(store: &Store, token: &str, claims: &Value) -> Result<User, &'static str> {
    let text = |part: &str| {
        let claim = &claims[format!("kubernetes.io/serviceaccount/{part}")];
        claim.as_str().unwrap_or_default()
    };
    let namespace = text("namespace");
    let key = format!("{namespace}/{}", text("secret.name"));
    let secret = store.get(store.shelf("", "secrets"), &key);
    let secret = secret.filter(|secret| !secret.facts.is_deleting);
    let secret = secret.ok_or("Token has been invalidated")?.value();
    if secret["data"]["token"] != STANDARD.encode(token) {
        return Err("Token does not match server's copy");
    }
    let uid = text("service-account.uid");
    if store.by_uid(uid).is_none() {
        return Err("service account token has been invalidated");
    }
    let name = text("service-account.name");
    Ok(User::service_account(namespace, name, uid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_signed_is_believed() {
        let key = generate_key().unwrap();
        let tokens = Tokens::new("secret", &key);
        let store = Store::default();
        assert_eq!(tokens.user(&store, "secret"), Some(User::admin()));
        assert_eq!(tokens.user(&store, "other"), None);
        let now = Timestamp::now();
        let claims = Claims {
            audiences: vec![ISSUER.to_owned()],
            namespace: "a".to_owned(),
            name: "b".to_owned(),
            uid: "u".to_owned(),
            bound: None,
            issued: now,
            expires: now + jiff::SignedDuration::from_secs(60),
        };
        let token = tokens.issue(&claims).unwrap();
        assert_eq!(
            tokens.verify(&token).unwrap()["sub"],
            "system:serviceaccount:a:b"
        );
        // Another server with the same key believes it, one with a key of its own does not.
        assert!(Tokens::new("secret", &key).verify(&token).is_some());
        assert!(Tokens::new("secret", &[]).verify(&token).is_none());
        // Nothing has that uid: the account is gone.
        assert_eq!(tokens.user(&store, &token), None);
        let mut forged = token.into_bytes();
        let middle = forged.len() / 2;
        forged[middle] ^= 1;
        assert!(tokens.verify(&String::from_utf8(forged).unwrap()).is_none());
        assert!(tokens.verify("a.b.c").is_none());
    }
}
