//! Flags and kubeconfig resolved to one set of settings.
//!
//! Source: k8s.io/client-go/tools/clientcmd/client_config.go (`DirectClientConfig`,
//! `inClusterClientConfig`).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use kube::Config;
use kube::config::{AuthInfo, Cluster, Context, ExecConfig};

use super::credentials::Credential;
use super::duration::parse_duration;
use super::error::{Error, chain};
use super::flags::ConnectFlags;
use super::kubeconfig::{self, Loaded, Places};
use super::{exec, proxy, userinfo};

/// Everything that is needed to speak to a server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What the kube crate needs; its silent retries are off
    pub config: Config,
    /// Who we are, for messages and curl lines
    pub credential: Credential,
    /// The context's name, if a kubeconfig gave one
    pub context: Option<String>,
    /// The namespace to work in
    pub namespace: String,
    /// How long a whole request may take; `None`: no limit was asked for
    pub timeout: Option<Duration>,
    /// The authority's file, if it is in a file; for curl lines
    pub authority_file: Option<String>,
    /// Where the credential's secret is from; for curl lines
    pub secret: SecretSource,
    /// The credential plugin whose token has an end; see [`Settings::lasting`]
    renewal: Option<ExecConfig>,
}

/// Where a secret that no file of its own holds is to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// In the user of a kubeconfig: the one given with `--kubeconfig`, else those in use without it
    Kubeconfig(Option<PathBuf>),
    /// In the command line
    Flag,
    /// In the answer of this credential plugin
    Plugin(String),
}

impl Settings {
    /// The same for a process that outlives its credentials: the kube crate runs the credential
    /// plugin anew, now and whenever its token is about to expire.
    pub fn lasting(&self) -> Config {
        let mut config = self.config.clone();
        if let Some(plugin) = &self.renewal {
            config.auth_info.token = None;
            config.auth_info.exec = Some(plugin.clone());
        }
        config
    }

    /// Reads the files and applies the flags. Runs the user's credential plugin, if there is one.
    ///
    /// Errors: nothing is configured, a file is broken, names that do not exist, flags that
    /// contradict each other.
    pub fn resolve(flags: &ConnectFlags, places: &Places) -> Result<Self, Error> {
        let timeout = flags
            .request_timeout
            .as_deref()
            .map(parse_timeout)
            .transpose()?
            .flatten();
        let loaded = kubeconfig::load(places, flags.kubeconfig.as_deref())?;
        let mut settings = if loaded.is_empty() && flags.server.is_none() {
            match in_cluster()? {
                Some(config) => of_pod(config, flags)?,
                None => return Err(not_configured(&loaded)),
            }
        } else {
            of_files(&loaded, flags)?
        };
        settings.timeout = timeout;
        settings.config.default_retry = false;
        // The limit on a whole request is ours to keep, and a watch may be silent for long.
        settings.config.read_timeout = None;
        Ok(settings)
    }

    /// The server's address and the namespace alone: no credentials are read, no plugin runs. For
    /// completion, which must be quick and quiet.
    ///
    /// Errors: as [`Settings::resolve`], as far as they concern the server; and inside a pod, which
    /// has no kubeconfig.
    pub fn place(flags: &ConnectFlags, places: &Places) -> Result<(String, String), Error> {
        let loaded = kubeconfig::load(places, flags.kubeconfig.as_deref())?;
        if loaded.is_empty() && flags.server.is_none() {
            return Err(not_configured(&loaded));
        }
        let context = named_context(&loaded, flags)?.map(|(_, context)| context);
        let context = context.unwrap_or_default();
        let cluster = cluster(&loaded, flags, &context)?;
        let address = cluster.server.clone().unwrap_or_default();
        let uri = server_uri(&address, &cluster, &AuthInfo::default())?;
        Ok((url_of(&uri), namespace(flags, &context)))
    }
}

/// The address as it is used in messages and for files: without a slash at its end.
pub(super) fn url_of(address: &Uri) -> String {
    address.to_string().trim_end_matches('/').to_owned()
}

fn not_configured(loaded: &Loaded) -> Error {
    let files: Vec<String> = loaded
        .looked_at
        .iter()
        .map(|file| {
            let state = if file.exists() {
                "is empty"
            } else {
                "does not exist"
            };
            format!("{} {state}", file.display())
        })
        .collect();
    let looked_at = if files.is_empty() {
        "there is no kubeconfig".to_owned()
    } else {
        files.join(", ")
    };
    Error::NotConfigured { looked_at }
}

/// client-go takes the in-cluster configuration only when both variables and the token are there.
fn in_cluster() -> Result<Option<Config>, Error> {
    let set = |name| std::env::var_os(name).is_some_and(|v: std::ffi::OsString| !v.is_empty());
    let token = Path::new("/var/run/secrets/kubernetes.io/serviceaccount/token");
    if !set("KUBERNETES_SERVICE_HOST") || !set("KUBERNETES_SERVICE_PORT") || !token.exists() {
        return Ok(None);
    }
    Config::incluster_env().map(Some).map_err(|problem| {
        Error::Settings(format!(
            "this is a pod, but its service account is unusable: {}",
            chain(&problem)
        ))
    })
}

fn of_pod(mut config: Config, flags: &ConnectFlags) -> Result<Settings, Error> {
    if let Some(token) = &flags.token {
        config.auth_info.token_file = None;
        config.auth_info.token = Some(token.clone().into());
    }
    let mut authority_file = config
        .root_cert_file
        .as_ref()
        .map(|f| f.display().to_string());
    if let Some(file) = &flags.certificate_authority {
        let cluster = Cluster {
            certificate_authority: Some(file.display().to_string()),
            ..Cluster::default()
        };
        config.root_cert = authority(&cluster)?;
        config.root_cert_file = None;
        authority_file = cluster.certificate_authority;
    }
    if flags.insecure_skip_tls_verify {
        config.accept_invalid_certs = true;
        config.root_cert = None;
        config.root_cert_file = None;
        authority_file = None;
    }
    impersonate(&mut config.auth_info, flags)?;
    check_impersonation(&config.auth_info)?;
    check_token(&config.auth_info)?;
    let namespace = flags
        .namespace
        .clone()
        .or_else(|| {
            std::env::var("POD_NAMESPACE")
                .ok()
                .filter(|n| !n.is_empty())
        })
        .unwrap_or_else(|| config.default_namespace.clone());
    config.default_namespace.clone_from(&namespace);
    let credential = Credential::of(&config.auth_info, Some("the pod's service account".into()));
    Ok(Settings {
        config,
        credential,
        context: None,
        namespace,
        timeout: None,
        authority_file,
        secret: SecretSource::Flag,
        renewal: None,
    })
}

fn of_files(loaded: &Loaded, flags: &ConnectFlags) -> Result<Settings, Error> {
    let named = named_context(loaded, flags)?;
    let context = named
        .as_ref()
        .map(|(_, context)| context.clone())
        .unwrap_or_default();
    let cluster = cluster(loaded, flags, &context)?;
    let (mut auth, user) = auth(loaded, flags, &context)?;
    let plugin = exec::resolve(&mut auth, &cluster)?;
    let (plugin, renewal) = match plugin {
        Some(ran) => (Some(ran.command), ran.renewal),
        None => (None, None),
    };
    let secret = match plugin {
        Some(command) => SecretSource::Plugin(command),
        None if flags.token.is_some() => SecretSource::Flag,
        None => SecretSource::Kubeconfig(flags.kubeconfig.clone()),
    };
    if let Some(file) = auth.token_file.clone().filter(|_| auth.token.is_none()) {
        read_token(&mut auth, &file)?;
    }

    let address = cluster.server.clone().unwrap_or_default();
    let uri = server_uri(&address, &cluster, &auth)?;
    log_in(&mut auth, &address);
    check_token(&auth)?;
    let mut config = Config::new(uri.clone());
    config.root_cert = authority(&cluster)?;
    config.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or(false);
    config.tls_server_name = cluster
        .tls_server_name
        .clone()
        .filter(|name| !name.is_empty());
    config.proxy_url = proxy::choose(cluster.proxy_url.as_deref(), &uri)?;
    config.disable_compression = cluster.disable_compression.unwrap_or(false);
    check_identity(&auth)?;
    check_impersonation(&auth)?;
    let credential = Credential::of(&auth, user);
    config.auth_info = auth;
    let namespace = namespace(flags, &context);
    config.default_namespace.clone_from(&namespace);
    let authority_file = cluster
        .certificate_authority
        .filter(|_| cluster.certificate_authority_data.is_none());
    Ok(Settings {
        config,
        credential,
        context: named.map(|(name, _)| name),
        namespace,
        timeout: None,
        authority_file,
        secret,
        renewal,
    })
}

fn namespace(flags: &ConnectFlags, context: &Context) -> String {
    let of_context = context.namespace.clone();
    let namespace = flags.namespace.clone();
    namespace
        .or(of_context.filter(|namespace| !namespace.is_empty()))
        .unwrap_or_else(|| "default".to_owned())
}

fn named_context(
    loaded: &Loaded,
    flags: &ConnectFlags,
) -> Result<Option<(String, Context)>, Error> {
    let current = loaded
        .config
        .current_context
        .as_ref()
        .filter(|name| !name.is_empty());
    let Some(name) = flags.context.as_ref().or(current) else {
        return Ok(None);
    };
    let found = loaded.config.contexts.iter().find(|c| &c.name == name);
    match found {
        Some(found) => Ok(Some((
            name.clone(),
            found.context.clone().unwrap_or_default(),
        ))),
        None => {
            let names: Vec<&str> = loaded
                .config
                .contexts
                .iter()
                .map(|c| c.name.as_str())
                .collect();
            Err(missing("context", name, &names))
        }
    }
}

fn missing(what: &str, name: &str, names: &[&str]) -> Error {
    let known = if names.is_empty() {
        format!("it has no {what}s")
    } else {
        format!("it has: {}", names.join(", "))
    };
    Error::Settings(format!("the kubeconfig has no {what} {name:?}; {known}"))
}

fn cluster(loaded: &Loaded, flags: &ConnectFlags, context: &Context) -> Result<Cluster, Error> {
    let name = flags.cluster.as_ref().unwrap_or(&context.cluster);
    let found = loaded.config.clusters.iter().find(|c| &c.name == name);
    if found.is_none() && flags.server.is_none() {
        let names: Vec<&str> = loaded
            .config
            .clusters
            .iter()
            .map(|c| c.name.as_str())
            .collect();
        if name.is_empty() {
            return Err(Error::Settings(format!(
                "the kubeconfig has no current context, so there is no cluster to speak to. Choose \
                 one with --context{}",
                match loaded.config.contexts.as_slice() {
                    [] => String::new(),
                    some => format!(
                        ": {}",
                        some.iter()
                            .map(|c| c.name.as_str())
                            .collect::<Vec<_>>()
                            .join(", ")
                    ),
                }
            )));
        }
        return Err(missing("cluster", name, &names));
    }
    let mut cluster = found.and_then(|c| c.cluster.clone()).unwrap_or_default();
    if let Some(file) = &flags.certificate_authority {
        cluster.certificate_authority = Some(file.display().to_string());
        cluster.certificate_authority_data = None;
        cluster.insecure_skip_tls_verify = None;
    }
    if flags.insecure_skip_tls_verify {
        cluster.insecure_skip_tls_verify = Some(true);
        if flags.certificate_authority.is_some() {
            return Err(Error::Settings(
                "--certificate-authority and --insecure-skip-tls-verify contradict each other; \
                 give one of them"
                    .into(),
            ));
        }
        cluster.certificate_authority = None;
        cluster.certificate_authority_data = None;
    }
    if flags.tls_server_name.is_some() || flags.server.is_some() {
        cluster.tls_server_name.clone_from(&flags.tls_server_name);
    }
    if let Some(server) = &flags.server {
        cluster.server = Some(server.clone());
    }
    if cluster.server.as_deref().unwrap_or_default().is_empty() {
        return Err(Error::Settings(format!(
            "the kubeconfig's cluster {name:?} has no server"
        )));
    }
    Ok(cluster)
}

fn auth(
    loaded: &Loaded,
    flags: &ConnectFlags,
    context: &Context,
) -> Result<(AuthInfo, Option<String>), Error> {
    let name = flags
        .user
        .clone()
        .or_else(|| context.user.clone())
        .filter(|name| !name.is_empty());
    let found = name.as_ref().and_then(|name| {
        loaded
            .config
            .auth_infos
            .iter()
            .find(|user| &user.name == name)
    });
    // client-go does not mind a context whose user does not exist, only a flag that names none.
    if let (Some(name), None) = (&flags.user, found) {
        let names: Vec<&str> = loaded
            .config
            .auth_infos
            .iter()
            .map(|u| u.name.as_str())
            .collect();
        return Err(missing("user", name, &names));
    }
    let mut auth = found
        .and_then(|user| user.auth_info.clone())
        .unwrap_or_default();
    if let Some(file) = &flags.client_certificate {
        auth.client_certificate = Some(file.display().to_string());
        auth.client_certificate_data = None;
    }
    if let Some(file) = &flags.client_key {
        auth.client_key = Some(file.display().to_string());
        auth.client_key_data = None;
    }
    if let Some(token) = &flags.token {
        auth.token = Some(token.clone().into());
        auth.token_file = None;
        auth.auth_provider = None;
        auth.username = None;
        auth.password = None;
    }
    // An empty value is no value, as in Go.
    auth.token_file = auth.token_file.filter(|file| !file.is_empty());
    auth.token = auth
        .token
        .filter(|token| !secrecy::ExposeSecret::expose_secret(token).is_empty());
    impersonate(&mut auth, flags)?;
    Ok((auth, name))
}

/// A login in the server's address is used where there is no other, as Go's HTTP client does.
fn log_in(auth: &mut AuthInfo, address: &str) {
    let has_other = auth.token.is_some() || auth.token_file.is_some() || auth.username.is_some();
    if let (false, (_, Some(login))) = (has_other, userinfo::split(address)) {
        auth.username = Some(login.username);
        auth.password = Some(login.password.into());
    }
}

/// The kube crate panics at a token that no header can carry.
fn check_token(auth: &AuthInfo) -> Result<(), Error> {
    let Some(token) = &auth.token else {
        return Ok(());
    };
    let header = format!("Bearer {}", secrecy::ExposeSecret::expose_secret(token));
    http::HeaderValue::from_str(&header)
        .map(|_| ())
        .map_err(|_| {
            Error::Settings(
                "the token holds a line end or another character that no HTTP header may have; \
                 was it copied whole, and nothing else with it?"
                    .into(),
            )
        })
}

fn impersonate(auth: &mut AuthInfo, flags: &ConnectFlags) -> Result<(), Error> {
    if let Some(user) = &flags.impersonate {
        auth.impersonate = Some(user.clone());
    }
    if !flags.impersonate_groups.is_empty() {
        auth.impersonate_groups = Some(flags.impersonate_groups.clone());
    }
    if let Some(uid) = &flags.impersonate_uid {
        auth.impersonate_uid = Some(uid.clone());
    }
    if !flags.impersonate_extra.is_empty() {
        let mut extra: HashMap<String, Vec<String>> = HashMap::new();
        for pair in &flags.impersonate_extra {
            let (key, value) = pair.split_once('=').ok_or_else(|| {
                Error::Settings(format!(
                    "--as-user-extra {pair:?} is not of the form KEY=VALUE"
                ))
            })?;
            extra
                .entry(key.to_owned())
                .or_default()
                .push(value.to_owned());
        }
        auth.impersonate_user_extra = Some(extra);
    }
    Ok(())
}

fn check_impersonation(auth: &AuthInfo) -> Result<(), Error> {
    let is_set = |v: &Option<String>| v.as_deref().is_some_and(|v| !v.is_empty());
    let more = is_set(&auth.impersonate_uid)
        || auth
            .impersonate_groups
            .as_ref()
            .is_some_and(|groups| !groups.is_empty())
        || auth
            .impersonate_user_extra
            .as_ref()
            .is_some_and(|extra| !extra.is_empty());
    if more && !is_set(&auth.impersonate) {
        return Err(Error::Settings(
            "--as-group, --as-uid and --as-user-extra need --as: only a user can be impersonated"
                .into(),
        ));
    }
    Ok(())
}

fn check_identity(auth: &AuthInfo) -> Result<(), Error> {
    let certificate = auth.client_certificate.is_some() || auth.client_certificate_data.is_some();
    let key = auth.client_key.is_some() || auth.client_key_data.is_some();
    match (certificate, key) {
        (true, false) => Err(Error::Settings(
            "there is a client certificate but no key for it; give one with --client-key".into(),
        )),
        (false, true) => Err(Error::Settings(
            "there is a client key but no certificate; give one with --client-certificate".into(),
        )),
        _ => Ok(()),
    }
}

/// The kube crate sends the file's content as it is; a line end in it would not be a valid header.
fn read_token(auth: &mut AuthInfo, file: &str) -> Result<(), Error> {
    let text = std::fs::read_to_string(file).map_err(|problem| {
        Error::Settings(format!("cannot read the token file {file}: {problem}"))
    })?;
    if text.trim().is_empty() {
        return Err(Error::Settings(format!("the token file {file} is empty")));
    }
    if text.trim() != text {
        auth.token = Some(text.trim().to_owned().into());
        auth.token_file = None;
    }
    Ok(())
}

fn authority(cluster: &Cluster) -> Result<Option<Vec<Vec<u8>>>, Error> {
    let (pem, whence) = match (
        &cluster.certificate_authority_data,
        &cluster.certificate_authority,
    ) {
        (Some(data), _) if !data.is_empty() => {
            let pem = STANDARD.decode(data.trim()).map_err(|problem| {
                Error::Settings(format!(
                    "the kubeconfig's certificate-authority-data is not base64: {problem}"
                ))
            })?;
            (
                pem,
                "the kubeconfig's certificate-authority-data".to_owned(),
            )
        }
        (_, Some(file)) if !file.is_empty() => {
            let pem = std::fs::read(file).map_err(|problem| {
                Error::Settings(format!(
                    "cannot read the certificate authority {file}: {problem}"
                ))
            })?;
            (pem, format!("the certificate authority {file}"))
        }
        _ => return Ok(None),
    };
    if cluster.insecure_skip_tls_verify == Some(true) {
        return Err(Error::Settings(
            "the kubeconfig's cluster has both a certificate-authority and \
             insecure-skip-tls-verify; remove one of them"
                .into(),
        ));
    }
    let certificates: Vec<Vec<u8>> = x509_parser::pem::Pem::iter_from_buffer(&pem)
        .filter_map(Result::ok)
        .filter(|pem| pem.label == "CERTIFICATE")
        .map(|pem| pem.contents)
        .collect();
    if certificates.is_empty() {
        return Err(Error::Settings(format!(
            "{whence} holds no PEM certificate"
        )));
    }
    Ok(Some(certificates))
}

/// client-go's `DefaultServerURL`: a bare host means https where TLS is configured, else http.
fn server_uri(address: &str, cluster: &Cluster, auth: &AuthInfo) -> Result<Uri, Error> {
    let tls = cluster.certificate_authority.is_some()
        || cluster.certificate_authority_data.is_some()
        || cluster.insecure_skip_tls_verify == Some(true)
        || auth.client_certificate.is_some()
        || auth.client_certificate_data.is_some();
    let (address, _) = userinfo::split(address);
    let whole = match address.contains("://") {
        true => address.clone(),
        false => format!("{}://{address}", if tls { "https" } else { "http" }),
    };
    let wrong = |why: &str| {
        Error::Settings(format!(
            "the server's address {address:?} {why}; write it like https://127.0.0.1:6443"
        ))
    };
    let uri: Uri = whole.parse().map_err(|_| wrong("is not a URL"))?;
    match uri.scheme_str() {
        Some("http" | "https") => {}
        _ => return Err(wrong("is neither http nor https")),
    }
    if uri.host().unwrap_or_default().is_empty() {
        return Err(wrong("has no host"));
    }
    if uri.query().is_some() {
        return Err(wrong("has a query"));
    }
    Ok(uri)
}

/// kubectl's `--request-timeout`: Go durations, or seconds; 0 means none.
fn parse_timeout(text: &str) -> Result<Option<Duration>, Error> {
    let timeout = parse_duration(text).ok_or_else(|| {
        Error::Settings(format!(
            "--request-timeout {text:?} is not a time; write it like 5s, 2m30s or 1h, or 0 for no limit"
        ))
    })?;
    Ok((timeout > Duration::ZERO).then_some(timeout))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(yaml: &str, flags: ConnectFlags) -> Result<Settings, Error> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config");
        std::fs::write(&file, yaml).unwrap();
        let places = Places {
            kubeconfig: Some(file.into_os_string()),
            home: None,
        };
        Settings::resolve(&flags, &places)
    }

    const TWO: &str = "
current-context: one
contexts:
- {name: one, context: {cluster: a, user: anna, namespace: work}}
- {name: two, context: {cluster: b}}
clusters:
- {name: a, cluster: {server: 'https://127.0.0.1:1/prefix', tls-server-name: inside, insecure-skip-tls-verify: true}}
- {name: b, cluster: {server: 'http://127.0.0.1:2'}}
users:
- {name: anna, user: {token: secret}}
- {name: bert, user: {client-certificate: c.pem}}
";

    #[test]
    fn the_context_decides_and_flags_override() {
        let settings = resolve(TWO, ConnectFlags::default()).unwrap();
        assert_eq!(
            settings.config.cluster_url.to_string(),
            "https://127.0.0.1:1/prefix"
        );
        assert_eq!(settings.namespace, "work");
        assert_eq!(settings.credential.user.as_deref(), Some("anna"));
        assert_eq!(settings.config.tls_server_name.as_deref(), Some("inside"));
        assert!(settings.config.accept_invalid_certs && !settings.config.default_retry);

        let flags = ConnectFlags {
            server: Some("127.0.0.1:9".into()),
            namespace: Some("play".into()),
            impersonate: Some("bert".into()),
            ..ConnectFlags::default()
        };
        let settings = resolve(TWO, flags).unwrap();
        assert_eq!(
            settings.config.cluster_url.to_string(),
            "https://127.0.0.1:9/"
        );
        assert_eq!(
            settings.config.tls_server_name, None,
            "--server forgets the old name"
        );
        assert_eq!(settings.namespace, "play");
        assert_eq!(
            settings.config.auth_info.impersonate.as_deref(),
            Some("bert")
        );
    }

    #[test]
    fn names_that_do_not_exist_list_those_that_do() {
        let of = |flags| resolve(TWO, flags).unwrap_err().to_string();
        let text = of(ConnectFlags {
            context: Some("three".into()),
            ..Default::default()
        });
        assert!(
            text.contains("no context \"three\"; it has: one, two"),
            "{text}"
        );
        let text = of(ConnectFlags {
            cluster: Some("c".into()),
            ..Default::default()
        });
        assert!(text.contains("no cluster \"c\"; it has: a, b"), "{text}");
        let text = of(ConnectFlags {
            user: Some("carl".into()),
            ..Default::default()
        });
        assert!(
            text.contains("no user \"carl\"; it has: anna, bert"),
            "{text}"
        );
    }

    #[test]
    fn a_login_in_the_address_is_used_and_not_shown() {
        let flags = |server: &str| ConnectFlags {
            server: Some(server.into()),
            context: Some("two".into()),
            ..Default::default()
        };
        let settings = resolve(TWO, flags("http://me:secret@127.0.0.1:1/p")).unwrap();
        assert_eq!(
            settings.config.cluster_url.to_string(),
            "http://127.0.0.1:1/p"
        );
        let auth = &settings.config.auth_info;
        assert_eq!(auth.username.as_deref(), Some("me"));
        assert!(auth.password.is_some());
        let text = resolve(TWO, flags("http://me:secret@h?q"))
            .unwrap_err()
            .to_string();
        assert!(!text.contains("secret"), "{text}");
    }

    #[test]
    fn a_token_that_no_header_can_carry_is_refused_without_showing_it() {
        let flags = ConnectFlags {
            token: Some("sec\nret".into()),
            ..Default::default()
        };
        let text = resolve(TWO, flags).unwrap_err().to_string();
        assert!(
            text.contains("the token holds a line end") && !text.contains("sec"),
            "{text}"
        );
    }

    #[test]
    fn extras_are_collected_by_key() {
        let flags = |pairs: &[&str]| ConnectFlags {
            impersonate: Some("anna".into()),
            impersonate_extra: pairs.iter().map(|p| (*p).to_owned()).collect(),
            ..Default::default()
        };
        let settings = resolve(TWO, flags(&["a=1", "b=", "a=2=3"])).unwrap();
        let extra = settings.config.auth_info.impersonate_user_extra.unwrap();
        assert_eq!(extra["a"], ["1", "2=3"]);
        assert_eq!(extra["b"], [""]);
        assert!(resolve(TWO, flags(&["a"])).is_err());
    }

    #[test]
    fn halves_and_contradictions_are_refused() {
        let of = |flags| resolve(TWO, flags).unwrap_err().to_string();
        assert!(
            of(ConnectFlags {
                user: Some("bert".into()),
                ..Default::default()
            })
            .contains("--client-key")
        );
        let groups = ConnectFlags {
            impersonate_groups: vec!["g".into()],
            ..Default::default()
        };
        assert!(of(groups).contains("need --as"));
        let both = ConnectFlags {
            insecure_skip_tls_verify: true,
            certificate_authority: Some("ca".into()),
            ..Default::default()
        };
        assert!(of(both).contains("contradict"));
    }

    #[test]
    fn nothing_configured_names_the_files_and_the_sandbox() {
        let places = Places {
            kubeconfig: Some("/nowhere/config".into()),
            home: None,
        };
        let text = Settings::resolve(&ConnectFlags::default(), &places)
            .unwrap_err()
            .to_string();
        assert!(
            text.contains("/nowhere/config does not exist") && text.contains("appop sandbox"),
            "{text}"
        );
    }

    #[test]
    fn timeouts_are_go_durations_or_seconds() {
        let of = |text: &str| parse_timeout(text).ok();
        assert_eq!(of("0"), Some(None));
        assert_eq!(of("0s"), Some(None));
        assert_eq!(of("5"), Some(Some(Duration::from_secs(5))));
        assert_eq!(of("1m30s"), Some(Some(Duration::from_secs(90))));
        assert_eq!(of("1.5h"), Some(Some(Duration::from_secs(5400))));
        assert_eq!(of("250ms"), Some(Some(Duration::from_millis(250))));
        assert_eq!(of("1us"), Some(Some(Duration::from_micros(1))));
        for wrong in [
            "",
            "s",
            "5x",
            "-1s",
            "1.2.3s",
            "2562048h",
            "99999999999999999999h",
        ] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn addresses_without_a_scheme_follow_client_go() {
        let plain = Cluster::default();
        let tls = Cluster {
            insecure_skip_tls_verify: Some(true),
            ..Cluster::default()
        };
        let auth = AuthInfo::default();
        assert_eq!(
            server_uri("h:1", &plain, &auth).unwrap().to_string(),
            "http://h:1/"
        );
        assert_eq!(
            server_uri("h:1", &tls, &auth).unwrap().to_string(),
            "https://h:1/"
        );
        for wrong in ["ftp://h", "https://", "http://h/?q", "ht tp://x"] {
            assert!(server_uri(wrong, &plain, &auth).is_err(), "{wrong}");
        }
    }
}
