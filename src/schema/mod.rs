//! OpenAPI v3 and CRD schemas as one tree of fields.
