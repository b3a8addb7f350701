//! Invocations that nobody waits for: `InvocationType: Event`.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;

use super::Invoker;
use super::documents::Cx;
use super::invoke::refused;
use crate::errors::LambdaError;
use crate::{Answer, Invocation, InvokeError, Runnable, ThrottleReason};

/// Events waiting or running at most, over all functions; what comes on top is throttled. They are kept in memory: a host that
/// stops loses them.
pub(super) const MOST: usize = 1000;
/// Delays before the second and the third try [D: one and two minutes].
pub(super) const DELAYS: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];

/// Takes an event in, and runs it until it succeeds or its tries are used up.
///
/// # Errors
/// 429 when too many are waiting.
pub(super) fn accept(cx: &Cx<'_>, runnable: &Arc<Runnable>, invocation: &Invocation) -> Result<(), LambdaError> {
    let functions = cx.functions;
    let permit = functions.events.clone().try_acquire_owned();
    let permit = permit.map_err(|_| refused(InvokeError::Throttled(ThrottleReason::Concurrent)))?;
    let (runnable, invocation) = (Arc::clone(runnable), invocation.clone());
    tokio::spawn(run(Arc::clone(&functions.parts.invoker), runnable, invocation, functions.delays, permit));
    Ok(())
}

async fn run(
    invoker: Arc<dyn Invoker>,
    runnable: Arc<Runnable>,
    invocation: Invocation,
    delays: [Duration; 2],
    permit: OwnedSemaphorePermit,
) {
    for delay in delays.map(Some).into_iter().chain([None]) {
        if matches!(once(&*invoker, &runnable, &invocation).await, Ok(true) | Err(InvokeError::Stopping)) {
            break;
        }
        match delay {
            Some(delay) => tokio::time::sleep(delay).await,
            None => tracing::warn!(function = %runnable.arn, request = %invocation.request_id, "an event was given up"),
        }
    }
    drop(permit);
}

/// Whether the function succeeded.
async fn once(invoker: &dyn Invoker, runnable: &Arc<Runnable>, event: &Invocation) -> Result<bool, InvokeError> {
    let invoked = invoker.invoke(Arc::clone(runnable), event.clone()).await?;
    Ok(match invoked.answer {
        Answer::Whole(_) => true,
        Answer::Failed(_) => false,
        Answer::Stream(mut chunks) => {
            let mut whole = true;
            while let Some(chunk) = chunks.recv().await {
                whole &= chunk.is_ok();
            }
            whole
        }
    })
}
