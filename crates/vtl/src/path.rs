//! JSON paths in Jayway's dialect (rest-data-plane §5.2), parsed once and followed over the values of a heap.

mod compare;
mod filter;
mod find;
mod functions;
mod parse;

pub(crate) use filter::Filter;

/// A path such as `$.pets[0].name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    steps: Box<[Step]>,
    function: Option<Function>,
}

/// A path that is malformed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the JSON path `{0}` is malformed")]
pub struct InvalidPath(String);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// `.a`, `['a']`, `['a','b']`.
    Names(Box<[Box<str>]>),
    /// `[0]`, `[-1]`, `[0,1]`.
    Indexes(Box<[i64]>),
    /// `[1:3]`.
    Slice(Option<i64>, Option<i64>),
    /// `*`.
    All,
    /// `[?(…)]`.
    Filter(Filter),
    /// `..`: everything below, and the value itself; what follows is tried on each.
    Deep,
}

/// What a path may end with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Length,
    Min,
    Max,
    Avg,
    Sum,
    Keys,
    First,
    Last,
}

impl Path {
    /// Whether a function answers in the end, and not the values themselves.
    pub(crate) fn has_function(&self) -> bool {
        self.function.is_some()
    }

    /// Whether it names one place at most: the answer is the value there. Otherwise it is a list of values.
    pub fn is_definite(&self) -> bool {
        let last = self.steps.len().saturating_sub(1);
        self.steps.iter().enumerate().all(|(at, step)| match step {
            // Several names at the end make one map of them.
            Step::Names(names) => names.len() == 1 || at == last,
            Step::Indexes(indexes) => indexes.len() == 1,
            Step::Slice(..) | Step::All | Step::Filter(_) | Step::Deep => false,
        })
    }
}

#[cfg(test)]
mod tests;
