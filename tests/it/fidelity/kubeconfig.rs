//! The way to a sandbox out of the kubeconfig that it writes: one cluster, one user.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;

use super::http::Server;

/// Reads a kubeconfig with a certificate authority and a token.
///
/// # Panics
///
/// When it is not one of a sandbox: that is a failure of the test.
pub(super) fn server(file: &Path) -> Server {
    let config: Value = serde_saphyr::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let cluster = &config["clusters"][0]["cluster"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let authority = STANDARD
        .decode(text(&cluster["certificate-authority-data"]))
        .unwrap();
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&authority) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Server {
        host: text(&cluster["server"])
            .trim_start_matches("https://")
            .to_owned(),
        token: text(&config["users"][0]["user"]["token"]),
        tls: Arc::new(tls),
    }
}
