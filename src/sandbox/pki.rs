//! The certificates and keys of one sandbox; nothing outside it trusts them.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use serde::{Deserialize, Serialize};

use super::error::Error;

/// The name that the aggregator's client certificate carries, as in kubeadm's clusters.
pub(super) const FRONT_PROXY: &str = "front-proxy-client";

/// The name of every sandbox's own authority.
const AUTHORITY: &str = "appop-sandbox-ca";

/// How long certificates hold: within what every TLS library accepts, and longer than any sandbox.
const VALID: Duration = Duration::from_secs(365 * 24 * 3600);
const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// How far clocks may be apart.
const SKEW: Duration = Duration::from_secs(3600);

/// All in PEM, keys as PKCS #8.
pub(super) struct Pki {
    pub(super) ca: Pair,
    /// The same authority in DER, as clients want it.
    pub(super) ca_der: Vec<u8>,
    pub(super) serving: Pair,
    /// A CA of its own, lest any client certificate of the first one pass for the aggregator.
    pub(super) front_proxy_ca: String,
    pub(super) front_proxy: Pair,
    /// Signs service account tokens.
    pub(super) service_account_key: String,
    pub(super) service_account_public: String,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Pair {
    pub(super) certificate: String,
    pub(super) key: String,
}

impl Pki {
    pub(super) fn generate() -> Result<Self, Error> {
        let ca = authority(AUTHORITY)?;
        let front_proxy_ca = authority("appop-sandbox-front-proxy-ca")?;
        let service_account = KeyPair::generate()?;
        Ok(Pki {
            ca_der: ca.der().to_vec(),
            serving: serving(&ca, LOCALHOST)?,
            ca: Pair {
                certificate: ca.pem(),
                key: ca.key().serialize_pem(),
            },
            front_proxy: client(FRONT_PROXY, &front_proxy_ca)?,
            front_proxy_ca: front_proxy_ca.pem(),
            service_account_public: service_account.public_key_pem(),
            service_account_key: service_account.serialize_pem(),
        })
    }
}

impl Pair {
    /// A new authority.
    pub(super) fn authority() -> Result<Self, Error> {
        let ca = authority(AUTHORITY)?;
        Ok(Pair {
            certificate: ca.pem(),
            key: ca.key().serialize_pem(),
        })
    }

    /// Of an authority: a new certificate for loopback, its names, and the address where a server
    /// listens.
    pub(super) fn serving(&self, address: IpAddr) -> Result<Pair, Error> {
        let key = KeyPair::from_pem(&self.key)?;
        serving(&Issuer::new(authority_params(AUTHORITY)?, key), address)
    }
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Result<Authority, Error> {
    let params = authority_params(name)?;
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

fn authority_params(name: &str) -> Result<CertificateParams, Error> {
    let mut params = named(name)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    Ok(params)
}

fn serving(ca: &Issuer<'_, KeyPair>, address: IpAddr) -> Result<Pair, Error> {
    let mut params = named("kube-apiserver")?;
    params.subject_alt_names = vec![SanType::IpAddress(LOCALHOST)];
    if address != LOCALHOST && !address.is_unspecified() {
        params.subject_alt_names.push(SanType::IpAddress(address));
    }
    for name in [
        "localhost",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
    ] {
        params
            .subject_alt_names
            .push(SanType::DnsName(name.try_into()?));
    }
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    signed(params, ca)
}

fn client(name: &str, ca: &Issuer<'_, KeyPair>) -> Result<Pair, Error> {
    let mut params = named(name)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    signed(params, ca)
}

fn signed(mut params: CertificateParams, ca: &Issuer<'_, KeyPair>) -> Result<Pair, Error> {
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, ca)?;
    Ok(Pair {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    })
}

fn named(name: &str) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let now = SystemTime::now();
    params.not_before = (now - SKEW).into();
    params.not_after = (now + VALID).into();
    Ok(params)
}

/// A bearer token that nobody can guess.
pub(super) fn random_token() -> Result<String, Error> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes)
        .map_err(|problem| Error::system("get random numbers")(problem.into()))?;
    Ok(bytes
        .iter()
        .fold(String::with_capacity(32), |mut token, byte| {
            let _ = write!(token, "{byte:02x}");
            token
        }))
}
