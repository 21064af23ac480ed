//! By what the servers and their users are known to each other.

use kube::config::AuthInfo;
use kube::{Client, Config};

use super::flags::file;
use crate::sandbox::directory::Directory;
use crate::sandbox::error::Error;
use crate::sandbox::pki::{Pki, random_token};

/// Certificates and bearer tokens; all of them are for one sandbox only.
pub(super) struct Credentials {
    pub(super) pki: Pki,
    pub(super) admin_token: String,
    pub(super) controller_manager_token: String,
}

impl Credentials {
    pub(super) fn generate() -> Result<Self, Error> {
        Ok(Credentials {
            pki: Pki::generate()?,
            admin_token: random_token()?,
            controller_manager_token: random_token()?,
        })
    }

    pub(super) fn write(&self, directory: &Directory) -> Result<(), Error> {
        let tokens = format!(
            "{},admin,admin,\"system:masters\"\n\
             {},system:kube-controller-manager,controller-manager,\"system:masters\"\n",
            self.admin_token, self.controller_manager_token
        );
        let pki = &self.pki;
        for (name, content) in [
            (file::CA, &pki.ca.certificate),
            (file::CA_KEY, &pki.ca.key),
            (file::SERVING, &pki.serving.certificate),
            (file::SERVING_KEY, &pki.serving.key),
            (file::FRONT_PROXY_CA, &pki.front_proxy_ca),
            (file::FRONT_PROXY, &pki.front_proxy.certificate),
            (file::FRONT_PROXY_KEY, &pki.front_proxy.key),
            (file::SERVICE_ACCOUNT_KEY, &pki.service_account_key),
            (file::SERVICE_ACCOUNT_PUBLIC, &pki.service_account_public),
            (file::TOKENS, &tokens),
        ] {
            directory.write(name, content)?;
        }
        Ok(())
    }

    pub(super) fn client(&self, url: &str) -> Result<Client, Error> {
        let mut config = Config::new(
            url.parse()
                .expect("the URL is made of a literal and a port"),
        );
        config.root_cert = Some(vec![self.pki.ca_der.clone()]);
        config.auth_info = AuthInfo {
            token: Some(self.admin_token.clone().into()),
            ..AuthInfo::default()
        };
        config.default_retry = false;
        Client::try_from(config).map_err(Error::api("make a client"))
    }
}
