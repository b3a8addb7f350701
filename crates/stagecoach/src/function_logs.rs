//! `GET /_stagecoach/v1/functions/{name}/logs[?follow=true]`: what a function printed on this host, and what it goes on to
//! print; on a control plane, on all hosts. One line each, plain text.

use std::io;
use std::pin::Pin;

use axum::body::{Body, BodyDataStream};
use bytes::{Bytes, BytesMut};
use stagecoach_functions::{Followed, Follower, Host};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tokio_util::sync::CancellationToken;

/// Lines on their way to a client.
const AHEAD: usize = 64;
/// Longest line that is kept whole, bytes; hosts cut theirs sooner.
const LINE: usize = 64 * 1024;

/// The function whose log a path is.
pub(crate) fn function(path: &str) -> Option<&str> {
    let name = path.strip_prefix("/_stagecoach/v1/functions/")?.strip_suffix("/logs")?;
    (!name.is_empty() && !name.contains('/')).then_some(name)
}

/// Whether a query asks for what is yet to come.
pub(crate) fn follows(query: &str) -> bool {
    query.split('&').any(|pair| pair == "follow=true")
}

/// A function's log on `host`; until `stop` at the latest.
pub(crate) fn body(host: &Host, name: &str, follow: bool, stop: CancellationToken) -> Body {
    if !follow {
        return Body::from(host.logs(name).iter().map(|line| format!("{line}\n")).collect::<String>());
    }
    let (sender, receiver) = mpsc::channel(AHEAD);
    tokio::spawn(pass(host.follow(name), sender, stop));
    Body::from_stream(ReceiverStream::new(receiver).map(Ok::<_, io::Error>))
}

/// Passes lines on until the log ends or the reader leaves.
async fn pass(mut follower: Follower, reader: mpsc::Sender<Bytes>, stop: CancellationToken) {
    for line in std::mem::take(&mut follower.earlier) {
        if reader.send(Bytes::from(line + "\n")).await.is_err() {
            return;
        }
    }
    loop {
        let next = tokio::select! {
            next = follower.next() => next,
            () = reader.closed() => None,
            () = stop.cancelled() => None,
        };
        let line = match next {
            Some(Followed::Line(line)) => format!("{line}\n"),
            Some(Followed::Missed(lines)) => {
                format!("[{lines} lines are missing here: they came faster than they were read]\n")
            }
            None => return,
        };
        if reader.send(line.into()).await.is_err() {
            return;
        }
    }
}

/// Several logs as one: whole lines, as they come, until `stop` at the latest.
pub(crate) fn merged(logs: Vec<Body>, stop: &CancellationToken) -> Body {
    let mut all: Pin<Box<dyn Stream<Item = Bytes> + Send>> = Box::pin(tokio_stream::empty());
    for log in logs {
        all = Box::pin(all.merge(lines(log.into_data_stream(), stop.clone())));
    }
    Body::from_stream(all.map(Ok::<_, io::Error>))
}

/// A log in pieces that end with a line. A host that breaks off ends its part.
fn lines(mut log: BodyDataStream, stop: CancellationToken) -> impl Stream<Item = Bytes> + Send {
    let (sender, receiver) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let mut rest = BytesMut::new();
        loop {
            let chunk = tokio::select! {
                chunk = log.next() => chunk,
                () = sender.closed() => return,
                () = stop.cancelled() => None,
            };
            let Some(Ok(chunk)) = chunk else { break };
            rest.extend_from_slice(&chunk);
            let whole = rest.iter().rposition(|&byte| byte == b'\n').map(|at| at + 1);
            let whole = whole.or((rest.len() > LINE).then_some(rest.len()));
            if let Some(whole) = whole
                && sender.send(rest.split_to(whole).freeze()).await.is_err()
            {
                return;
            }
        }
        if !rest.is_empty() {
            rest.extend_from_slice(b"\n");
            if sender.send(rest.freeze()).await.is_err() {
                tracing::trace!("a log's reader left at its end");
            }
        }
    });
    ReceiverStream::new(receiver)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[test]
    fn a_path_names_the_function() {
        assert_eq!(function("/_stagecoach/v1/functions/hello/logs"), Some("hello"));
        for path in
            ["/_stagecoach/v1/functions//logs", "/_stagecoach/v1/functions/a/b/logs", "/_stagecoach/v1/functions/a"]
        {
            assert_eq!(function(path), None, "{path}");
        }
        assert!(follows("a=b&follow=true") && !follows("follow=false") && !follows(""));
    }

    #[tokio::test]
    async fn lines_of_several_hosts_stay_whole() {
        let pieces = |pieces: &'static [&'static str]| {
            Body::from_stream(tokio_stream::iter(pieces.iter().map(|piece| Ok::<_, io::Error>(Bytes::from(*piece)))))
        };

        let merged =
            merged(vec![pieces(&["a", "a\nb", "b\n"]), pieces(&["c\nd", "d\n", "e"])], &CancellationToken::new());

        let text = String::from_utf8(merged.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["aa", "bb", "c", "dd", "e"]);
    }
}
