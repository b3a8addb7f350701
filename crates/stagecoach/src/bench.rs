//! The worker's pipeline as the control plane's test bench.

use std::sync::Arc;

use stagecoach_base::{Clock, Entropy};
use stagecoach_control::{TestBench, Tested};
use stagecoach_plan::test_invoke::{AuthorizerTest, AuthorizerTestResult, MethodTest, MethodTestResult};
use stagecoach_worker::Options;

/// A worker's pipeline without listeners.
pub(crate) struct Bench(stagecoach_worker::Bench);

impl Bench {
    /// Starts its thread.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(options: Options, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> std::io::Result<Self> {
        stagecoach_worker::Bench::start(options, clock, entropy).map(Self)
    }
}

impl TestBench for Bench {
    fn method(&self, test: MethodTest) -> Tested<'_, MethodTestResult> {
        Box::pin(self.0.method(test))
    }

    fn authorizer(&self, test: AuthorizerTest) -> Tested<'_, AuthorizerTestResult> {
        Box::pin(self.0.authorizer(test))
    }
}
