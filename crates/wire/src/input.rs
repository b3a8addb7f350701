//! What a service model asks of an operation's input: the words of the generated tables.

use crate::Op;
use crate::operations::lambda_input::INPUTS;

/// What is asked of the input of an operation of Lambda's.
pub fn lambda_input(operation: Op) -> &'static [Member] {
    INPUTS.iter().find(|(row, _)| *row == operation).map_or(&[], |(_, members)| members)
}

/// One member of an input or of a structure in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Member {
    /// As AWS names it in messages: `memorySize`.
    pub name: &'static str,
    /// Where it is.
    pub at: At,
    /// Whether it must be there.
    pub required: bool,
    /// What it must be, if it is there.
    pub asks: Asks,
}

/// Where a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// A label of the path.
    Path(&'static str),
    /// A parameter of the query.
    Query(&'static str),
    /// A header, lower case.
    Header(&'static str),
    /// A member of the body, or of the structure around it.
    Body(&'static str),
}

/// What a value must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Asks {
    /// Anything.
    Nothing,
    /// A text: its length in characters, a pattern for all of it (empty: none), and the texts it may be (empty: any).
    Text {
        /// Shortest.
        least: Option<usize>,
        /// Longest.
        most: Option<usize>,
        /// Java's regular expression.
        pattern: &'static str,
        /// An enumeration.
        one_of: &'static [&'static str],
    },
    /// A number.
    Number {
        /// Smallest.
        least: Option<f64>,
        /// Largest.
        most: Option<f64>,
    },
    /// A list, and each of its items.
    List {
        /// Fewest items.
        least: Option<usize>,
        /// Most items.
        most: Option<usize>,
        /// Each item.
        item: &'static Asks,
    },
    /// A map.
    Map {
        /// Each key.
        key: &'static Asks,
        /// Each value.
        value: &'static Asks,
    },
    /// An object with these members.
    Structure(&'static [Member]),
}
