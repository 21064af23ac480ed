//! Exec credential plugins: run once, their answer used for this run of appop.
//!
//! The kube crate runs a plugin twice (for its certificate, then for its token) and drops its
//! errors the first time, so that a login in a browser would open twice.
//!
//! Source: k8s.io/client-go/plugin/pkg/client/auth/exec/exec.go.

use std::io::IsTerminal;
use std::process::{Command, Stdio};

use kube::config::{AuthInfo, Cluster, ExecAuthCluster, ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use serde_json::json;

use super::error::Error;

const VERSIONS: [&str; 2] = [
    "client.authentication.k8s.io/v1",
    "client.authentication.k8s.io/v1beta1",
];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecCredential {
    api_version: Option<String>,
    kind: Option<String>,
    status: Option<Status>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
    expiration_timestamp: Option<String>,
}

/// A plugin that was run.
pub(super) struct Ran {
    pub(super) command: String,
    /// The plugin, to be run again when its token expires; `None` when that has no end, or when it
    /// answered with a certificate, which is part of every connection
    pub(super) renewal: Option<ExecConfig>,
}

/// Runs the plugin of `auth`, if it has one and no other credential, and puts what it answers in
/// its place. Gives the plugin if it was run.
///
/// Errors: the plugin is missing, fails, or answers something else than an ExecCredential.
pub(super) fn resolve(auth: &mut AuthInfo, cluster: &Cluster) -> Result<Option<Ran>, Error> {
    let Some(mut exec) = auth.exec.take() else {
        return Ok(None);
    };
    let has_other = auth.token.is_some()
        || auth.token_file.is_some()
        || auth.username.is_some()
        || auth.client_certificate.is_some()
        || auth.client_certificate_data.is_some();
    if has_other {
        return Ok(None);
    }
    let status = run(&exec, cluster)?;
    let expires = status.token.is_some() && status.expiration_timestamp.is_some();
    let command = exec.command.clone().unwrap_or_default();
    if exec.provide_cluster_info {
        exec.cluster = ExecAuthCluster::try_from(cluster).ok();
    }
    let renewal = (expires && status.client_certificate_data.is_none()).then_some(exec);
    auth.token = status
        .token
        .filter(|token| !token.is_empty())
        .map(Into::into);
    if let (Some(certificate), Some(key)) = (status.client_certificate_data, status.client_key_data)
    {
        use base64::Engine;
        let encode = |pem: &str| base64::engine::general_purpose::STANDARD.encode(pem);
        auth.client_certificate_data = Some(encode(&certificate));
        auth.client_key_data = Some(encode(&key).into());
    }
    Ok(Some(Ran { command, renewal }))
}

fn run(exec: &ExecConfig, cluster: &Cluster) -> Result<Status, Error> {
    let command = exec.command.clone().unwrap_or_default();
    let failed = |problem: String| Error::ExecPlugin {
        command: command.clone(),
        problem,
        hint: exec.install_hint.clone(),
    };
    if command.is_empty() {
        return Err(failed("the kubeconfig names no command".into()));
    }
    let version = exec.api_version.clone().unwrap_or_default();
    if !VERSIONS.contains(&version.as_str()) {
        return Err(failed(format!(
            "its apiVersion {version:?} is not one of {}",
            VERSIONS.join(", ")
        )));
    }
    let terminal = std::io::stdin().is_terminal();
    let interactive = match exec.interactive_mode {
        Some(ExecInteractiveMode::Never) => false,
        Some(ExecInteractiveMode::IfAvailable) | None => terminal,
        Some(ExecInteractiveMode::Always) if terminal => true,
        Some(ExecInteractiveMode::Always) => {
            return Err(failed(
                "it wants to ask something, and stdin is not a terminal".into(),
            ));
        }
    };
    let mut spec = json!({ "interactive": interactive });
    if exec.provide_cluster_info {
        let cluster = ExecAuthCluster::try_from(cluster)
            .map_err(|problem| failed(super::error::chain(&problem)))?;
        spec["cluster"] = serde_json::to_value(cluster).map_err(|p| failed(p.to_string()))?;
    }
    let info = json!({ "apiVersion": version, "kind": "ExecCredential", "spec": spec });

    let mut child = Command::new(&command);
    child.args(exec.args.iter().flatten());
    for variable in exec.env.iter().flatten() {
        if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
            child.env(name, value);
        }
    }
    child.env("KUBERNETES_EXEC_INFO", info.to_string());
    child.stdin(if interactive {
        Stdio::inherit()
    } else {
        Stdio::null()
    });
    child.stderr(Stdio::inherit());
    let output = child
        .output()
        .map_err(|problem| failed(problem.to_string()))?;
    if !output.status.success() {
        return Err(failed(format!("it ended with {}", output.status)));
    }
    let answer: ExecCredential = serde_json::from_slice(&output.stdout)
        .map_err(|problem| failed(format!("its answer is not an ExecCredential ({problem})")))?;
    if answer.kind.as_deref() != Some("ExecCredential") || answer.api_version != Some(version) {
        return Err(failed(format!(
            "it answered with apiVersion {:?}, kind {:?}",
            answer.api_version.unwrap_or_default(),
            answer.kind.unwrap_or_default()
        )));
    }
    let status = answer
        .status
        .ok_or_else(|| failed("its answer has no status".into()))?;
    let (certificate, key) = (&status.client_certificate_data, &status.client_key_data);
    if certificate.is_some() != key.is_some() {
        return Err(failed(
            "it answered with a certificate or a key, not with both".into(),
        ));
    }
    if status.token.is_none() && certificate.is_none() {
        return Err(failed(
            "its answer has neither a token nor a certificate".into(),
        ));
    }
    Ok(status)
}
