//! What a template parses to. Chains are flat and nesting is limited, so that no template is too deep to walk or drop.

use crate::number::Arithmetic;

/// Where a node is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

pub(crate) type Block = Box<[(Origin, Node)]>;

/// Something that makes output.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Text(Box<str>),
    Reference(Reference),
    Set(Reference, Expr),
    /// Branches in order, then `#else`.
    If(Box<[(Expr, Block)]>, Block),
    Foreach(Box<Foreach>),
    /// `#define($name)`.
    Define(Name, Block),
    Break,
    Stop,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Foreach {
    pub(crate) variable: Name,
    pub(crate) source: Expr,
    pub(crate) body: Block,
}

/// A variable's name, with its number among all names of the template.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Name {
    pub(crate) text: Box<str>,
    pub(crate) slot: usize,
}

/// `$name.property.method(…)[index]`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reference {
    pub(crate) name: Name,
    pub(crate) steps: Box<[Step]>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    Property(Box<str>),
    Call(Box<str>, Box<[Expr]>),
    Index(Expr),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    Bool(bool),
    Int(i64),
    /// An integer of more than 64 bits.
    BigInt(Box<str>),
    Float(f64),
    Text(Box<str>),
    /// A double-quoted string with something to fill in.
    Interpolated(Block),
    Reference(Box<Reference>),
    Range(Box<(Expr, Expr)>),
    List(Box<[Expr]>),
    Map(Box<[(Expr, Expr)]>),
    Not(Box<Expr>),
    All(Box<[Expr]>),
    Any(Box<[Expr]>),
    Chain(Box<Expr>, Box<[(Operator, Expr)]>),
}

/// Operators that associate to the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Arithmetic(Arithmetic),
}
