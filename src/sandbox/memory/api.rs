//! The API server without its sockets: what it holds, and how a request becomes an answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::allocate::Allocator;
use super::authz::Authorizer;
use super::metrics::Metrics;
use super::openapi::Documents;
use super::registry::Registry;
use super::store::{ShelfId, Store};
use super::tokens::Tokens;

/// What a server is to be like.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Where it says it is, such as `127.0.0.1:6443`
    pub address: String,
    /// Whether Roles and their bindings decide who may do what; otherwise everybody with a token may
    /// do everything.
    pub rbac: bool,
    /// The certificate authority of the server's certificate, in PEM
    pub ca_pem: String,
    /// The administrator's token
    pub admin_token: String,
    /// What signs the tokens of ServiceAccounts, in PKCS #8; a new key when it is none
    pub signing_key: Vec<u8>,
}

/// See the module.
pub struct Api {
    /// The objects
    pub store: Store,
    /// The resources
    pub registry: Registry,
    /// Who may do what
    pub authorizer: Authorizer,
    /// The tokens that are known
    pub tokens: Tokens,
    /// The addresses and ports of Services
    pub allocator: Allocator,
    /// OpenAPI documents that were asked for
    pub documents: Documents,
    /// What requests there were
    pub metrics: Metrics,
    /// When the server was started, as HTTP writes dates
    pub started: String,
    /// How the server is
    pub settings: Settings,
    /// Where Namespaces are: every write into one looks there
    pub namespaces: ShelfId,
    /// Where ResourceQuotas are, too
    pub quotas: ShelfId,
    charging: Mutex<()>,
}

impl Api {
    /// A server with what a fresh one has. [`bootstrap`](super::bootstrap) makes that.
    pub fn new(settings: Settings) -> Arc<Self> {
        let store = Store::default();
        let registry = Registry::new(&store);
        let namespaces = store.shelf("", "namespaces");
        let quotas = store.shelf("", "resourcequotas");
        Arc::new(Api {
            authorizer: Authorizer::new(&store, settings.rbac),
            tokens: Tokens::new(&settings.admin_token, &settings.signing_key),
            allocator: Allocator::default(),
            started: Timestamp::now()
                .strftime("%a, %d %b %Y %H:%M:%S GMT")
                .to_string(),
            documents: Documents::default(),
            metrics: Metrics::default(),
            store,
            registry,
            quotas,
            charging: Mutex::new(()),
            settings,
            namespaces,
        })
    }

    /// Keeps everybody else from charging ResourceQuotas.
    pub fn hold_quotas(&self) -> MutexGuard<'_, ()> {
        self.charging.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time, as metadata has it: RFC 3339 in whole seconds.
    pub fn now(&self) -> String {
        seconds(Timestamp::now())
    }
}

/// A time as metadata has it: RFC 3339 in whole seconds.
pub fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
