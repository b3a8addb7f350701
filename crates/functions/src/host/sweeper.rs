//! The end of processes that left their environment's group, as daemons do. One look at all processes serves every environment
//! that ends meanwhile.

use std::collections::HashSet;

use tokio::sync::{mpsc, oneshot};

use super::processes::{end_all, mark, user};

/// A mark, a user, and who waits until no process has either.
type Request = (String, Option<u32>, oneshot::Sender<()>);

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

    /// Kills every process that carries `mark` or belongs to `user`; waits until there is none.
    pub(super) async fn swept(&self, mark: String, user: Option<u32>) {
        let (done, swept) = oneshot::channel();
        if self.0.send((mark, user, done)).is_err() || swept.await.is_err() {
            tracing::debug!("the runtime ended before a function's daemons");
        }
    }
}

async fn sweep(mut coming: mpsc::UnboundedReceiver<Request>) {
    let mut requests = Vec::new();
    while coming.recv_many(&mut requests, usize::MAX).await > 0 {
        let marks: HashSet<String> = requests.iter().map(|(mark, ..)| mark.clone()).collect();
        let users: HashSet<u32> = requests.iter().filter_map(|(_, user, _)| *user).collect();
        let ending = move |pid| {
            mark(pid).is_some_and(|mark| marks.contains(&mark))
                || !users.is_empty() && user(pid).is_some_and(|user| users.contains(&user))
        };
        if let Err(error) = tokio::task::spawn_blocking(move || end_all(ending)).await {
            tracing::error!(%error, "looking for functions' daemons failed");
        }
        for (.., done) in requests.drain(..) {
            if done.send(()).is_err() {
                tracing::trace!("nobody waits for a sweep");
            }
        }
    }
}
