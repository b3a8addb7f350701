//! OpenAPI 3.0 and Swagger 2.0 with `x-amazon-apigateway-*`, both ways (rest-admin-api §5).
//!
//! Must not know: the store, snapshots, HTTP. Reading gives a [`Definition`], which a new or an existing API takes on.

mod apply;
mod definition;
mod document;
mod export;
mod read;

pub use apply::{Mode, NewApi, import, merge};
pub use definition::{Definition, MethodOf};
pub use export::{ExportOptions, Exported, Extensions, Format, Kind, export};
pub use read::{BasePath, Imported, ReadOptions, read};
