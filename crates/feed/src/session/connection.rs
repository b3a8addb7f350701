//! One connection to one control plane, from greeting to end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use stagecoach_base::Revision;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval_at, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Endpoint;

use super::settle::{self, Client, outcome};
use super::state::Arrival;
use super::{Shared, State};
use crate::wire::from_control::Body as Hear;
use crate::wire::from_worker::Body as Say;
use crate::{Outcome, OutcomeKind, PROTOCOL, PointerKey, Prepared, SignedPointer, wire};

/// How long connecting and greeting may take.
const GREETING: Duration = Duration::from_secs(10);
/// How long a prepared pointer waits for others of its batch.
const BATCH: Duration = Duration::from_millis(50);
/// Between attempts at a blob that nobody has.
const RETRY: Duration = Duration::from_secs(1);
/// Largest message accepted: an update's chunk with room to spare.
const MESSAGE: usize = 8 * 1024 * 1024;

/// A pointer as its task left it.
struct Settled {
    signed: SignedPointer,
    result: Result<Prepared, Outcome>,
    fallback: Option<Prepared>,
}

pub(crate) struct Connection<'a> {
    shared: &'a Arc<Shared>,
    state: &'a mut State,
    client: Client,
    out: mpsc::Sender<wire::FromWorker>,
    tasks: JoinSet<Settled>,
    revision: Revision,
}

impl<'a> Connection<'a> {
    /// Follows `url` until something ends it; answers what, for the log.
    pub(crate) async fn run(shared: &'a Arc<Shared>, state: &'a mut State, url: &str) -> String {
        match Self::follow(shared, state, url).await {
            Ok(never) | Err(never) => never,
        }
    }

    async fn follow(shared: &'a Arc<Shared>, state: &'a mut State, url: &str) -> Result<String, String> {
        let client = connect(shared, url).await?;
        let (out, messages) = mpsc::channel(16);
        say(&out, Say::Hello(hello(shared, state))).await?;
        let opened = timeout(GREETING, client.clone().follow(ReceiverStream::new(messages))).await;
        let stream = opened.map_err(|_| "no answer to hello")?.map_err(|status| status.message().to_owned())?;
        let tasks = JoinSet::new();
        Connection { shared, state, client, out, tasks, revision: 0 }.converse(stream.into_inner()).await
    }

    async fn converse(mut self, mut inbound: Streaming<wire::FromControl>) -> Result<String, String> {
        let first = timeout(GREETING, inbound.message()).await.map_err(|_| "no welcome")?;
        let Some(Hear::Welcome(welcome)) = first.map_err(|s| s.message().to_owned())?.and_then(|m| m.body) else {
            return Err("the first message is not a welcome".into());
        };
        self.state.welcome(&welcome.epoch, welcome.full);
        self.publish(|status| {
            status.connected = true;
            status.head = welcome.head;
        });
        let beat = Duration::from_millis(u64::from(welcome.heartbeat_ms.clamp(100, 60_000)));
        let mut beats = interval_at(Instant::now() + beat, beat);
        let mut deadline = Instant::now() + beat * 3;
        loop {
            tokio::select! {
                message = inbound.message() => {
                    deadline = Instant::now() + beat * 3;
                    if let Some(end) = self.hear(message).await? {
                        return Ok(end);
                    }
                }
                Some(first) = self.tasks.join_next(), if !self.tasks.is_empty() => {
                    let batch = self.batch(first).await;
                    self.install(batch).await?;
                }
                _ = beats.tick() => self.beat().await?,
                () = tokio::time::sleep_until(deadline) => return Err("the control plane went silent".into()),
            }
        }
    }

    async fn hear(
        &mut self,
        message: Result<Option<wire::FromControl>, tonic::Status>,
    ) -> Result<Option<String>, String> {
        let message = message.map_err(|status| {
            if status.code() == tonic::Code::DataLoss {
                self.state.forget_watermark();
            }
            status.message().to_owned()
        })?;
        match message.ok_or("the control plane closed the stream")?.body {
            Some(Hear::Update(update)) => self.update(update).await?,
            Some(Hear::Drain(drain)) => return Ok(Some(format!("told to go: {}", drain.reason))),
            Some(Hear::Ping(ping)) => self.publish(|status| status.head = status.head.max(ping.head)),
            Some(Hear::Welcome(_)) | None => {}
        }
        Ok(None)
    }

    async fn update(&mut self, update: wire::Update) -> Result<(), String> {
        self.revision = update.revision;
        let mut outcomes = Vec::new();
        for message in update.upserts {
            match SignedPointer::try_from(message) {
                Ok(signed) => self.upsert(signed, &mut outcomes),
                Err(error) => tracing::warn!(%error, "an unreadable pointer was skipped"),
            }
        }
        let mut gone = Vec::new();
        for key in update.removes.into_iter().filter_map(|key| PointerKey::try_from(key).ok()) {
            if self.state.remove(&key, update.revision) {
                gone.push(key);
            }
        }
        if update.complete {
            gone.extend(self.state.complete(update.revision));
        }
        self.shared.sink.install(Vec::new(), &gone);
        self.report(outcomes).await
    }

    fn upsert(&mut self, signed: SignedPointer, outcomes: &mut Vec<Outcome>) {
        match self.state.arrive(&signed, &self.shared.config.trusted) {
            Arrival::Known => {}
            Arrival::Refuse(kind, message) => {
                tracing::warn!(pointer = %signed.pointer.key, reason = %message, "refused a pointer");
                outcomes.push(self.state.complaint(outcome(&signed.pointer, kind, message)));
            }
            Arrival::Settle => self.start(signed, Duration::ZERO),
        }
    }

    fn start(&mut self, signed: SignedPointer, after: Duration) {
        let (shared, client) = (Arc::clone(self.shared), self.client.clone());
        let alone = self.state.serves(&signed.pointer.key) == 0;
        self.tasks.spawn(async move {
            tokio::time::sleep(after).await;
            let result = settle::settle(&shared, Some(client.clone()), &signed.pointer).await;
            let fallback = match &result {
                Err(_) if alone => settle::settle_fallback(&shared, Some(client), &signed.pointer).await,
                _ => None,
            };
            Settled { signed, result, fallback }
        });
    }

    /// What is ready now, and what becomes ready within [`BATCH`].
    async fn batch(&mut self, first: Result<Settled, tokio::task::JoinError>) -> Vec<Settled> {
        let mut batch: Vec<_> = first.into_iter().collect();
        let until = Instant::now() + BATCH;
        while !self.tasks.is_empty() {
            match tokio::time::timeout_at(until, self.tasks.join_next()).await {
                Ok(Some(Ok(settled))) => batch.push(settled),
                Ok(Some(Err(_))) => {}
                Ok(None) | Err(_) => break,
            }
        }
        batch
    }

    async fn install(&mut self, batch: Vec<Settled>) -> Result<(), String> {
        let mut ready: HashMap<PointerKey, Prepared> = HashMap::new();
        let mut outcomes = Vec::new();
        for Settled { signed, result, fallback } in batch {
            let (key, revision) = (signed.pointer.key.clone(), signed.pointer.revision);
            if !self.state.wants(&key, revision) {
                continue;
            }
            match result {
                Ok(prepared) => {
                    outcomes.push(outcome(&signed.pointer, OutcomeKind::Applied, ""));
                    self.state.applied(&key);
                    ready.insert(key, prepared);
                }
                Err(refusal) => {
                    tracing::warn!(pointer = %key, reason = %refusal.message, "a pointer was not applied");
                    outcomes.push(self.refuse(signed, refusal, fallback, &mut ready));
                }
            }
        }
        self.shared.sink.install(ready.into_values().collect(), &[]);
        self.report(outcomes).await
    }

    fn refuse(
        &mut self,
        signed: SignedPointer,
        refusal: Outcome,
        fallback: Option<Prepared>,
        ready: &mut HashMap<PointerKey, Prepared>,
    ) -> Outcome {
        let key = signed.pointer.key.clone();
        let mut complaint = self.state.complaint(refusal);
        if complaint.result == OutcomeKind::BlobUnavailable {
            self.start(signed, RETRY);
            return complaint;
        }
        self.state.refused(&key);
        if let Some(prepared) = fallback {
            complaint.result = OutcomeKind::Fallback;
            ready.insert(key, prepared);
        }
        complaint
    }

    /// Persists what changed, then acknowledges it: an acknowledged state survives a restart.
    async fn report(&mut self, outcomes: Vec<Outcome>) -> Result<(), String> {
        self.state.advance();
        let (cache, saved, quiet) = (self.shared.cache.clone(), self.state.saved(), self.state.quiet());
        let keep = quiet.then(|| self.state.referenced());
        let kept = tokio::task::spawn_blocking(move || {
            let saved = cache.save(&saved);
            keep.inspect(|keep| cache.sweep(keep));
            saved
        });
        if let Ok(Err(error)) = kept.await {
            tracing::warn!(%error, "cannot save the state; a restart would begin with an older one");
        }
        self.publish(|status| status.complete |= quiet);
        let outcomes = outcomes.iter().map(wire::Outcome::from).collect();
        say(&self.out, Say::Report(wire::Report { watermark: self.state.watermark, outcomes })).await
    }

    async fn beat(&self) -> Result<(), String> {
        let beat = wire::Heartbeat {
            watermark: self.state.watermark,
            state_digest: self.state.digest(),
            inflight: self.shared.sink.in_flight(),
            draining: self.shared.counters.draining(),
        };
        say(&self.out, Say::Heartbeat(beat)).await
    }

    fn publish(&self, change: impl FnOnce(&mut super::Status)) {
        self.state.publish(&self.shared.status, change);
    }
}

async fn say(out: &mpsc::Sender<wire::FromWorker>, body: Say) -> Result<(), String> {
    let sent = out.send(wire::FromWorker { body: Some(body) }).await;
    sent.map_err(|_| "the stream closed".to_owned())
}

async fn connect(shared: &Shared, url: &str) -> Result<Client, String> {
    let readable = |error: tonic::transport::Error| {
        let cause = std::error::Error::source(&error).map_or_else(String::new, |source| format!(": {source}"));
        format!("{error}{cause}")
    };
    let mut endpoint = Endpoint::from_shared(url.to_owned())
        .map_err(readable)?
        .connect_timeout(Duration::from_secs(5))
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(5))
        .keep_alive_timeout(Duration::from_secs(5));
    if let Some(tls) = &shared.config.tls {
        endpoint = endpoint.tls_config(tls.config()).map_err(readable)?;
    }
    let channel = timeout(GREETING, endpoint.connect()).await.map_err(|_| "connecting took too long")?;
    Ok(Client::new(channel.map_err(readable)?).max_decoding_message_size(MESSAGE))
}

fn hello(shared: &Shared, state: &State) -> wire::Hello {
    let identity = &shared.config.identity;
    wire::Hello {
        worker: Some(wire::Worker {
            id: identity.id.clone(),
            incarnation: identity.incarnation.clone(),
            version: identity.version.clone(),
            zone: identity.zone.clone(),
            labels: identity.labels.clone().into_iter().collect(),
            started_ms: identity.started_ms,
            peer_address: String::new(),
        }),
        protocol: PROTOCOL,
        plan_formats: shared.config.plan_formats.clone(),
        scope: shared.config.scope.clone(),
        epoch: state.epoch.clone(),
        watermark: state.watermark,
        state_digest: state.digest(),
        trusted_keys: shared.config.trusted.ids(),
    }
}
