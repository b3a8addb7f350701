//! The end of processes that left their environment's group, as daemons do. One look at all processes serves every environment
//! that ends meanwhile.

use std::collections::HashSet;

use tokio::sync::{mpsc, oneshot};

use super::processes::end_marked;

/// A mark, and who waits until no process carries it.
type Request = (String, oneshot::Sender<()>);

/// Asks for sweeps. The sweeping task ends with the last of these.
#[derive(Clone, Debug)]
pub(super) struct Sweeper(mpsc::UnboundedSender<Request>);

impl Sweeper {
    /// Starts the sweeping task.
    pub(super) fn start() -> Self {
        let (requests, coming) = mpsc::unbounded_channel();
        tokio::spawn(sweep(coming));
        Self(requests)
    }

    /// Kills every process that carries `mark`; waits until there is none.
    pub(super) async fn swept(&self, mark: String) {
        let (done, swept) = oneshot::channel();
        if self.0.send((mark, done)).is_err() || swept.await.is_err() {
            tracing::debug!("the runtime ended before a function's daemons");
        }
    }
}

async fn sweep(mut coming: mpsc::UnboundedReceiver<Request>) {
    let mut requests = Vec::new();
    while coming.recv_many(&mut requests, usize::MAX).await > 0 {
        let marks: HashSet<String> = requests.iter().map(|(mark, _)| mark.clone()).collect();
        if let Err(error) = tokio::task::spawn_blocking(move || end_marked(|mark| marks.contains(mark))).await {
            tracing::error!(%error, "looking for functions' daemons failed");
        }
        for (_, done) in requests.drain(..) {
            if done.send(()).is_err() {
                tracing::trace!("nobody waits for a sweep");
            }
        }
    }
}
