//! Who asks: bearer tokens, impersonation, and nobody.

use std::collections::BTreeMap;

use http::HeaderMap;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::status::Status;

/// Everybody who may do anything.
pub const MASTERS: &str = "system:masters";
const AUTHENTICATED: &str = "system:authenticated";
const UNAUTHENTICATED: &str = "system:unauthenticated";

/// Somebody who asks (`authentication.k8s.io` UserInfo).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// Its name
    pub name: String,
    /// Empty for most
    pub uid: String,
    /// Its groups
    pub groups: Vec<String>,
    /// What else is known
    pub extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// The administrator, to whom the kubeconfig's token belongs.
    pub fn admin() -> Self {
        User {
            uid: "admin".to_owned(),
            ..User::of("admin", &[MASTERS, AUTHENTICATED])
        }
    }

    /// A component of the server itself, such as `system:kube-controller-manager`.
    pub fn component(name: &str) -> Self {
        User::of(name, &[MASTERS, AUTHENTICATED])
    }

    /// Somebody without credentials.
    pub fn anonymous() -> Self {
        User::of("system:anonymous", &[UNAUTHENTICATED])
    }

    /// A ServiceAccount, as its tokens name it.
    pub fn service_account(namespace: &str, name: &str, uid: &str) -> Self {
        let groups = [
            "system:serviceaccounts".to_owned(),
            format!("system:serviceaccounts:{namespace}"),
            AUTHENTICATED.to_owned(),
        ];
        User {
            name: format!("system:serviceaccount:{namespace}:{name}"),
            uid: uid.to_owned(),
            groups: groups.to_vec(),
            extra: BTreeMap::new(),
        }
    }

    fn of(name: &str, groups: &[&str]) -> Self {
        User {
            name: name.to_owned(),
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
            ..User::default()
        }
    }

    /// Whether nobody stands behind it.
    pub fn is_anonymous(&self) -> bool {
        self.groups.iter().any(|group| group == UNAUTHENTICATED)
    }

    /// As `userInfo` in reviews.
    pub fn to_json(&self) -> Value {
        let mut info = json!({"username": self.name});
        if !self.uid.is_empty() {
            info["uid"] = json!(self.uid);
        }
        if !self.groups.is_empty() {
            info["groups"] = json!(self.groups);
        }
        if !self.extra.is_empty() {
            info["extra"] = json!(self.extra);
        }
        info
    }

    /// Whom the `Impersonate-` headers name, if they do.
    ///
    /// Errors: 400 when they name groups or more but no user.
    pub fn impersonated(headers: &HeaderMap) -> Result<Option<Self>, Status> {
        let text = |name: &str| {
            let value = headers.get(name).and_then(|v| v.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let all = headers.get_all("impersonate-group").iter();
        let groups = all.filter_map(|v| v.to_str().ok());
        let mut user = User {
            name: text("impersonate-user"),
            uid: text("impersonate-uid"),
            groups: groups.map(str::to_owned).collect(),
            extra: BTreeMap::new(),
        };
        for (name, value) in headers {
            let Some(key) = name.as_str().strip_prefix("impersonate-extra-") else {
                continue;
            };
            let key = percent_decode_str(key).decode_utf8_lossy().into_owned();
            if let Ok(value) = value.to_str() {
                user.extra.entry(key).or_default().push(value.to_owned());
            }
        }
        if user.name.is_empty() {
            if user == User::default() {
                return Ok(None);
            }
            let groups: Vec<String> = user
                .groups
                .iter()
                .map(|group| format!("{group:?}"))
                .collect();
            return Err(Status::bad_request(format!(
                "requested &user.DefaultInfo{{Name:\"\", UID:{:?}, Groups:[]string{{{}}}, Extra:map[string][]string(nil)}} without impersonating a user name",
                user.uid,
                groups.join(", ")
            )));
        }
        if user.groups.is_empty()
            && let Some(account) = user.name.strip_prefix("system:serviceaccount:")
        {
            let namespace = account.split(':').next().unwrap_or_default();
            user.groups = User::service_account(namespace, "", "").groups;
        } else if user.name == "system:anonymous" {
            user.groups = vec![UNAUTHENTICATED.to_owned()];
        } else if !user
            .groups
            .iter()
            .any(|g| g == AUTHENTICATED || g == UNAUTHENTICATED)
        {
            user.groups.push(AUTHENTICATED.to_owned());
        }
        Ok(Some(user))
    }
}

/// 401.
pub fn unauthorized() -> Status {
    Status::new(401, "Unauthorized", "Unauthorized")
}
