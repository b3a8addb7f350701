//! Runtimes by AWS's identifiers.

use std::str::FromStr;

use crate::errors::LambdaError;

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

/// AWS's runtimes that new functions may have [M]. Those of the families that this host runs need not be among them.
const CURRENT: &str = "nodejs26.x nodejs24.x nodejs22.x nodejs20.x nodejs18.x nodejs16.x nodejs14.x python3.15 python3.14 python3.13 \
     python3.12 python3.11 python3.10 python3.9 python3.8 python3.7 java25 java21 java17 java11 java8.al2 java8 dotnet10 dotnet8 dotnet6 \
     dotnetcore3.1 ruby4.0 ruby3.4 ruby3.3 ruby3.2 ruby2.7 go1.x provided.al2023 provided.al2 provided";
/// Those that AWS has given up long ago.
const RETIRED: &str = "nodejs nodejs4.3 nodejs4.3-edge nodejs6.10 nodejs8.10 nodejs10.x nodejs12.x python2.7 python3.6 ruby2.5 \
     dotnetcore1.0 dotnetcore2.0 dotnetcore2.1";

/// Whether a text names a runtime of AWS's, whether or not this host has it.
fn is_identifier(text: &str) -> bool {
    [CURRENT, RETIRED].iter().any(|all| all.split(' ').any(|name| name == text)) || text.parse::<Runtime>().is_ok()
}

/// AWS's runtimes, for its texts.
fn identifiers() -> String {
    CURRENT.replace(' ', ", ")
}

impl Runtime {
    /// The runtime of a new function, or of one that is changed.
    ///
    /// # Errors
    /// AWS's texts for what it does not know or has given up; ours for what this host cannot run.
    pub(crate) fn chosen(text: &str) -> Result<Self, LambdaError> {
        if RETIRED.split(' ').any(|name| name == text) {
            return Err(LambdaError::invalid(format!(
                "The runtime parameter of {text} is no longer supported for creating or updating AWS Lambda functions. We recommend \
                 you use a supported runtime while creating or updating functions."
            )));
        }
        text.parse().map_err(|error: UnknownRuntime| match is_identifier(text) {
            true => LambdaError::invalid(error.to_string()),
            false => LambdaError::invalid(format!(
                "Value {text} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [{}] or be a valid ARN",
                identifiers()
            )),
        })
    }
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

    #[test]
    fn what_cannot_be_chosen_is_told_apart() {
        let told = |text: &str| Runtime::chosen(text).unwrap_err().message;

        assert!(Runtime::chosen("python3.99").is_ok(), "a runtime that comes out after this host");
        assert!(told("nodejs12.x").starts_with("The runtime parameter of nodejs12.x is no longer supported"));
        assert!(told("java21").starts_with("this host runs"));
        assert!(told("cobol85").starts_with(
            "Value cobol85 at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: ["
        ));
    }
}
