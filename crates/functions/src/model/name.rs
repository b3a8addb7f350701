//! What a call is about: a name, a partial ARN or an ARN, each with or without a qualifier, which may also come in the query.

use stagecoach_base::Scope;

use crate::errors::{self, LambdaError};

/// A function, and a version or alias of it if one is meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// Name of the function.
    pub name: String,
    /// Version or alias as asked.
    pub qualifier: Option<String>,
}

/// Characters of a name at most.
const LONGEST: usize = 64;

impl Target {
    /// Reads `name[:qualifier]`, `account:function:name[:qualifier]` or a whole ARN.
    ///
    /// # Errors
    /// 400 for no name, or two qualifiers that differ; 404 for another region's or account's ARN, and for `01`.
    pub fn parse(text: &str, asked: Option<&str>, scope: &Scope) -> Result<Self, LambdaError> {
        let local = local_part(text, scope)?;
        let (name, derived) = match local.split_once(':') {
            Some((name, qualifier)) => (name, Some(qualifier)),
            None => (local, None),
        };
        if name.len() > LONGEST && name.bytes().all(word) {
            let constraint = format!("Member must have length less than or equal to {LONGEST}");
            return Err(LambdaError::constraint(text, "functionName", &constraint));
        }
        if !is_name(name) || derived.is_some_and(|qualifier| !is_qualifier(qualifier)) {
            return Err(invalid(text));
        }
        if let Some(wrong) = asked.filter(|qualifier| !is_qualifier(qualifier)) {
            return Err(LambdaError::constraint(
                wrong,
                "qualifier",
                r"Member must satisfy regular expression pattern: (|[a-zA-Z0-9$_-]+)",
            ));
        }
        match (derived, asked) {
            (Some(derived), Some(asked)) if derived != asked => Err(LambdaError::invalid(errors::QUALIFIERS_DIFFER)),
            (derived, asked) => {
                let target = Self { name: name.to_owned(), qualifier: derived.or(asked).map(str::to_owned) };
                // No alias is called so, and no version is written so.
                let nothing = target.qualifier.as_deref().is_some_and(|text| digits(text) && !is_number(text));
                if nothing { Err(LambdaError::no_function(&target.arn(scope))) } else { Ok(target) }
            }
        }
    }

    /// ARN of the function, without a qualifier.
    pub fn function_arn(&self, scope: &Scope) -> String {
        function_arn(scope, &self.name)
    }

    /// ARN as asked.
    pub fn arn(&self, scope: &Scope) -> String {
        let arn = self.function_arn(scope);
        self.qualifier.as_ref().map_or(arn.clone(), |qualifier| format!("{arn}:{qualifier}"))
    }

    /// The qualifier, unless it is `$LATEST`: policies and ARNs of `$LATEST` are the function's own.
    pub fn beside_latest(&self) -> Option<&str> {
        self.qualifier.as_deref().filter(|qualifier| *qualifier != "$LATEST")
    }
}

/// `arn:aws:lambda:{region}:{account}:function:{name}`.
pub(crate) fn function_arn(scope: &Scope, name: &str) -> String {
    format!("arn:{}:lambda:{}:{}:function:{name}", scope.partition, scope.region, scope.account)
}

fn local_part<'a>(text: &'a str, scope: &Scope) -> Result<&'a str, LambdaError> {
    if let Some(rest) = text.strip_prefix("arn:") {
        let parts: Vec<&str> = rest.splitn(6, ':').collect();
        let [_, "lambda", region, account, "function", local] = parts[..] else { return Err(invalid(text)) };
        return here(text, region, account, scope).map(|()| local);
    }
    match text.split_once(":function:") {
        Some((account, local)) => here(text, &scope.region, account, scope).map(|()| local),
        None => Ok(text.strip_prefix("function:").unwrap_or(text)),
    }
}

fn here(text: &str, region: &str, account: &str, scope: &Scope) -> Result<(), LambdaError> {
    if region != scope.region {
        let ours = &scope.region;
        return Err(LambdaError::not_found(format!(
            "Functions from '{region}' are not reachable in this region ('{ours}')"
        )));
    }
    if account != scope.account { Err(LambdaError::no_function(text)) } else { Ok(()) }
}

fn invalid(text: &str) -> LambdaError {
    LambdaError::constraint(
        text,
        "functionName",
        "Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\\d{1}:)?\
         (\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?",
    )
}

/// Whether `text` can name a function.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(word)
}

fn is_qualifier(text: &str) -> bool {
    text == "$LATEST" || ((1..=128).contains(&text.len()) && text.bytes().all(word))
}

/// Whether a qualifier is a version's number, as versions are written: `01` is none, so that each has one name only.
pub(crate) fn is_number(text: &str) -> bool {
    digits(text) && !text.starts_with('0')
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, asked: Option<&str>) -> Result<(String, Option<String>), LambdaError> {
        Target::parse(text, asked, &Scope::default()).map(|target| (target.name, target.qualifier))
    }

    #[test]
    fn a_function_is_named_in_every_way_aws_takes() {
        let arn = "arn:aws:lambda:us-east-1:000000000000:function:f-1";

        for text in ["f-1", "function:f-1", "000000000000:function:f-1", arn] {
            assert_eq!(read(text, None), Ok(("f-1".into(), None)), "{text}");
            assert_eq!(read(&format!("{text}:live"), None), Ok(("f-1".into(), Some("live".into()))), "{text}");
            assert_eq!(read(text, Some("$LATEST")), Ok(("f-1".into(), Some("$LATEST".into()))), "{text}");
        }
        assert_eq!(read("f:7", Some("7")), Ok(("f".into(), Some("7".into()))));
    }

    #[test]
    fn what_names_nothing_here_is_refused() {
        let code = |text: &str, asked| read(text, asked).unwrap_err().code;

        for wrong in ["", "a/b", "a.b", "f:", "arn:aws:s3:::b", "f:a:b", "../x", &"x".repeat(65)] {
            assert_eq!(code(wrong, None), errors::Code::Validation, "{wrong}");
        }
        assert_eq!(code("f:1", Some("2")), errors::Code::InvalidParameterValue);
        for (text, asked) in [("f:01", None), ("f", Some("0")), ("f", Some("007"))] {
            assert_eq!(code(text, asked), errors::Code::ResourceNotFound, "{text} {asked:?}");
        }
        assert_eq!(code("arn:aws:lambda:eu-west-1:000000000000:function:f", None), errors::Code::ResourceNotFound);
        assert_eq!(code("arn:aws:lambda:us-east-1:111111111111:function:f", None), errors::Code::ResourceNotFound);
    }
}
