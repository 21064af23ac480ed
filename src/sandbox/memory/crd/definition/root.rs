//! What the root of a schema may say when status is a subresource, whose schema is taken out of it.

use super::super::go;
use super::super::schema::Schema;
use crate::sandbox::memory::field::{FieldError, Path, Wrong};

const ALLOWED: &str = "Description Type Format Title Maximum ExclusiveMaximum Minimum \
    ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required \
    Items Properties ExternalDocs Example XPreserveUnknownFields XValidations";

/// The first thing that is wrong.
pub(super) fn validate(path: &Path, schema: &Schema) -> Option<FieldError> {
    // In the order of Go's struct, these come before the type.
    let is_early = !schema.id.is_empty() || !schema.schema.is_empty() || schema.reference.is_some();
    if !is_early && !schema.type_.is_empty() && schema.type_ != "object" {
        let detail = "only \"object\" is allowed as the type at the root of the schema if the \
                      status subresource is enabled";
        return Some(go::invalid_text(&path.child("type"), &schema.type_, detail));
    }
    let is_more = schema.nullable
        || schema.default.is_some()
        || !schema.enum_.is_empty()
        || schema.max_properties.is_some()
        || schema.min_properties.is_some()
        || !schema.all_of.is_empty()
        || !schema.one_of.is_empty()
        || !schema.any_of.is_empty()
        || schema.not.is_some()
        || schema.additional_properties.is_some()
        || !schema.pattern_properties.is_empty()
        || schema.dependencies.is_some()
        || schema.additional_items.is_some()
        || !schema.definitions.is_empty()
        || schema.embedded_resource
        || schema.int_or_string
        || !schema.list_map_keys.is_empty()
        || schema.list_type.is_some()
        || schema.map_type.is_some();
    (is_early || is_more).then(|| {
        let detail = format!(
            "only [{ALLOWED}] fields are allowed at the root of the schema if the status \
             subresource is enabled"
        );
        go::error(Wrong::Invalid, path, schema.show(), detail)
    })
}
