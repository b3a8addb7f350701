//! The mapping template language (Velocity as API Gateway runs it) and its JSONPath.
//!
//! A [`Template`] is parsed once, when a snapshot is loaded, and rendered per request over a [`Scope`]. Everything a
//! rendering makes lives in a [`Heap`], which counts steps and bytes: no template hangs, recurses off the stack or
//! takes the machine's memory. [`gateway`] is the scope that API Gateway gives templates (`$input`, `$util`, `$context`,
//! `$stageVariables`).
//!
//! Must not know: tokio, HTTP, snapshots.

mod ast;
mod cursor;
mod directive;
mod expression;
pub mod fuzz;
pub mod gateway;
pub mod heap;
mod json;
pub mod limits;
mod machine;
mod methods;
pub mod number;
pub mod path;
mod print;
mod reference;
mod regexes;
pub mod scope;
mod shared;
pub mod template;
mod text;

pub use heap::{Heap, Value};
pub use limits::{Limits, RenderError};
pub use number::Number;
pub use path::Path;
pub use regexes::java_pattern;
pub use scope::Scope;
pub use shared::Text;
pub use template::{ParseError, Template};
