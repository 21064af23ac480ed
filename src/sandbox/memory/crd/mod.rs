//! CustomResourceDefinitions and custom resources.
mod correlate;
mod format;
mod go;
mod list_type;
mod object;
mod regexp;
mod schema;
mod structural;
mod validate;
