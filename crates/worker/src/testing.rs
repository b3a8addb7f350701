//! Tests of draft methods and authorizers (rest-admin-api §7): the pipeline that serves traffic, on a thread of its own.

mod authorizer;
mod method;
mod request;

use std::io;
use std::rc::Rc;
use std::sync::Arc;

use stagecoach_base::{Clock, Entropy};
use stagecoach_plan::test_invoke::{AuthorizerTest, AuthorizerTestResult, MethodTest, MethodTestResult, TestError};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::LocalSet;

use crate::core::Core;
use crate::front::listen;
use crate::log::Logs;
use crate::options::Options;
use crate::shared::Shared;

/// Tests that run at once; more wait.
const AT_ONCE: usize = 64;

type Answer<T> = oneshot::Sender<Result<T, TestError>>;

enum Job {
    Method(Box<MethodTest>, Answer<MethodTestResult>),
    Authorizer(Box<AuthorizerTest>, Answer<AuthorizerTestResult>),
}

/// Runs tests. Its thread ends when it is dropped.
pub struct Bench {
    jobs: mpsc::Sender<Job>,
}

impl Bench {
    /// Starts the thread. Of the options, listeners, cores and logs do not matter; time-outs, resolution, Lambda
    /// endpoints, credentials and address rules are as for traffic.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(options: Options, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> io::Result<Self> {
        let (jobs, waiting) = mpsc::channel(AT_ONCE);
        let options = Options { cores: 1, access_log: None, execution_log: None, cache_bytes: 0, ..options };
        let shared = Arc::new(Shared::new(options, Logs::default(), clock, entropy));
        std::thread::Builder::new().name("test-invoke".into()).spawn(move || {
            if let Err(error) = run(shared, waiting) {
                tracing::error!(error = %error, "tests of methods cannot be run");
            }
        })?;
        Ok(Self { jobs })
    }

    /// TestInvokeMethod.
    ///
    /// # Errors
    /// [`TestError`]; whatever the tested method does wrong is a result.
    pub async fn method(&self, test: MethodTest) -> Result<MethodTestResult, TestError> {
        let (answer, answered) = oneshot::channel();
        self.send(Job::Method(Box::new(test), answer)).await?;
        answered.await.map_err(|_| TestError::Gone)?
    }

    /// TestInvokeAuthorizer.
    ///
    /// # Errors
    /// As for a method.
    pub async fn authorizer(&self, test: AuthorizerTest) -> Result<AuthorizerTestResult, TestError> {
        let (answer, answered) = oneshot::channel();
        self.send(Job::Authorizer(Box::new(test), answer)).await?;
        answered.await.map_err(|_| TestError::Gone)?
    }

    async fn send(&self, job: Job) -> Result<(), TestError> {
        self.jobs.send(job).await.map_err(|_| TestError::Gone)
    }
}

fn run(shared: Arc<Shared>, mut waiting: mpsc::Receiver<Job>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    runtime.block_on(local.run_until(async move {
        let core = Rc::new(Core::new(shared, 0));
        tokio::task::spawn_local(listen::tick(core.clone()));
        tokio::task::spawn_local(listen::watch_deadlines(core.clone()));
        let places = Arc::new(Semaphore::new(AT_ONCE));
        while let Some(job) = waiting.recv().await {
            // Never closed, so there is always a place in the end.
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
            let core = core.clone();
            tokio::task::spawn_local(async move {
                perform(&core, job).await;
                drop(place);
            });
        }
        Ok(())
    }))
}

/// Runs one test. A caller that went away does not wait for its answer.
async fn perform(core: &Rc<Core>, job: Job) {
    match job {
        Job::Method(test, answer) => drop(answer.send(method::run(core, *test).await)),
        Job::Authorizer(test, answer) => drop(answer.send(authorizer::run(core, *test).await)),
    }
}
