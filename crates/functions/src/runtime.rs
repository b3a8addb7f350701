//! Runtimes by AWS's identifiers.

use std::str::FromStr;

/// What executes a function's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Runtime {
    /// `provided`, `provided.al2`, `provided.al2023`: the package's own `bootstrap`.
    Provided,
    /// `python3.N`: the machine's Python 3.
    Python,
    /// `nodejsN.x`: the machine's Node.
    Node,
}

/// The identifier names no runtime that this host has.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("this host runs provided.*, python3.* and nodejs*.x, not `{0}`")]
pub struct UnknownRuntime(pub String);

impl FromStr for Runtime {
    type Err = UnknownRuntime;

    fn from_str(text: &str) -> Result<Self, UnknownRuntime> {
        let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let node =
            |text: &str| text.strip_prefix("nodejs").and_then(|rest| rest.strip_suffix(".x")).is_some_and(number);
        match text {
            "provided" | "provided.al2" | "provided.al2023" => Ok(Self::Provided),
            python if python.strip_prefix("python3.").is_some_and(number) => Ok(Self::Python),
            text if node(text) => Ok(Self::Node),
            other => Err(UnknownRuntime(other.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runtimes_are_known_by_their_family() {
        let read = |text: &str| text.parse::<Runtime>();

        assert_eq!(read("provided.al2023"), Ok(Runtime::Provided));
        assert_eq!(read("python3.13"), Ok(Runtime::Python));
        assert_eq!(read("nodejs22.x"), Ok(Runtime::Node));
        for wrong in ["", "python", "python3.", "nodejs.x", "nodejs20", "java21", "provided.x"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
