//! A CustomResourceDefinition as a person wants to see it.
