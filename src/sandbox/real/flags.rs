//! The servers' command lines.

use std::path::Path;

use crate::sandbox::pki::FRONT_PROXY;

/// Files in the sandbox's directory.
pub(super) mod file {
    pub(in super::super) const CA: &str = "ca.crt";
    pub(in super::super) const CA_KEY: &str = "ca.key";
    pub(in super::super) const SERVING: &str = "apiserver.crt";
    pub(in super::super) const SERVING_KEY: &str = "apiserver.key";
    pub(in super::super) const FRONT_PROXY_CA: &str = "front-proxy-ca.crt";
    pub(in super::super) const FRONT_PROXY: &str = "front-proxy-client.crt";
    pub(in super::super) const FRONT_PROXY_KEY: &str = "front-proxy-client.key";
    pub(in super::super) const SERVICE_ACCOUNT_KEY: &str = "sa.key";
    pub(in super::super) const SERVICE_ACCOUNT_PUBLIC: &str = "sa.pub";
    pub(in super::super) const TOKENS: &str = "tokens.csv";
    pub(in super::super) const CONTROLLER_MANAGER_KUBECONFIG: &str =
        "controller-manager.kubeconfig";
    pub(in super::super) const ETCD_SOCKET: &str = "etcd.sock";
}

/// Sockets are named relative to the working directory, which is the sandbox's: a socket's whole
/// path may have no more than 103 bytes on some systems. Only the directory's owner can reach
/// them, so they need no TLS.
pub(super) fn etcd(dir: &Path) -> Vec<String> {
    // etcd insists on advertising a host and a port; a single member is never called there.
    let nowhere = "http://127.0.0.1:1";
    vec![
        "--name=sandbox".to_owned(),
        format!("--data-dir={}", dir.join("etcd").display()),
        // What a power cut would lose is thrown away at the end anyway.
        "--unsafe-no-fsync".to_owned(),
        format!("--listen-client-urls=unix://{}", file::ETCD_SOCKET),
        "--listen-peer-urls=unix://etcd-peer.sock".to_owned(),
        format!("--advertise-client-urls={nowhere}"),
        format!("--initial-advertise-peer-urls={nowhere}"),
        format!("--initial-cluster=sandbox={nowhere}"),
        "--enable-grpc-gateway=false".to_owned(),
        "--log-level=warn".to_owned(),
    ]
}

pub(super) fn api_server(dir: &Path, port: u16) -> Vec<String> {
    let path = |name: &str| dir.join(name).display().to_string();
    vec![
        format!("--etcd-servers=unix://{}", file::ETCD_SOCKET),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--secure-port={port}"),
        format!("--tls-cert-file={}", path(file::SERVING)),
        format!("--tls-private-key-file={}", path(file::SERVING_KEY)),
        format!("--client-ca-file={}", path(file::CA)),
        format!("--token-auth-file={}", path(file::TOKENS)),
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local".to_owned(),
        format!(
            "--service-account-key-file={}",
            path(file::SERVICE_ACCOUNT_PUBLIC)
        ),
        format!(
            "--service-account-signing-key-file={}",
            path(file::SERVICE_ACCOUNT_KEY)
        ),
        "--authorization-mode=RBAC".to_owned(),
        // Pods need no token of theirs, for nothing runs in them.
        "--disable-admission-plugins=ServiceAccount".to_owned(),
        "--allow-privileged=true".to_owned(),
        // Room for 65,000 Services, on loopback: nothing carries their traffic, and what the server
        // itself sends to one (webhooks, aggregated APIs) must not leave this machine.
        "--service-cluster-ip-range=127.96.0.0/16".to_owned(),
        // A loopback address may not be an endpoint, so the Service `kubernetes` has none.
        "--endpoint-reconciler-type=none".to_owned(),
        // The simulated nodes' only address that leads somewhere: this machine, a closed port.
        "--kubelet-preferred-address-types=InternalDNS".to_owned(),
        format!(
            "--requestheader-client-ca-file={}",
            path(file::FRONT_PROXY_CA)
        ),
        format!("--requestheader-allowed-names={FRONT_PROXY}"),
        "--requestheader-username-headers=X-Remote-User".to_owned(),
        "--requestheader-group-headers=X-Remote-Group".to_owned(),
        "--requestheader-extra-headers-prefix=X-Remote-Extra-".to_owned(),
        format!("--proxy-client-cert-file={}", path(file::FRONT_PROXY)),
        format!("--proxy-client-key-file={}", path(file::FRONT_PROXY_KEY)),
        "--profiling=false".to_owned(),
    ]
}

pub(super) fn controller_manager(dir: &Path) -> Vec<String> {
    let path = |name: &str| dir.join(name).display().to_string();
    vec![
        format!("--kubeconfig={}", path(file::CONTROLLER_MANAGER_KUBECONFIG)),
        // It serves nobody: no port, so none to collide.
        "--secure-port=0".to_owned(),
        // It has no rival, and waiting for a lease takes seconds.
        "--leader-elect=false".to_owned(),
        format!(
            "--service-account-private-key-file={}",
            path(file::SERVICE_ACCOUNT_KEY)
        ),
        format!("--root-ca-file={}", path(file::CA)),
        format!("--cluster-signing-cert-file={}", path(file::CA)),
        format!("--cluster-signing-key-file={}", path(file::CA_KEY)),
        // Its own limits of 20 and 30 are made for servers shared by many.
        "--kube-api-qps=500".to_owned(),
        "--kube-api-burst=1000".to_owned(),
        // A sandbox stopped with Ctrl-Z and continued shall find its nodes as they were.
        "--node-monitor-grace-period=10m".to_owned(),
        "--profiling=false".to_owned(),
    ]
}
