//! Where draft methods and authorizers are tested: the seam to whatever runs them. `stagecoach` puts the worker's pipeline
//! behind it.

use std::pin::Pin;

use stagecoach_plan::test_invoke::{AuthorizerTest, AuthorizerTestResult, MethodTest, MethodTestResult, TestError};

/// What a test comes to.
pub type Tested<'a, T> = Pin<Box<dyn Future<Output = Result<T, TestError>> + Send + 'a>>;

/// Runs tests (rest-admin-api §7).
pub trait TestBench: Send + Sync {
    /// TestInvokeMethod.
    fn method(&self, test: MethodTest) -> Tested<'_, MethodTestResult>;
    /// TestInvokeAuthorizer.
    fn authorizer(&self, test: AuthorizerTest) -> Tested<'_, AuthorizerTestResult>;
}
