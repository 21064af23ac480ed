//! The addresses and node ports of Services: what is given is decided while no other Service can be
//! written.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::kinds::core::service::{Failure, Pools, allocate};
use super::object::meta;
use super::registry::Served;
use super::status::Status;

/// What Services have.
#[derive(Debug, Default)]
pub struct Allocator(Mutex<Pools>);

/// The right to write a Service; of other resources nothing is allocated. Hold it until the write is
/// done.
pub struct Allocation<'a>(Option<MutexGuard<'a, Pools>>);

impl Allocator {
    /// Begins a write of an object of that resource.
    pub fn begin(&self, served: &Served) -> Allocation<'_> {
        let resource = &served.resource;
        let is_service = resource.group.is_empty() && resource.plural == "services";
        // Pools change only when a write is done: they are right even after a panic.
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Allocation(is_service.then(lock))
    }
}

impl Allocation<'_> {
    /// Gives a Service what it needs.
    ///
    /// # Errors
    /// 422 for what is taken or out of range, 500 when nothing is left.
    pub fn give(
        &self,
        service: &mut Value,
        old: Option<&Value>,
        is_dry: bool,
    ) -> Result<(), Status> {
        let Some(pools) = &self.0 else {
            return Ok(());
        };
        allocate(pools, service, old, is_dry).map_err(|failure| match failure {
            Failure::Invalid(errors) => {
                Status::invalid("", "Service", meta(service, "name"), &errors)
            }
            Failure::Internal(words) => Status::internal(words),
        })
    }

    /// The write is done.
    pub fn done(&mut self, old: Option<&Value>, new: Option<&Value>) {
        if let Some(pools) = &mut self.0 {
            pools.replace(old, new);
        }
    }
}
