//! What a write asks of its user's rights beyond its verb.

use serde_json::Value;

use super::Writer;
use crate::sandbox::memory::authz::Attributes;
use crate::sandbox::memory::authz::escalation::{self, Grant};
use crate::sandbox::memory::object::meta;
use crate::sandbox::memory::status::Status;

impl Writer<'_> {
    /// Whether who may update may create, too: asked of who updates what is not there.
    ///
    /// Errors: 403.
    pub(super) fn check_creation(&self, object: &Value) -> Result<(), Status> {
        let resource = &self.served.resource;
        let attributes = Attributes {
            verb: "create",
            group: &resource.group,
            version: &resource.version,
            resource: &resource.plural,
            namespace: self.namespace,
            name: meta(object, "name"),
            ..Attributes::of(self.user)
        };
        self.api.authorizer.authorize(&self.api.store, &attributes)
    }

    /// Whether a role or binding gives no more than its writer has.
    ///
    /// Errors: 403.
    pub(super) fn check_grant(&self, object: &Value, old: Option<&Value>) -> Result<(), Status> {
        let resource = &self.served.resource;
        if resource.group != "rbac.authorization.k8s.io" {
            return Ok(());
        }
        let grant = Grant {
            user: self.user,
            plural: &resource.plural,
            namespace: self.namespace,
            object,
            old,
        };
        escalation::check(&self.api.authorizer, &self.api.store, grant)
    }
}
