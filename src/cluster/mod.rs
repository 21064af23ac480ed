//! Reaching a server: kubeconfig by kubectl's rules, flags to a client, one request sent and its
//! answer streamed, a failure explained.

mod credentials;
pub mod curl;
mod duration;
mod error;
mod exec;
mod failure;
mod flags;
mod kubeconfig;
mod list_reader;
mod proxy;
mod server;
mod settings;
mod stream;
mod target;
mod trace;
mod userinfo;

pub use credentials::{Credential, CredentialKind};
pub use duration::parse_duration;
pub use error::{Error, Transport, chain};
pub use failure::{Cause, Details, Failure, Status};
pub use flags::ConnectFlags;
pub use kubeconfig::Places;
pub use list_reader::{ListReader, NotAList, Part};
pub use server::{Answer, Server, from_json, parse_path};
pub use settings::Settings;
pub use stream::Stream;
pub use target::{BadTarget, has_parameter, parameter, target};
