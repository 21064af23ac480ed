//! What clients know a sandbox by. It is kept with the objects (`--data`), so that who was connected
//! before a restart is at home after it, as with any API server.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::tokens;
use crate::sandbox::error::Error;
use crate::sandbox::pki::{Pair, random_token};

/// An authority that ends sooner is replaced: a sandbox may be up for that long.
const ENOUGH: SignedDuration = SignedDuration::from_hours(60 * 24);

/// See the module. Secret: whoever has it is the administrator.
#[derive(Clone, Serialize, Deserialize)]
pub struct Identity {
    authority: Pair,
    token: String,
    /// PKCS #8, in Base64
    signing_key: String,
}

impl Identity {
    /// A new one.
    ///
    /// # Errors
    /// When the machine gives no randomness.
    pub fn generate() -> Result<Self, Error> {
        let key = tokens::generate_key().ok_or_else(|| {
            let problem = std::io::Error::other("the system gives no randomness");
            Error::system("make a key")(problem)
        })?;
        Ok(Identity {
            authority: Pair::authority()?,
            token: random_token()?,
            signing_key: STANDARD.encode(key),
        })
    }

    /// The same, with a new authority where the old one ends too soon.
    ///
    /// # Errors
    /// When the machine gives no randomness.
    pub fn renewed(mut self) -> Result<Self, Error> {
        if !self.lasts() {
            self.authority = Pair::authority()?;
        }
        Ok(self)
    }

    fn lasts(&self) -> bool {
        let pem = self.authority.certificate.as_bytes();
        let end = x509_parser::pem::parse_x509_pem(pem)
            .ok()
            .and_then(|(_, pem)| {
                let certificate = pem.parse_x509().ok()?;
                Some(certificate.validity().not_after.timestamp())
            });
        let until = Timestamp::now() + ENOUGH;
        end.is_some_and(|end| end > until.as_second())
    }

    /// The authority's certificate, in PEM.
    pub fn ca(&self) -> &str {
        &self.authority.certificate
    }

    /// The administrator's token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The key that signs the tokens of ServiceAccounts, in PKCS #8; empty when what was kept is
    /// none.
    pub fn signing_key(&self) -> Vec<u8> {
        STANDARD.decode(&self.signing_key).unwrap_or_default()
    }

    /// A certificate for a server at that address, and its key.
    pub(super) fn serving(&self, address: IpAddr) -> Result<Pair, Error> {
        self.authority.serving(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_as_it_was() {
        let identity = Identity::generate().unwrap();
        let text = serde_json::to_string(&identity).unwrap();
        let again: Identity = serde_json::from_str(&text).unwrap();
        let again = again.renewed().unwrap();
        assert_eq!(again.ca(), identity.ca());
        assert_eq!(again.token(), identity.token());
        assert_eq!(again.signing_key(), identity.signing_key());
        assert!(again.serving([127, 0, 0, 1].into()).is_ok());
    }

    #[test]
    fn an_authority_that_cannot_be_read_is_replaced() {
        let mut identity = Identity::generate().unwrap();
        identity.authority.certificate = "none".to_owned();
        let renewed = identity.renewed().unwrap();
        assert!(renewed.lasts());
    }
}
