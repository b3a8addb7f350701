//! Lambda's errors: type, status, the member that carries the text, and AWS's texts in one place.

use std::fmt;

use stagecoach_store::StoreError;

/// Error types of `lambda` 2015-03-31 that this host answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// 403.
    AccessDenied,
    /// 400, the payload is no JSON.
    InvalidRequestContent,
    /// 400.
    InvalidParameterValue,
    /// 502, the package or its interpreter cannot run here.
    InvalidRuntime,
    /// 501: known to AWS, not built here.
    NotImplemented,
    /// 404, no provisioned concurrency.
    NotProvisioned,
    /// 412, a stale `RevisionId`.
    PreconditionFailed,
    /// 413.
    RequestTooLarge,
    /// 409.
    ResourceConflict,
    /// 404.
    ResourceNotFound,
    /// 400, the body is no JSON of the right shape.
    Serialization,
    /// 500.
    Service,
    /// 503, stopping.
    ServiceUnavailable,
    /// 429.
    TooManyRequests,
    /// 404, no such operation.
    UnknownOperation,
    /// 400, pattern and range constraints.
    Validation,
}

/// One row per code: `x-amzn-ErrorType`, status, and whether the text's member is `Message` (the service model's shapes).
const FACTS: &[(Code, &str, u16, bool)] = &[
    (Code::AccessDenied, "AccessDeniedException", 403, true),
    (Code::InvalidRequestContent, "InvalidRequestContentException", 400, false),
    (Code::InvalidParameterValue, "InvalidParameterValueException", 400, false),
    (Code::InvalidRuntime, "InvalidRuntimeException", 502, true),
    (Code::NotImplemented, "NotImplementedException", 501, false),
    (Code::NotProvisioned, "ProvisionedConcurrencyConfigNotFoundException", 404, false),
    (Code::PreconditionFailed, "PreconditionFailedException", 412, false),
    (Code::RequestTooLarge, "RequestTooLargeException", 413, false),
    (Code::ResourceConflict, "ResourceConflictException", 409, false),
    (Code::ResourceNotFound, "ResourceNotFoundException", 404, true),
    (Code::Serialization, "SerializationException", 400, true),
    (Code::Service, "ServiceException", 500, true),
    (Code::ServiceUnavailable, "ServiceUnavailableException", 503, true),
    (Code::TooManyRequests, "TooManyRequestsException", 429, false),
    (Code::UnknownOperation, "UnknownOperationException", 404, false),
    (Code::Validation, "ValidationException", 400, false),
];

impl Code {
    fn fact(self) -> (&'static str, u16, bool) {
        let found = FACTS.iter().find(|(code, ..)| *code == self);
        found.map_or(("ServiceException", 500, true), |(_, name, status, capital)| (*name, *status, *capital))
    }

    /// The value of `x-amzn-ErrorType`.
    pub fn name(self) -> &'static str {
        self.fact().0
    }

    /// The HTTP status.
    pub fn status(self) -> u16 {
        self.fact().1
    }

    /// The member of the body that carries the text.
    pub fn member(self) -> &'static str {
        if self.fact().2 { "Message" } else { "message" }
    }
}

/// An error as a Lambda client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LambdaError {
    /// Which error.
    pub code: Code,
    /// Its text.
    pub message: String,
    /// `Reason` of a throttle.
    pub reason: Option<&'static str>,
}

impl LambdaError {
    /// An error of `code` with AWS's text, or ours where AWS has none.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), reason: None }
    }

    /// 400 `InvalidParameterValueException`.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidParameterValue, message)
    }

    /// 404 `ResourceNotFoundException`.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Code::ResourceNotFound, message)
    }

    /// 409 `ResourceConflictException`.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(Code::ResourceConflict, message)
    }

    /// 400 `ValidationException` for one member.
    pub fn constraint(value: &str, member: &str, constraint: &str) -> Self {
        Self::new(
            Code::Validation,
            format!(
                "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {constraint}"
            ),
        )
    }

    /// 404 for a function, version or alias.
    pub fn no_function(arn: &str) -> Self {
        Self::not_found(format!("Function not found: {arn}"))
    }
}

impl fmt::Display for LambdaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)
    }
}

impl std::error::Error for LambdaError {}

impl From<StoreError> for LambdaError {
    fn from(error: StoreError) -> Self {
        if error.is_conflict() {
            return Self::conflict(IN_PROGRESS);
        }
        tracing::error!(error = %error, "the store failed under the Lambda API");
        Self::new(Code::Service, "The service encountered an internal error.")
    }
}

/// AWS's texts.
pub(crate) const IN_PROGRESS: &str =
    "The operation cannot be performed at this time. An update is in progress for resource";
pub(crate) const STALE_FUNCTION: &str = "The Revision Id provided does not match the latest Revision Id. \
     Call the GetFunction/GetAlias API to retrieve the latest Revision Id";
pub(crate) const STALE_POLICY: &str = "The Revision Id provided does not match the latest Revision Id. \
     Call the GetPolicy API to retrieve the latest Revision Id";
pub(crate) const QUALIFIERS_DIFFER: &str =
    "The derived qualifier from the function name does not match the specified qualifier.";
pub(crate) const NO_POLICY: &str = "The resource you requested does not exist.";
pub(crate) const LATEST_POLICY: &str = "We currently do not support adding policies for $LATEST.";
pub(crate) const BAD_PRINCIPAL: &str = "The provided principal was invalid. Please check the principal and try again.";
pub(crate) const LATEST_DELETED: &str = "$LATEST version cannot be deleted without deleting the function.";
pub(crate) const LATEST_WEIGHTED: &str = "$LATEST is not supported for an alias pointing to more than 1 version";
pub(crate) const TOO_MANY_WEIGHTS: &str = "Number of items in AdditionalVersionWeights cannot be greater than 1";
pub(crate) const FUNCTIONS_ONLY: &str = "This operation is permitted on Lambda functions only. Aliases and versions do not \
     support this operation. Please specify either a function name or an unqualified function ARN.";
pub(crate) const TAGS_ON_FUNCTIONS: &str =
    "Tags on function aliases and versions are not supported. Please specify a function ARN.";
pub(crate) const RUNTIME_AND_HANDLER: &str =
    "Runtime and Handler are mandatory parameters for functions created with deployment packages.";
pub(crate) const NOT_A_ZIP: &str = "Could not unzip uploaded file. Please check your file, then try to upload again.";
pub(crate) const EMPTY_ZIP: &str = "Uploaded file must be a non-empty zip";
pub(crate) const UNZIPPED_SIZE: &str = "Unzipped size must be smaller than 262144000 bytes";
pub(crate) const CODE_MISSING: &str = "Please provide a source for function code.";
pub(crate) const NO_S3: &str = "S3Bucket and S3Key cannot be read: no S3 endpoint is configured on this host (--s3-endpoint). \
     Send the package as ZipFile.";
pub(crate) const TWO_SOURCES: &str = "Please do not provide other FunctionCode parameters when providing a ZipFile.";
pub(crate) const NO_IMAGES: &str = "This host runs zip packages; PackageType Image is not supported.";
pub(crate) const STALE_LAYER_POLICY: &str = "The Revision Id provided does not match the latest Revision Id. \
     Call the GetLayerPolicy API to retrieve the latest Revision Id";
pub(crate) const LAYER_VERSION_ARN: &str = r"(arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)";
pub(crate) const LATEST_PROVISIONED: &str =
    "Provisioned Concurrency Configs cannot be applied to unpublished function versions.";
pub(crate) const BEYOND_RESERVED: &str =
    "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function";
pub(crate) const NOT_PROVISIONED: &str = "No Provisioned Concurrency Config found for this function";
pub(crate) const RATE_EXCEEDED: &str = "Rate Exceeded.";
pub(crate) const NO_EVENT_SETTING: &str = "You must specify at least one of error handling or destination setting.";
pub(crate) const NO_SUCH_FUNCTION: &str = "The function doesn't exist.";
pub(crate) const OWN_DESTINATION: &str = "You can't specify the function as a destination for itself.";

/// A statement id that is taken.
pub(crate) fn statement_exists(sid: &str) -> String {
    format!(
        "The statement id ({sid}) provided already exists. Please provide a new statement id, or remove the existing statement."
    )
}

/// A layer of somebody else.
pub(crate) fn no_layer_access(arn: &str) -> String {
    format!(
        "User is not authorized to perform: lambda:GetLayerVersion on resource: {arn} because no resource-based policy allows \
         the lambda:GetLayerVersion action"
    )
}

/// What every member of `Layers` has to be.
pub(crate) fn layer_arns() -> String {
    format!(
        "Member must satisfy constraint: [Member must have length less than or equal to 140, Member must have length greater \
         than or equal to 1, Member must satisfy regular expression pattern: {LAYER_VERSION_ARN}, Member must not be null]"
    )
}
