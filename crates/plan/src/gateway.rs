//! Every answer the gateway itself makes, one variant per AWS gateway response type (rest-data-plane §2.1).

/// A gateway response type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are AWS's; the table below says what each answers")]
pub enum GatewayResponseType {
    AccessDenied,
    ApiConfigurationError,
    AuthorizerConfigurationError,
    AuthorizerFailure,
    BadRequestParameters,
    BadRequestBody,
    Default4xx,
    Default5xx,
    ExpiredToken,
    IntegrationFailure,
    IntegrationTimeout,
    InvalidApiKey,
    InvalidSignature,
    MissingAuthenticationToken,
    QuotaExceeded,
    RequestTooLarge,
    ResourceNotFound,
    Throttled,
    Unauthorized,
    UnsupportedMediaType,
    WafFiltered,
}

/// What is known of a type.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// The type.
    pub kind: GatewayResponseType,
    /// AWS's name.
    pub name: &'static str,
    /// Status at run time.
    pub status: u16,
    /// Value of `x-amzn-ErrorType`.
    pub error_type: &'static str,
    /// Default text; `None` prints `null`.
    pub message: Option<&'static str>,
}

macro_rules! facts {
    ($($kind:ident $name:literal $status:literal $error:literal $message:expr;)*) => {
        /// One row per type. INTEGRATION_FAILURE is documented as 504 and emitted as 500 (rest-data-plane §2.1).
        pub const FACTS: &[Facts] = &[$(Facts {
            kind: GatewayResponseType::$kind, name: $name, status: $status, error_type: $error, message: $message,
        }),*];
    };
}

facts! {
    AccessDenied "ACCESS_DENIED" 403 "AccessDeniedException" Some("Forbidden");
    ApiConfigurationError "API_CONFIGURATION_ERROR" 500 "InternalServerErrorException" Some("Internal server error");
    AuthorizerConfigurationError "AUTHORIZER_CONFIGURATION_ERROR" 500 "AuthorizerConfigurationException" None;
    AuthorizerFailure "AUTHORIZER_FAILURE" 500 "AuthorizerFailureException" None;
    BadRequestParameters "BAD_REQUEST_PARAMETERS" 400 "BadRequestException" Some("Bad Request");
    BadRequestBody "BAD_REQUEST_BODY" 400 "BadRequestException" Some("Invalid request body");
    Default4xx "DEFAULT_4XX" 400 "BadRequestException" Some("Bad Request");
    Default5xx "DEFAULT_5XX" 500 "InternalServerErrorException" Some("Internal server error");
    ExpiredToken "EXPIRED_TOKEN" 403 "ExpiredTokenException" Some("The security token included in the request is expired");
    IntegrationFailure "INTEGRATION_FAILURE" 500 "InternalServerErrorException" Some("Internal server error");
    IntegrationTimeout "INTEGRATION_TIMEOUT" 504 "InternalServerErrorException" Some("Endpoint request timed out");
    InvalidApiKey "INVALID_API_KEY" 403 "ForbiddenException" Some("Forbidden");
    InvalidSignature "INVALID_SIGNATURE" 403 "InvalidSignatureException" Some("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.");
    MissingAuthenticationToken "MISSING_AUTHENTICATION_TOKEN" 403 "MissingAuthenticationTokenException" Some("Missing Authentication Token");
    QuotaExceeded "QUOTA_EXCEEDED" 429 "LimitExceededException" Some("Limit Exceeded");
    RequestTooLarge "REQUEST_TOO_LARGE" 413 "RequestTooLargeException" Some("Request Too Long");
    ResourceNotFound "RESOURCE_NOT_FOUND" 404 "NotFoundException" Some("Not Found");
    Throttled "THROTTLED" 429 "TooManyRequestsException" Some("Too Many Requests");
    Unauthorized "UNAUTHORIZED" 401 "UnauthorizedException" Some("Unauthorized");
    UnsupportedMediaType "UNSUPPORTED_MEDIA_TYPE" 415 "BadRequestException" Some("Unsupported Media Type");
    WafFiltered "WAF_FILTERED" 403 "ForbiddenException" Some("Forbidden");
}

impl GatewayResponseType {
    /// The row of this type.
    pub fn facts(self) -> &'static Facts {
        FACTS.get(self as usize).filter(|facts| facts.kind == self).unwrap_or(&FALLBACK)
    }

    /// The type with AWS's `name`.
    pub fn parse(name: &str) -> Option<Self> {
        FACTS.iter().find(|facts| facts.name == name).map(|facts| facts.kind)
    }

    /// DEFAULT_4XX or DEFAULT_5XX for a status.
    pub fn family(status: u16) -> Self {
        if status < 500 { Self::Default4xx } else { Self::Default5xx }
    }
}

const FALLBACK: Facts = Facts {
    kind: GatewayResponseType::Default5xx,
    name: "DEFAULT_5XX",
    status: 500,
    error_type: "InternalServerErrorException",
    message: Some("Internal server error"),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_its_own_row() {
        for facts in FACTS {
            assert_eq!(facts.kind.facts().name, facts.name);
            assert_eq!(GatewayResponseType::parse(facts.name), Some(facts.kind));
        }
        assert_eq!(FACTS.len(), 21);
    }
}
