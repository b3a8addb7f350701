//! What a template may use, and how it fails.

use crate::ast::Origin;

/// Ceilings of one rendering. The defaults are AWS's where AWS has one (rest-data-plane §3.8).
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Rounds of one `#foreach`, each time it runs; AWS: 1000.
    pub iterations: usize,
    /// Nodes evaluated, and what takes as long: 16 values visited, 1 KB of text read.
    pub steps: u64,
    /// Bytes of all values made, whether or not they are still used.
    pub memory: usize,
    /// Bytes of the output; AWS: 10 MB.
    pub output: usize,
}

/// Units of work in a step: bytes of text read.
pub(crate) const STEP: usize = 1024;
/// Units for visiting a value.
pub(crate) const VISIT: usize = 64;
/// Bytes a template may have (rest-data-plane §3.8: 300 KB).
pub const TEMPLATE_BYTES: usize = 300 * 1024;
/// How deep expressions and blocks may be nested in a template.
pub(crate) const NESTING: usize = 64;
/// How deep evaluation may go: the nesting of the text, and blocks of `#define` used in each other.
pub(crate) const DEPTH: usize = 128;
/// How deep a value may be nested to be printed, read from JSON or compared.
pub(crate) const VALUE_DEPTH: usize = 128;

impl Default for Limits {
    fn default() -> Self {
        Self { iterations: 1000, steps: 500_000, memory: 128 << 20, output: 10 << 20 }
    }
}

/// Why a rendering failed; AWS answers 500 for each (rest-data-plane §5.8).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// [`Limits::iterations`].
    #[error("a #foreach runs more than {0} times")]
    Iterations(usize),
    /// [`Limits::steps`].
    #[error("the template takes too many steps")]
    Steps,
    /// [`Limits::memory`].
    #[error("the template takes too much memory")]
    Memory,
    /// [`Limits::output`].
    #[error("the output is too large")]
    Output,
    /// Blocks or values nested too deep, or in a circle.
    #[error("blocks or values are nested too deep")]
    Depth,
    /// A regular expression that cannot be run.
    #[error("the regular expression `{0}` is not supported")]
    Pattern(String),
    /// What would be an exception in Java.
    #[error("{0}")]
    Exception(String),
    /// Any of the others, with its place in the template.
    #[error("{error} at line {line}, column {column}")]
    At {
        /// What went wrong.
        error: Box<RenderError>,
        /// From 1.
        line: u32,
        /// From 1, in characters: where the reference or directive begins.
        column: u32,
    },
}

impl RenderError {
    pub(crate) fn exception(text: impl Into<String>) -> Self {
        Self::Exception(text.into())
    }

    /// With a place, unless it has a closer one.
    pub(crate) fn at(self, origin: Origin) -> Self {
        let Origin { line, column } = origin;
        if matches!(self, Self::At { .. }) { self } else { Self::At { error: Box::new(self), line, column } }
    }
}
