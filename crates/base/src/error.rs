//! The one error value of the AWS surface: a code, the HTTP status that follows from it, and AWS's text.

use std::fmt;

/// Error types of `apigateway` 2015-07-09 (rest-admin-api §2.4), and the ones a front end adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// 400, business validation.
    BadRequest,
    /// 400, enum and pattern constraints.
    Validation,
    /// 400, JSON of the wrong shape.
    Serialization,
    /// 401.
    Unauthorized,
    /// 403, signature does not match.
    InvalidSignature,
    /// 403, Authorization header lacks parts.
    IncompleteSignature,
    /// 403, unknown access key.
    UnrecognizedClient,
    /// 403, nothing signed.
    MissingAuthenticationToken,
    /// 403, no such operation.
    UnknownOperation,
    /// 404.
    NotFound,
    /// 409.
    Conflict,
    /// 413.
    RequestTooLarge,
    /// 429 with `Retry-After`: a quota.
    LimitExceeded,
    /// 429 with `Retry-After`: a rate.
    TooManyRequests,
    /// 500.
    Internal,
    /// 501: known to AWS, not built here.
    NotImplemented,
    /// 503.
    ServiceUnavailable,
}

/// One row per code: the value of `x-amzn-ErrorType` and the HTTP status.
const FACTS: &[(ErrorCode, &str, u16)] = &[
    (ErrorCode::BadRequest, "BadRequestException", 400),
    (ErrorCode::Validation, "ValidationException", 400),
    (ErrorCode::Serialization, "SerializationException", 400),
    (ErrorCode::Unauthorized, "UnauthorizedException", 401),
    (ErrorCode::InvalidSignature, "InvalidSignatureException", 403),
    (ErrorCode::IncompleteSignature, "IncompleteSignatureException", 403),
    (ErrorCode::UnrecognizedClient, "UnrecognizedClientException", 403),
    (ErrorCode::MissingAuthenticationToken, "MissingAuthenticationTokenException", 403),
    (ErrorCode::UnknownOperation, "UnknownOperationException", 404),
    (ErrorCode::NotFound, "NotFoundException", 404),
    (ErrorCode::Conflict, "ConflictException", 409),
    (ErrorCode::RequestTooLarge, "RequestEntityTooLargeException", 413),
    (ErrorCode::LimitExceeded, "LimitExceededException", 429),
    (ErrorCode::TooManyRequests, "TooManyRequestsException", 429),
    (ErrorCode::Internal, "InternalServerErrorException", 500),
    (ErrorCode::NotImplemented, "NotImplementedException", 501),
    (ErrorCode::ServiceUnavailable, "ServiceUnavailableException", 503),
];

impl ErrorCode {
    fn fact(self) -> (&'static str, u16) {
        FACTS
            .iter()
            .find(|(code, _, _)| *code == self)
            .map_or(("InternalServerErrorException", 500), |(_, name, status)| (*name, *status))
    }

    /// The value of `x-amzn-ErrorType`.
    pub fn name(self) -> &'static str {
        self.fact().0
    }

    /// The HTTP status.
    pub fn status(self) -> u16 {
        self.fact().1
    }
}

/// An error as an AWS client sees it. Boxed, so that a `Result` stays small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsError(Box<Inner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    code: ErrorCode,
    message: String,
}

impl AwsError {
    /// An error of `code` with AWS's text, or ours where AWS has none.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { code, message: message.into() }))
    }

    /// 400 `BadRequestException`.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::BadRequest, message)
    }

    /// 404 `NotFoundException`.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::NotFound, message)
    }

    /// 409 `ConflictException`.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Conflict, message)
    }

    /// 500. The cause belongs in the log, not here.
    pub fn internal() -> Self {
        Self::new(ErrorCode::Internal, "Internal server error")
    }

    /// Which error.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The text of `{"message": …}`.
    pub fn message(&self) -> &str {
        &self.0.message
    }
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code.name(), self.0.message)
    }
}

impl std::error::Error for AwsError {}
